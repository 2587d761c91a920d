"""hilrt: human-in-the-loop reinforcement learning for a robot arm, on one computer."""
