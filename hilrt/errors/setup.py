"""Failures of setting up an arm and its cameras."""

from collections.abc import Sequence
from pathlib import Path

from hilrt.errors.root import HilrtError


class ForeignConfigError(HilrtError):
    """A configuration of LeRobot cannot be made a task file of."""

    def __init__(self, path: str, problem: str, cure: str = "") -> None:
        super().__init__(f"{path} {problem}. {cure}".rstrip())


class CalibrationFileError(HilrtError):
    """A calibration file cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(
            f"{path}: {problem}. Calibrate the arm again ({_calibrate(path)}), or have robot.calibration_dir and the "
            "arm's id name another file."
        )


class CalibrationAbsentError(CalibrationFileError):
    """There is no calibration of an arm where the task file says."""

    def __init__(self, path: str) -> None:
        HilrtError.__init__(
            self,
            f"{path}: there is no such file; the arm's calibration belongs there. If the arm has none yet, "
            f"{_calibrate(path)} makes it. If it has one: robot.calibration_dir and the arm's id say where it lies, "
            f"and a relative folder begins where hilrt is started, now {Path.cwd()}.",
        )


def _calibrate(path: str) -> str:
    """The command for the arm whose calibration lies there."""
    leader = " --leader" if "teleoperators" in Path(path).parts else ""
    return f"`hilrt calibrate CONFIG{leader}`"


class CalibrationMismatchError(HilrtError):
    """The servos hold another calibration than the file."""

    def __init__(self, port: str, path: str, differences: Sequence[str]) -> None:
        super().__init__(
            f"the arm on {port} is not calibrated as {path} says: {'; '.join(differences)}. "
            "It is another arm's file, or a motor was replaced: calibrate again before moving."
        )


class PortsSwappedError(HilrtError):
    """The arm on a port is another one that is known."""

    def __init__(self, port: str, path: str, owners: Sequence[str]) -> None:
        super().__init__(
            f"the ports are swapped: the arm on {port} holds the calibration of {', '.join(owners)}, not of {path}. "
            "Exchange the two arms' ports in the task file, or their plugs. Do not calibrate it under this name."
        )


class FindingFileError(HilrtError):
    """A file of what was found of an arm cannot be used."""

    def __init__(self, path: str, problem: str, command: str, without: str) -> None:
        super().__init__(f"{path}: {problem}. Find it again ({command}), or move the file away: {without}.")


class FindingStaleError(FindingFileError):
    """What was found of an arm belongs to another calibration."""

    def __init__(
        self, path: str, what: str, found: str, calibration: str, command: str, without: str
    ) -> None:
        problem = f"{what} found on {found} belong to another calibration than {calibration} is now"
        super().__init__(path, problem, command, without)


class ShutUnknownError(HilrtError):
    """A grasp is to be told by the gripper's opening, and nobody knows how far it shuts when it is empty."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is missing: a grasp is told by a gripper that something keeps from shutting. Have the empty "
            'gripper shut once: hilrt calibrate --shut CONFIG. Or set reward.type = "task".'
        )


class ShutError(HilrtError):
    """A gripper that did not shut."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}. Nothing was written.")


class TouchError(HilrtError):
    """Touches from which no zero offsets can be told."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}. Nothing was written. {cure}")


class NoMotorError(HilrtError):
    """No motor answers at any baud rate."""

    def __init__(self, port: str, baudrates: Sequence[int]) -> None:
        super().__init__(
            f"no motor answers on {port}, at {', '.join(map(str, baudrates))} baud. "
            "Switch the power on, check the three-pin cable and that this is the arm's port (hilrt find-port)."
        )


class MotorsTogetherError(HilrtError):
    """More than one motor is connected where one should be alone."""

    def __init__(self, port: str, motors: Sequence[int]) -> None:
        one_id = len(set(motors)) == 1
        seen = (
            f"two motors with id {motors[0]}" if one_id else f"motors with ids {', '.join(map(str, motors))}"
        )
        super().__init__(
            f"{seen} answer on {port}: nothing was changed. Connect one motor alone; unplug the cable that leads "
            "from it to the next."
        )


class SweepError(HilrtError):
    """A joint's range cannot be taken from how it was moved."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name} {problem}. Nothing was written; calibrate again.")


class NotMovedError(HilrtError):
    """Limits were to be found, and no arm went anywhere."""

    def __init__(self) -> None:
        super().__init__(
            "no end effector was moved by more than 5 mm, so there is no workspace to print or to write. "
            "Run it again, and move the gripper through the whole space that the task needs before you end it."
        )


class FitError(HilrtError):
    """Demonstrations say nothing about the task file."""

    def __init__(self, root: str, problem: str) -> None:
        super().__init__(
            f"{root} has {problem}, so there is nothing to fit the task file to. Record demonstrations with `hilrt "
            "record` first; `hilrt fit --start-here` takes the start pose from the arm, `hilrt find-limits` the box "
            "from your hand."
        )


class PortsUnchangedError(HilrtError):
    """Unplugging and plugging in did not single out one serial port."""

    def __init__(self, what: str, found: Sequence[str]) -> None:
        seen = f"{len(found)} ports {what} ({', '.join(found)})" if found else f"no port {what}"
        super().__init__(
            f"{seen}, expected one. Unplug the USB cable of one arm only, wait two seconds, and try again; "
            "a cable that only charges shows no port at all."
        )


class RegionError(HilrtError):
    """What was given as a region of interest is none."""

    def __init__(self, text: str, cameras: Sequence[str]) -> None:
        super().__init__(
            f"--roi {text}: expected CAMERA=TOP,LEFT,HEIGHT,WIDTH in whole pixels, as in front=180,250,120,150. "
            f"Cameras: {', '.join(cameras) or 'none'}."
        )


class RegionAbsentError(HilrtError):
    """A region of interest is wanted, and there is no window to draw it in."""

    def __init__(self, cameras: Sequence[str], why: str) -> None:
        super().__init__(
            f"no region for {', '.join(cameras)}, and no display to draw one ({why}). Give --roi "
            f"{cameras[0]}=TOP,LEFT,HEIGHT,WIDTH, or --suggest, or use `ssh -X`."
        )


class CropError(HilrtError):
    """Pictures cannot be cropped."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path} {problem}.")
