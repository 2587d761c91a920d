"""Robot descriptions: one URDF per arm, read by the kinematics and by the simulated world."""

from pathlib import Path

SO100_URDF = Path(__file__).with_name("so100.urdf")
SO100_FRAME = "gripper_frame_link"
"""Its end-effector frame, at the tip of the fixed finger."""
