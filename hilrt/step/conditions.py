"""Under what conditions steps were taken: what decides, beside their features, whether two of them mean the same.

Kept with every recorded episode and every checkpoint. A field that comes to be known later has None for "was not kept".
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from hilrt.config import Bounds, JointPose, Vec3


class ArmConditions(msgspec.Struct, frozen=True, kw_only=True):
    """Of one arm."""

    id: str
    start: JointPose
    """Start pose: five joints [deg], gripper [0 .. 100]."""
    start_m: Vec3
    """Where the end effector then is, base frame [m]."""
    box: Bounds | None
    """Workspace; None with joint control."""
    zeros_deg: tuple[float, ...]
    """Where zero of each of the five joints lies on its motor's encoder; with others equal angles are other places."""
    gripper_deg: tuple[float, float]
    """The same of the gripper, closed and open."""
    offsets_deg: tuple[float, ...] | None = None
    """Zero offsets that the arm's model has, as `hilrt calibrate --touch` finds them."""


class CameraConditions(msgspec.Struct, frozen=True, kw_only=True):
    """Of one camera, as the task file asks for it."""

    device: str
    """Path; empty for a simulated one."""
    width: int
    height: int
    fps: int
    rotation: int
    fourcc: str
    crop: tuple[int, ...]
    """As `crop_params_dict` has it, or empty. For the record: frames are kept whole, and a policy's features tell its
    own."""
    controls: dict[str, int] | None = None
    """Those that the task file sets, by name: exposure, gain, white balance, focus."""


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    arms: dict[str, ArmConditions]
    """By side; a single one has no name."""
    cameras: dict[str, CameraConditions]
    resize: tuple[int, int]
    """Height and width that the policy sees [pixels]; for the record, as `CameraConditions.crop`."""
    robot_type: str
    urdf: str
    """Digest of the arm's description."""
    frame: str
    """The end effector's, in it."""
    open_position: int
    max_gripper_pos: float
    goals_hz: int
    """How often goals went out to the motors."""
    joint_velocity_deg_s: float
    """Limit of every command."""
    own_steps: tuple[str, ...]
    """Steps of the user's own, with their options."""
    sim: dict[str, Any] | None
    """Nature of the simulated arms; None for real ones."""
    start_range_mm: tuple[float, ...] | None = None
    """How far around the start pose episodes begin, along each axis."""
    environment: str | None = None
    """Name and arguments of a Gymnasium environment; None with an arm."""
    gravity_compensation: bool | None = None
    grip_lead_deg: float | None = None
    scene: dict[str, Any] | None = None
    """Of the simulator, by option: where the object lies, what it is like, how it looks; None for a real one."""
    area: str | None = None
    """Where the task file has the object put; empty where it does not say."""


def grouped(conditions: Sequence[Conditions | None]) -> list[tuple[Conditions | None, list[int]]]:
    """Numbers of the episodes under equal conditions, in the order in which these first occur."""
    groups: list[tuple[Conditions | None, list[int]]] = []
    for number, each in enumerate(conditions):
        known = next((numbers for other, numbers in groups if other == each), None)
        if known is None:
            groups.append((each, [number]))
        else:
            known.append(number)
    return groups
