"""Types of values that the tables share."""

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0.0)]
NonNegative = Annotated[float, Meta(ge=0.0)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=1)]
LARGEST_SIDE = 4096
"""Of any picture [pixels]."""
Pixels = Annotated[int, Meta(ge=1, le=LARGEST_SIDE)]
Vec2 = tuple[float, float]
Vec3 = tuple[float, float, float]
MOTORS = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
"""Motors of an arm in the order of their bus ids 1..6."""

SixAngles = tuple[float, float, float, float, float, float]
"""One for each joint, in the order of the motors [deg]."""
JointPose = tuple[float, float, float, float, float, float]
"""Five joints [deg], gripper [0 .. 100], in the order of the motors."""


class Bounds(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The workspace box of the end effector, base frame [m]."""

    min: Vec3
    max: Vec3


class Area(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the table where the object is put, and a simulated one is drawn from.

    Absent: the simulated patch, or the end effector's box (docs/guide/places.md).
    """

    min: Vec2
    """x forward, y to the left, base frame [m]."""
    max: Vec2
