"""Names in /dev/shm: whose file one stands for, who has it open, and whether anybody still has.

Every process that has a file open, its maker and others alike, holds a shared flock on its own open file
description. The kernel drops it when the process ends, whichever way, so a file is stale exactly when an
exclusive flock on it succeeds.

A name is unlinked only under such a lock, and whoever has just locked a file looks whether it still has a
name: between making a file and locking it there is a moment in which a sweep may take it for stale.

Anybody on the computer may put a file into /dev/shm under a name that can be foreseen. So nothing is read from a
file, and nothing of it is mapped, before it is known to be this user's and closed to others.
"""

import errno
import fcntl
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

import posix_ipc

from hilrt.errors import (
    PlatformError,
    SegmentAbsentError,
    SegmentExistsError,
    SegmentForeignError,
    SharedMemoryUnusableError,
)
from hilrt.resource import Resource

DIRECTORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps POSIX shared memory
_MODE = 0o600


class Claim(Resource):
    """A name, taken before it is known how much memory it will stand for; only this user's `Segment.fill` gives it any.

    Raises:
        SegmentExistsError, SegmentForeignError, PlatformError: see `Segment.create`.
    """

    def __init__(self, run: str, what: str) -> None:
        self.name = segment_name(run, what)
        self._fd: int | None = create_locked(self.name)

    def unlink(self) -> None:
        """Take the name away; processes that have the segment open keep it."""
        if self._fd is not None:
            unlink(self.name, self._fd)

    def close(self) -> None:
        """Give up the lock; the name stays."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)


def segment_name(run: str, what: str) -> str:
    """The POSIX name of a segment; raises ValueError for parts that a file name cannot have."""
    for part in (run, what):
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", part):
            raise ValueError(f"{part!r} in a shared memory name: use 1 to 100 of A-Z a-z 0-9 . _ -")
    return f"/hilrt-{os.geteuid()}-{run}-{what}"


def sweep_stale() -> list[str]:
    """Remove this user's segments that no process has open; returns their names."""
    swept = []
    for path in sorted(DIRECTORY.glob(f"hilrt-{os.geteuid()}-*")):
        with suppress(SegmentAbsentError, SegmentForeignError):  # gone meanwhile, or planted by another user
            if _remove_if_stale(f"/{path.name}"):
                swept.append(f"/{path.name}")
    return swept


def runs_with(what: str) -> list[str]:
    """Runs of this user that have a segment `what`, stale ones included."""
    prefix, suffix = f"hilrt-{os.geteuid()}-", f"-{what}"
    names = sorted(path.name for path in DIRECTORY.glob(f"{prefix}*{suffix}"))
    return [name.removeprefix(prefix).removesuffix(suffix) for name in names]


def unlink(name: str, fd: int) -> None:
    """Take the name away that the open file `fd` has, if it still has one: it may be another file's by now."""
    if os.fstat(fd).st_nlink:
        posix_ipc.unlink_shared_memory(name)


def _remove_if_stale(name: str) -> bool:
    """Whether the name is free now."""
    fd = _opened(name)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlink(name, fd)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def create_locked(name: str) -> int:
    """Make an empty file of this name and hold it; a stale one of the same name is replaced.

    Raises:
        SegmentExistsError, SegmentForeignError, SharedMemoryUnusableError, PlatformError: see `Segment.create`.
    """
    _check_platform()
    while True:
        try:
            fd = os.open(DIRECTORY / name[1:], os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        except FileExistsError:
            with suppress(SegmentAbsentError):  # gone meanwhile
                if not _remove_if_stale(name):
                    raise SegmentExistsError(name) from None
            continue
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.EROFS, errno.EACCES}:
                raise
            raise SharedMemoryUnusableError(name, error) from None
        fcntl.flock(fd, fcntl.LOCK_SH)  # waits for a sweep that found the file before this lock
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)


def open_locked(name: str) -> int:
    """Open the file of this name and hold it.

    Raises:
        SegmentAbsentError, SegmentForeignError, PlatformError: see `Segment.attach`.
    """
    _check_platform()
    fd = _opened(name)
    problem = _openness(os.fstat(fd))
    if problem or not _locked(fd):
        os.close(fd)
        raise SegmentForeignError(name, problem) if problem else SegmentAbsentError(name)
    return fd


def _locked(fd: int) -> bool:
    """Whether the file has a name still, which from now on it keeps."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:  # only a sweep locks exclusively
        return False
    return bool(os.fstat(fd).st_nlink)


def _opened(name: str) -> int:
    """A file of this user's.

    Raises:
        SegmentAbsentError: there is none of this name.
        SegmentForeignError: it is not this user's, or no file.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(DIRECTORY / name[1:], flags)
    except FileNotFoundError:
        raise SegmentAbsentError(name) from None
    except OSError as error:
        if error.errno not in {
            errno.EACCES,
            errno.EPERM,
            errno.EROFS,
            errno.ELOOP,
            errno.EISDIR,
            errno.ENXIO,
        }:
            raise
        raise SegmentForeignError(name, f"it cannot be opened ({error.strerror})") from None
    if problem := _strangeness(os.fstat(fd)):
        os.close(fd)
        raise SegmentForeignError(name, problem)
    return fd


def _strangeness(status: os.stat_result) -> str:
    """Why a file is not one that this user's processes made; empty if it may be."""
    if not stat.S_ISREG(status.st_mode):
        return "it is no file"
    if status.st_uid != os.geteuid():
        return f"it belongs to the user with the number {status.st_uid}"
    return ""


def _openness(status: os.stat_result) -> str:
    """How others may come into it; empty if they may not."""
    mode = stat.S_IMODE(status.st_mode)
    return "" if mode == _MODE else f"its mode is {mode:04o}, not {_MODE:04o}, so others may write into it"


def _check_platform() -> None:
    machine = os.uname().machine
    if machine != "x86_64":
        raise PlatformError(machine)
