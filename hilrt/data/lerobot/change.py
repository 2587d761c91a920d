"""Files that take their places in a folder together, or not at all.

They are written into `.hilrt-new`, at the places they shall have. Renaming that folder `.hilrt-commit`, once the disk
has all of it, is the commit point: whoever opens the dataset next finishes what a killed process has left to do. Before
that instant the folder is as it was.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.layout import INFO
from hilrt.errors import DatasetBusyError, DatasetDamagedError, DatasetWriteError
from hilrt.step.sealed import SealError, sealed, unsealed

NEW = ".hilrt-new"
COMMIT = ".hilrt-commit"
_REMOVE, _FORMAT = "remove.json", 1

WAIT_S = 10.0
"""For another writer: a recorder takes a second or two to end."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only process that writes below `folder`; the lock dies with its process.

    Raises:
        DatasetBusyError: another one does.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _lock(fd, folder)
        yield
    finally:
        os.close(fd)


def _lock(fd: int, folder: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DatasetBusyError(str(folder)) from None
            time.sleep(0.05)
        else:
            return


class Change:
    """New files of a dataset, until `commit` puts them in place; left without it, they are removed.

    Raises:
        DatasetBusyError: another process is at it.
        DatasetPathError: a file would lie, or be taken away, outside the dataset; nothing has changed.
        DatasetWriteError: the disk refuses; nothing has changed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._new = root / NEW
        self._made = not root.exists()
        self._held = ExitStack()

    def path(self, name: str) -> Path:
        """Where to write the file that shall lie at `name` below the root."""
        path = inside(self._new, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def commit(self, *, whole: bool) -> None:
        """Put the files in place; `whole`: and take away all files of a dataset that are not among them."""
        stale = sorted(_numbered(self.root) - _numbered(self._new)) if whole else []
        for name in (*stale, *_files(self._new)):
            inside(self.root, name)
        self.path(_REMOVE).write_bytes(sealed(stale, _FORMAT))
        for folder, _, names in os.walk(self._new):
            for name in names:
                _sync(Path(folder, name))
            _sync(Path(folder))
        self._new.rename(self.root / COMMIT)
        _sync(self.root)
        _apply(self.root)

    def __enter__(self) -> Self:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._held.enter_context(locked(self.root))
            _apply(self.root)
            shutil.rmtree(self._new, ignore_errors=True)
            self._new.mkdir()
        except BaseException as error:
            self._held.close()
            if isinstance(error, OSError):
                raise DatasetWriteError(str(self.root), error) from None
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._new, ignore_errors=True)
        if self._made and not any(self.root.iterdir()):
            self.root.rmdir()
        self._held.close()
        if isinstance(error, OSError):
            raise DatasetWriteError(str(self.root), error) from None


def finish(root: Path) -> None:
    """Complete a commit whose process was killed in the middle of it; to be called before anything is read.

    Raises:
        DatasetBusyError: another process is at it.
        DatasetPathError: it is no commit of hilrt, for it names places outside the dataset; nothing was touched.
        DatasetDamagedError: it is not what was written; nothing was touched.
        DatasetWriteError: the disk refuses.
    """
    if not (root / COMMIT).is_dir():
        return
    try:
        with locked(root):
            _apply(root)
    except OSError as error:
        raise DatasetWriteError(str(root), error) from None


def _apply(root: Path) -> None:
    """Every step may be repeated; info.json is the last that moves, for readers that know no `.hilrt-commit`."""
    commit = inside(root, COMMIT)
    if (commit / _REMOVE).exists():
        _move(root, commit)
    shutil.rmtree(commit, ignore_errors=True)


def _move(root: Path, commit: Path) -> None:
    moves = {inside(commit, name): inside(root, name) for name in sorted(_files(commit), key=_info_last)}
    stale = [inside(root, name) for name in _removed(commit / _REMOVE)]
    for new, place in moves.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        new.replace(place)
    for old in stale:
        old.unlink(missing_ok=True)
    for changed, _, _ in os.walk(root):
        _sync(Path(changed))


def _files(folder: Path) -> list[str]:
    """Names below `folder` of the files that take their places."""
    names = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return [name for name in names if name != _REMOVE]


def _removed(path: Path) -> list[str]:
    try:
        return unsealed(path.read_bytes(), list[str])
    except SealError as error:
        raise DatasetDamagedError(str(path), f"it is no list of files: {error}") from None


def _numbered(root: Path) -> set[str]:
    """Files of a dataset that another one may not have, or has less of."""
    places = (
        "data/*/file-*.parquet",
        "meta/episodes/*/file-*.parquet",
        "videos/**/file-*.mp4",
        "hilrt/final-*.parquet",
        "hilrt/labels.json",
    )
    return {str(path.relative_to(root)) for place in places for path in root.glob(place)}


def _info_last(name: str) -> tuple[bool, str]:
    return name == INFO, name


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
