"""The run folders that lie in one folder, known by their names, and those of them that are to be kept."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from hilrt.errors import NoSuchRunError, RunFolderError, RunWriteError
from hilrt.run.job import KINDS, Kind

NAME = re.compile(rf"(?P<name>.+)-(?P<kind>{'|'.join(KINDS)})-(?P<began>\d{{8}}-\d{{6}})(-\d+)?")
EVALS = "evals"
"""Folder of a training's evaluations, in its own."""
FIGURES = "tensorboard"
"""Where a run's folder has its figures."""
KEPT = "kept"
"""A file in a run's folder: nobody deletes it by a slip."""


class Shelved(NamedTuple):
    """A run's folder, as its name tells."""

    path: Path
    name: str
    """`env.name` of its task file."""
    kind: Kind
    began: str
    """Local time, as 20261201-164613."""

    @property
    def kept(self) -> bool:
        """Whether it is protected from `hilrt runs delete`."""
        return os.path.exists(self.path / KEPT)  # noqa: PTH110 - false where nobody may enter

    @property
    def began_iso(self) -> str:
        """Local time, as 2026-12-01T16:46:13."""
        b = self.began
        return f"{b[:4]}-{b[4:6]}-{b[6:8]}T{b[9:11]}:{b[11:13]}:{b[13:]}"

    @property
    def places(self) -> list[Path]:
        """Its own folder and those of its evaluations: all in which processes may be at work."""
        return [self.path, *(place for place in (self.path / EVALS).glob("*") if place.is_dir())]


def shelved(path: Path) -> Shelved:
    """The run in this folder.

    Raises:
        RunFolderError: it is none.
    """
    if not _has_config(path):
        raise NoSuchRunError(str(path), "is not a run: it has no config.toml")
    found = NAME.fullmatch(path.name or path.absolute().name)
    if not found:
        raise NoSuchRunError(str(path), "is not a run by its name, <name>-<kind>-<time>")
    kind = next(kind for kind in KINDS if kind == found["kind"])
    return Shelved(path, found["name"], kind, found["began"])


def _has_config(path: Path) -> bool:
    """Whether it is a run, or may be one that nobody may enter."""
    try:
        return (path / "config.toml").is_file()
    except OSError:
        return True


def runs_in(folder: Path) -> list[Shelved]:
    """All that lie in a folder, oldest first; whatever else lies there is left out.

    Raises:
        RunFolderError: there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        raise RunFolderError(str(folder), "is no folder; --in FOLDER says where your runs are")
    try:
        names = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
    except OSError as error:
        raise RunFolderError(str(folder), f"cannot be read: {error.strerror}") from None
    found = [shelved(path) for path in names if _has_config(path)]
    return sorted(found, key=lambda run: (run.began, run.name, run.kind, len(run.path.name), run.path.name))


def keep(path: Path, *, kept: bool) -> None:
    """Protect a run, or take its protection away.

    Raises:
        RunFolderError: it is none.
        RunWriteError: the disk does not take it.
    """
    mark = shelved(path).path / KEPT
    try:
        if kept:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)
    except OSError as error:
        raise RunWriteError(str(mark), error) from None
