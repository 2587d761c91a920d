"""A named piece of shared memory with a checked layout and a lock that lives as long as its users.

Every process that has a segment open, creator and attachers alike, holds a shared flock on its own open file
description. The kernel drops it when the process ends, whichever way, so a segment is stale exactly when an
exclusive flock on it succeeds.

A name is unlinked only under such a lock, and whoever has just locked a file looks whether it still has a
name: between making a file and locking it there is a moment in which a sweep may take it for stale.

Anybody on the computer may put a file into /dev/shm under a name that can be foreseen. So nothing is read from a
file, and nothing of it is mapped, before it is known to be this user's and closed to others.
"""

import errno
import fcntl
import mmap
import os
import re
import shutil
import stat
import struct
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import posix_ipc
import xxhash

from hilrt.errors import (
    PlatformError,
    SegmentAbsentError,
    SegmentDamagedError,
    SegmentExistsError,
    SegmentForeignError,
    SegmentMismatchError,
    SegmentNotReadyError,
    SharedMemoryFullError,
    SharedMemoryUnusableError,
)
from hilrt.resource import Resource

LINE = 64
"""Bytes of a cache line: what two processes write is kept on different ones."""

_DIRECTORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps POSIX shared memory
_MAGIC = int.from_bytes(b"hilrtshm", "little")
_LAYOUT = 2
_HEADER = struct.Struct("=7Q")
_MODE = 0o600


class _Header(NamedTuple):
    magic: int
    layout: int
    payload_offset: int
    payload_bytes: int
    schema_bytes: int
    schema_digest: int
    digest: int
    """Of those before."""

    @classmethod
    def of(cls, payload_bytes: int, schema: bytes) -> Self:
        offset = align(_HEADER.size + len(schema))
        words = (_MAGIC, _LAYOUT, offset, payload_bytes, len(schema), _digest(schema))
        return cls(*words, _words_digest(words))

    @property
    def whole(self) -> bool:
        return self.digest == _words_digest(self[:-1])


def align(size: int) -> int:
    """The next multiple of a cache line [bytes]."""
    return -(-size // LINE) * LINE


class Segment(Resource):
    """Shared memory `/hilrt-<uid>-<run>-<what>`; see `create` and `attach`.

    `close` gives up the lock; the mapping itself goes when the last view of it does, so no view ever dangles.
    """

    def __init__(self, name: str, fd: int, header: _Header, schema: str) -> None:
        end = header.payload_offset + header.payload_bytes
        self._view = memoryview(mmap.mmap(fd, end, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE))
        self._header = header
        self.name = name
        self.schema = schema
        self._fd: int | None = fd

    @classmethod
    def create(cls, run: str, what: str, size: int, schema: str, initial: bytes = b"") -> Self:
        """Make a segment of `size` payload bytes: zeros, after `initial`, which no attacher ever sees absent.

        A stale segment of the same name is replaced.

        Raises:
            SegmentExistsError: another process has one of this name open.
            SegmentForeignError: there is one of this name that is not this user's.
            SharedMemoryFullError: there is no room for it; nothing is left behind.
            SharedMemoryUnusableError: /dev/shm is not there, or may not be written to.
            PlatformError: this processor's memory order is not the one the code relies on.
        """
        name = segment_name(run, what)
        fd = _create_locked(name)
        try:
            return cls._filled(name, fd, size, schema, initial)
        except BaseException:
            posix_ipc.unlink_shared_memory(name)
            os.close(fd)
            raise

    @classmethod
    def fill(cls, run: str, what: str, size: int, schema: str) -> Self:
        """Make a segment of a name that a `Claim` holds, or of what somebody left who died doing so; see `create`.

        Raises:
            SegmentAbsentError, SegmentForeignError: nobody of this user has claimed the name.
            SharedMemoryFullError: there is no room for it; the claim stays.
        """
        name = segment_name(run, what)
        fd = _open_locked(name)
        try:
            os.ftruncate(fd, 0)
            return cls._filled(name, fd, size, schema, b"")
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def _filled(cls, name: str, fd: int, size: int, schema: str, initial: bytes) -> Self:
        text = schema.encode()
        header = _Header.of(size, text)
        _reserve(name, fd, header.payload_offset + size)
        segment = cls(name, fd, header, schema)
        segment._format(text, initial)
        return segment

    def _format(self, text: bytes, initial: bytes) -> None:
        self.buf[: len(initial)] = initial
        self._view[_HEADER.size : _HEADER.size + len(text)] = text
        self._view[: _HEADER.size] = _HEADER.pack(0, *self._header[1:])
        # Last: an attacher that sees the magic sees all of the above (x86-64 keeps the order of stores).
        self._view[:8].cast("Q")[0] = _MAGIC

    @classmethod
    def attach(cls, run: str, what: str, schema: str | None = None) -> Self:
        """Open a segment somebody has made; None takes any schema, which `schema` then tells.

        Raises:
            SegmentAbsentError: there is none of this name.
            SegmentForeignError: it is another user's, or open to others; nothing of it was read.
            SegmentDamagedError: its header is not what was written.
            SegmentNotReadyError: it is being made, or its maker died while making it.
            SegmentMismatchError: its schema is another one; the message shows both.
            PlatformError: this processor's memory order is not the one the code relies on.
        """
        name = segment_name(run, what)
        fd = _open_locked(name)
        try:
            return cls(name, fd, *_read_header(name, fd, schema))
        except BaseException:
            os.close(fd)
            raise

    @property
    def buf(self) -> memoryview:
        """The payload; it starts on a cache line."""
        if self._fd is None:
            raise ValueError(f"shared memory {self.name} is closed")
        offset = self._header.payload_offset
        return self._view[offset : offset + self._header.payload_bytes]

    def unlink(self) -> None:
        """Take the name away (once or more); processes that have the segment open keep it."""
        if self._fd is None:
            raise ValueError(f"shared memory {self.name} is closed: unlink it before, or sweep")
        if os.fstat(self._fd).st_nlink:
            posix_ipc.unlink_shared_memory(self.name)

    def close(self) -> None:
        """Give up the lock and this view of the memory. The name stays: see `unlink` and `sweep_stale`."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        self._view = memoryview(b"")
        fcntl.flock(fd, fcntl.LOCK_UN)  # a view still alive keeps a duplicate of fd open
        os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", None) is not None:
            warnings.warn(f"shared memory {self.name} was not closed", ResourceWarning, 2, self)
            self.close()


class Claim(Resource):
    """A name, taken before it is known how much memory it will stand for; only this user's `Segment.fill` gives it any.

    Raises:
        SegmentExistsError, SegmentForeignError, PlatformError: see `Segment.create`.
    """

    def __init__(self, run: str, what: str) -> None:
        self.name = segment_name(run, what)
        self._fd: int | None = _create_locked(self.name)

    def unlink(self) -> None:
        """Take the name away; processes that have the segment open keep it."""
        if self._fd is not None and os.fstat(self._fd).st_nlink:
            posix_ipc.unlink_shared_memory(self.name)

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
    for path in sorted(_DIRECTORY.glob(f"hilrt-{os.geteuid()}-*")):
        with suppress(SegmentAbsentError, SegmentForeignError):  # gone meanwhile, or planted by another user
            if _remove_if_stale(f"/{path.name}"):
                swept.append(f"/{path.name}")
    return swept


def runs_with(what: str) -> list[str]:
    """Runs of this user that have a segment `what`, stale ones included."""
    prefix, suffix = f"hilrt-{os.geteuid()}-", f"-{what}"
    names = sorted(path.name for path in _DIRECTORY.glob(f"{prefix}*{suffix}"))
    return [name.removeprefix(prefix).removesuffix(suffix) for name in names]


def _remove_if_stale(name: str) -> bool:
    """Whether the name is free now."""
    fd = _opened(name)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_nlink:
            posix_ipc.unlink_shared_memory(name)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def _create_locked(name: str) -> int:
    _check_platform()
    while True:
        try:
            fd = os.open(_DIRECTORY / name[1:], os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
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


def _open_locked(name: str) -> int:
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
        fd = os.open(_DIRECTORY / name[1:], flags)
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


def _reserve(name: str, fd: int, size: int) -> None:
    """Back every page now: a full /dev/shm must be an error here, not SIGBUS at a write."""
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        usage = shutil.disk_usage(_DIRECTORY)
        raise SharedMemoryFullError(name, size, usage.free, usage.total) from None


def _read_header(name: str, fd: int, expected: str | None) -> tuple[_Header, str]:
    raw = os.pread(fd, _HEADER.size, 0)
    if len(raw) < _HEADER.size:
        raise SegmentNotReadyError(name)
    header = _Header(*_HEADER.unpack(raw))
    if header.magic != _MAGIC:
        raise SegmentNotReadyError(name)
    if header.layout != _LAYOUT:
        raise SegmentMismatchError(name, f"layout {header.layout}", f"layout {_LAYOUT}")
    if not header.whole or os.fstat(fd).st_size != header.payload_offset + header.payload_bytes:
        raise SegmentDamagedError(name, "its header is not what was written")
    found = os.pread(fd, header.schema_bytes, _HEADER.size)
    if _digest(found) != header.schema_digest:
        raise SegmentDamagedError(name, "its schema is not what was written")
    schema = found.decode()
    if expected is not None and schema != expected:
        raise SegmentMismatchError(name, schema, expected)
    return header, schema


def _words_digest(words: Sequence[int]) -> int:
    return xxhash.xxh3_64_intdigest(struct.pack(f"={len(words)}Q", *words))


def _digest(text: bytes) -> int:
    return xxhash.xxh3_64_intdigest(text)


def _check_platform() -> None:
    machine = os.uname().machine
    if machine != "x86_64":
        raise PlatformError(machine)
