"""The SO-100's links as simple shapes: what the simulated world collides, and what the collision check measures."""

from typing import NamedTuple

Point = tuple[float, float, float]


class Capsule(NamedTuple):
    """Where a link runs: the ends of its axis in the link's frame [m], and its radius [m]."""

    link: str
    start: Point
    end: Point
    radius: float


class Box(NamedTuple):
    """A box on a link: its middle in the link's frame [m], half its sides [m], its turn about z [rad]."""

    link: str
    centre: Point
    half: Point
    turn: float = 0.0


CAPSULES = (
    Capsule("base_link", (0.0, 0.0, 0.02), (0.0388, 0.0, 0.035), 0.030),
    Capsule("shoulder_link", (0.0, 0.0, 0.0), (-0.0304, 0.0, -0.0542), 0.025),
    Capsule("upper_arm_link", (0.0, 0.0, 0.018), (-0.1126, -0.028, 0.018), 0.018),
    Capsule("lower_arm_link", (0.0, 0.0, 0.018), (-0.1349, 0.0052, 0.018), 0.016),
    Capsule("wrist_link", (0.0, 0.0, 0.018), (0.0, -0.0461, 0.0181), 0.018),
)

# The gripper's body, its fixed finger, and the jaw, which is parallel to that finger at 0.165 rad.
BOXES = (
    Box("gripper_link", (0.004, 0.0, -0.014), (0.026, 0.018, 0.016)),
    Box("gripper_link", (-0.0129, 0.0, -0.0631), (0.005, 0.011, 0.035)),
    Box("moving_jaw_link", (-0.00465, -0.03947, 0.0188), (0.005, 0.035, 0.011), -0.165),
)
