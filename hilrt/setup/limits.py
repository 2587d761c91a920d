"""Finding the workspace: the arm is moved, by hand or by its operator's device, and followed meanwhile."""

from collections.abc import Mapping
from pathlib import Path

from hilrt.config import Config, taskfile
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration, units_from_radians
from hilrt.errors import ConfigError, NotMovedError
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.setup.console import Console, Table
from hilrt.setup.place import Place
from hilrt.step.extent import Extent, table_name


async def find_limits(console: Console, config: Config, side: str = "") -> Extent:
    """Follow the arm while the operator moves it by hand through all it will have to reach.

    Raises:
        ConfigError: the arm is a simulated one.
        UnknownNameError, CalibrationFileError: see `Place.of` and `Calibration.load`.
        CalibrationMismatchError, and what else `Arm.connect` raises.
    """
    if config.sim is not None:
        raise ConfigError("[sim]", "nobody can move a simulated arm by hand.", "Drive it: add --teleoperate.")
    place = Place.of(config, side)
    calibration = Calibration.load(place.calibration_path)
    kinematics, extent = kinematics_of(config, calibration), Extent()
    async with await Arm.connect(place.port, calibration) as arm:
        await console.ask("The motors let go now: hold the arm, then press Enter.")
        await arm.disable_torque()

        async def look() -> Table:
            joints = (await arm.read()).position
            extent.see(kinematics.forward(joints)[:3, 3], units_from_radians(joints))
            return Table("Limits", ("", "min", "position", "max"), tuple(extent.texts()))

        await console.watch(
            look, "Move the gripper through the whole space that the task needs; then press Enter."
        )
    return extent


def require_box(path: Path) -> None:
    """See whether a task file has a box to put limits into.

    Raises:
        ConfigError: it has no end-effector control, or cannot be read.
    """
    if "inverse_kinematics" not in taskfile.document(path).get("processor", {}):
        raise ConfigError(str(path), "no [processor.inverse_kinematics]: joint control has no workspace box.")


def moved(extents: Mapping[str, Extent]) -> dict[str, Extent]:
    """Those of the arms that were moved, by side.

    Raises:
        NotMovedError: none was.
    """
    found = {side: extent for side, extent in extents.items() if extent.moved}
    if not found:
        raise NotMovedError
    return found


def write_limits(path: Path, extents: Mapping[str, Extent]) -> None:
    """Put the boxes into the task file, by side; everything else in it, comments too, stays as it is.

    Raises:
        ConfigError: a box does not suit the rest of the file, or the file has none, or cannot be written; it is
            then as it was.
    """
    require_box(path)
    boxes = {table_name(side): extent.box for side, extent in extents.items()}
    taskfile.write(path, taskfile.edited(path, boxes, "the limits found"))


def kinematics_of(config: Config, calibration: Calibration) -> Kinematics:
    """Of an arm with that calibration."""
    ik = config.processor.inverse_kinematics
    frame = ik.target_frame_name if ik else SO100_FRAME
    return Kinematics((ik and ik.urdf_path) or SO100_URDF, frame, zeros=calibration.zeros)
