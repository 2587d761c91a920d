"""Where LeRobot keeps an arm's calibration, which hilrt reads as it is, and how it is found from a task file."""

import os
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from msgspec import Struct

from hilrt.errors import ForeignConfigError
from hilrt.setup.lerobot.reading import Reading

KINDS = {"robots": "robot", "teleoperators": "teleop"}
"""Folders of a calibration folder, and whose they are."""
OTHER_NAMES = {
    "robots": ("so_follower", "so100_follower", "so101_follower", "so100_follower_end_effector"),
    "teleoperators": ("so_leader", "so100_leader", "so101_leader"),
}
"""Folders of an arm's type: later versions have one name for both arms."""


class Found(Struct, frozen=True):
    """An arm's calibration file."""

    path: Path
    wanted: Path
    """Below a calibration folder, where hilrt looks for it."""

    @property
    def root(self) -> Path | None:
        """The calibration folder that has it where hilrt looks for it."""
        return self.path.parents[2] if self.path.parts[-3:] == self.wanted.parts else None


def home() -> Path:
    """The folder that LeRobot keeps everything in."""
    hub = os.environ.get("HF_HOME", "~/.cache/huggingface")
    return Path(os.environ.get("HF_LEROBOT_HOME", f"{hub}/lerobot"))


def default_folder() -> Path:
    """Where LeRobot keeps calibrations."""
    return Path(os.environ.get("HF_LEROBOT_CALIBRATION", home() / "calibration"))


def set_calibration(reading: Reading, folder: Path | None, out: Path) -> list[str]:
    """Set `robot.calibration_dir` so that the calibrations of arm and leader arm are found.

    Args:
        reading: of the files; changed.
        folder: given by the user, in place of LeRobot's own.
        out: the task file, for messages.

    Returns:
        What was found, and what is to be done, in lines.

    Raises:
        ForeignConfigError: there is no such folder.
    """
    if folder is not None and not folder.expanduser().is_dir():
        raise ForeignConfigError(
            str(folder), "is no folder", "--calibration is where robots/ and teleoperators/ are."
        )
    places = list(_places(reading))
    found = [_find(reading, kind, wanted, folder or default_folder()) for kind, wanted in places]
    roots = {one.root for one in found if one}
    if None not in found and len(roots) == 1 and None not in roots:
        reading.put("robot.calibration_dir", str(roots.pop()), "LeRobot's own: the format is the same")
        return [f"calibration: {one.path}, used where it is" for one in found if one]
    lines, task = [], quote(str(out))
    for (kind, wanted), one in zip(places, found, strict=True):
        leader, there = " --leader" * (kind == "teleoperators"), quote(f"calibration/{wanted}")
        if one is None:
            lines.append(
                f"calibration: none found here; put it at {there}, or: hilrt calibrate {task}{leader}"
            )
        else:
            lines.append(f"calibration: install -D {quote(str(one.path.expanduser()))} {there}")
    return lines


def _places(reading: Reading) -> Iterator[tuple[str, Path]]:
    """Of each arm, where hilrt looks for its file."""
    for kind, table in KINDS.items():
        if kind == "robots" or str(reading.value("teleop.type")).endswith("_leader"):
            name = f"{reading.value(f'{table}.id')}.json"
            yield kind, Path(kind) / str(reading.value(f"{table}.type")) / name


def _find(reading: Reading, kind: str, wanted: Path, folder: Path) -> Found | None:
    """The file in the folder that the arm names, else where its type, or another name of it, is."""
    own = reading.notes.get(f"{KINDS[kind]} calibration")
    folders = [Path(str(own))] if own else []
    folders += [folder / kind / name for name in (wanted.parent.name, *OTHER_NAMES[kind])]
    paths = [path / wanted.name for path in folders]
    return next((Found(path, wanted) for path in paths if path.expanduser().is_file()), None)
