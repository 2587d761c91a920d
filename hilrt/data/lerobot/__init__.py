"""Demonstrations as a LeRobotDataset v3.0: written from the journal, read as episodes; pyarrow is behind it."""
