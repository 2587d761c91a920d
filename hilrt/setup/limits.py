"""Finding the workspace: the arm is moved by hand, its end effector and joints are followed."""

from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from hilrt import taskfile
from hilrt.config import MOTORS, Config
from hilrt.control.kinematics import Kinematics
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration, units_from_radians
from hilrt.errors import ConfigError
from hilrt.robots import SO100_URDF
from hilrt.setup.console import Console, Table
from hilrt.setup.place import Place

Vector = NDArray[np.float64]
FRAME = "gripper_frame_link"


class Extent:
    """Lowest, present and highest of some quantities, shape (n,)."""

    def __init__(self, size: int) -> None:
        self.low: Vector = np.full(size, np.inf)
        self.now: Vector = np.full(size, np.nan)
        self.high: Vector = np.full(size, -np.inf)

    def see(self, values: Vector) -> None:
        """Take in a measurement."""
        self.now = values
        self.low, self.high = np.minimum(self.low, values), np.maximum(self.high, values)


class Limits(msgspec.Struct, frozen=True):
    """Where the arm has been: end effector [m], base frame, and joints [deg; gripper 0 .. 100]."""

    end_effector: Extent
    joints: Extent

    def toml(self, side: str) -> str:
        """The tables as a task file has them; joints are for the reader, no option takes them."""
        box = _bounds(self.end_effector)
        lines = [f"[{_table_name(side)}]", f"min = {box['min']}", f"max = {box['max']}", ""]
        for name, low, high in zip(MOTORS, self.joints.low, self.joints.high, strict=True):
            lines.append(f"# {name}: {low:.1f} .. {high:.1f}")
        return "\n".join(lines)


async def find_limits(console: Console, config: Config, side: str = "") -> Limits:
    """Follow the arm while the operator moves it through all it will have to reach.

    Raises:
        ConfigError, CalibrationFileError: see `Place.of` and `Calibration.load`.
        CalibrationMismatchError, and what else `Arm.connect` raises.
    """
    place = Place.of(config, side)
    kinematics = _kinematics(config)
    limits = Limits(Extent(3), Extent(6))
    async with await Arm.connect(place.port, Calibration.load(place.calibration_path)) as arm:
        await console.ask("The motors let go now: hold the arm, then press Enter.")
        await arm.disable_torque()

        async def look() -> Table:
            position = (await arm.read()).position
            limits.end_effector.see(kinematics.forward(position)[:3, 3])
            limits.joints.see(units_from_radians(position))
            return _shown(limits)

        await console.watch(
            look, "Move the gripper through the whole space that the task needs; then press Enter."
        )
    console.say(limits.toml(side))
    return limits


def write_limits(path: Path, limits: Limits, side: str = "") -> None:
    """Put the box into the task file; everything else in it, comments too, stays as it is.

    Raises:
        ConfigError: the box does not suit the rest of the file, or the file has no end-effector control, or
            cannot be written; the file is then as it was.
    """
    if "inverse_kinematics" not in taskfile.document(path).get("processor", {}):
        raise ConfigError(str(path), "no [processor.inverse_kinematics]: joint control has no workspace box.")
    box = _bounds(limits.end_effector)
    taskfile.write(path, taskfile.edited(path, _table_name(side), box, "the limits found"))


def _table_name(side: str) -> str:
    owner = f"robot.arms.{side}" if side else "processor.inverse_kinematics"
    return f"{owner}.end_effector_bounds"


def _bounds(extent: Extent) -> dict[str, list[float]]:
    """Whole millimetres."""
    return {"min": extent.low.round(3).tolist(), "max": extent.high.round(3).tolist()}


def _kinematics(config: Config) -> Kinematics:
    ik = config.processor.inverse_kinematics
    return Kinematics((ik and ik.urdf_path) or SO100_URDF, ik.target_frame_name if ik else FRAME)


def _shown(limits: Limits) -> Table:
    rows = _rows([f"end effector {axis} [m]" for axis in "xyz"], limits.end_effector, 3)
    rows += _rows([f"{name} [deg]" for name in MOTORS[:-1]] + ["gripper [0 .. 100]"], limits.joints, 1)
    return Table("Limits", ("", "min", "position", "max"), tuple(rows))


def _rows(names: list[str], extent: Extent, digits: int) -> list[tuple[str, ...]]:
    columns = zip(names, extent.low, extent.now, extent.high, strict=True)
    return [(name, *(f"{x:.{digits}f}" for x in values)) for name, *values in columns]
