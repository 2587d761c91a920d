"""Starts the processes of a run, watches them, keeps the arm safe."""
