"""The real-time process: sense, decide, act, record, once per period."""
