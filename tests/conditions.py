"""Conditions to record under."""

from hilrt.config import Bounds
from hilrt.step.conditions import ArmConditions, CameraConditions, Conditions

ARM = ArmConditions(
    id="follower",
    start=(0.0, -20.0, 30.0, 60.0, 0.0, 50.0),
    start_m=(0.2, 0.0, 0.07),
    box=Bounds(min=(0.15, -0.1, 0.005), max=(0.3, 0.1, 0.12)),
    zeros_deg=(180.0, 178.0, 91.5, 180.0, 359.0),
    gripper_deg=(150.0, 270.0),
    offsets_deg=(0.0,) * 6,
)
CAMERA = CameraConditions(
    device="/dev/video0",
    width=640,
    height=480,
    fps=30,
    rotation=0,
    fourcc="MJPG",
    crop=(40, 80, 400, 400),
    controls={"exposure": 157, "gain": 32},
)
CONDITIONS = Conditions(
    arms={"": ARM},
    cameras={"front": CAMERA},
    resize=(128, 128),
    robot_type="so101_follower",
    urdf="0123",
    frame="gripper_frame_link",
    open_position=100,
    max_gripper_pos=100.0,
    goals_hz=50,
    joint_velocity_deg_s=180.0,
    own_steps=(),
    sim=None,
    gravity_compensation=False,
    grip_lead_deg=2.0,
    start_range_mm=(0.0, 0.0, 0.0),
)
