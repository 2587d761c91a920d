"""Shared memory between the processes: no torch, no asyncio, no knowledge of robots."""
