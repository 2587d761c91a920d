"""Where arms start, and that it is inside their workspace boxes: a task file that says otherwise is wrong."""

from collections.abc import Sequence

from hilrt.config import Config, Vec3
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.errors import StartOutsideBoxError
from hilrt.robots import SO100_FRAME, SO100_URDF

ROUNDING = 1e-3
"""By as much a start pose may be outside the box, whose corners are whole millimetres [m]."""


def calibrations_of(config: Config) -> list[Calibration]:
    """Each arm's.

    Raises:
        CalibrationFileError, FindingFileError, FindingStaleError: one cannot be read, or used.
    """
    return [Calibration.load(config.robot.calibration_path(side)) for side in config.sides]


def start_places(config: Config, calibrations: Sequence[Calibration]) -> list[Vec3]:
    """Where each arm's end effector is at its start pose, base frame [m].

    Raises:
        RobotModelError, UnknownNameError: of the arm's description.
    """
    from hilrt.robots.kinematics import Kinematics  # noqa: PLC0415 - pinocchio is behind it

    ik, places = config.processor.inverse_kinematics, []
    urdf, frame = (ik and ik.urdf_path) or SO100_URDF, ik.target_frame_name if ik else SO100_FRAME
    for side, calibration in zip(config.sides, calibrations, strict=True):
        pose = Kinematics(urdf, frame, zeros=calibration.zeros).forward(
            radians_from_units(config.reset_pose(side))
        )
        x, y, z = pose[:3, 3].tolist()
        places.append((x, y, z))
    return places


def require_start(config: Config, places: Sequence[Vec3], source: str = "the task file") -> None:
    """See that each arm starts in its box: it would run into that by itself.

    Args:
        config: of the task.
        places: see `start_places`.
        source: names the task file.

    Raises:
        StartOutsideBoxError: one does not.
    """
    for side, place in zip(config.sides, places, strict=True):
        box = config.bounds(side)
        off = _off(place, box.min, box.max) if box else {}
        if outside := {axis: by for axis, by in off.items() if abs(by) > ROUNDING}:
            arm, own = config.robot.sides[side], f"robot.arms.{side}"
            pose = own if arm.fixed_reset_joint_positions else "processor.reset"
            bounds = own if arm.end_effector_bounds else "processor.inverse_kinematics"
            raise StartOutsideBoxError(source, side, place, outside, pose, bounds)


def _off(place: Vec3, low: Vec3, high: Vec3) -> dict[str, float]:
    """How far it is beyond each axis' ends [m]; negative: below the lower one."""
    ends = zip("xyz", place, low, high, strict=True)
    return {axis: min(0.0, here - least) + max(0.0, here - most) for axis, here, least, most in ends}
