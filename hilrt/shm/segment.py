"""A named piece of shared memory with a checked layout and a lock that lives as long as its users: see `names`."""

import errno
import fcntl
import mmap
import os
import shutil
import struct
import warnings
from collections.abc import Sequence
from typing import NamedTuple, Self

import xxhash

from hilrt.errors import (
    SegmentDamagedError,
    SegmentMismatchError,
    SegmentNotReadyError,
    SharedMemoryFullError,
)
from hilrt.resource import Resource
from hilrt.shm.names import DIRECTORY, create_locked, open_locked, segment_name, unlink

LINE = 64
"""Bytes of a cache line: what two processes write is kept on different ones."""

_MAGIC = int.from_bytes(b"hilrtshm", "little")
_LAYOUT = 4
_HEADER = struct.Struct("=7Q")


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
        fd = create_locked(name)
        try:
            return cls._filled(name, fd, size, schema, initial)
        except BaseException:
            unlink(name, fd)
            os.close(fd)
            raise

    @classmethod
    def fill(cls, run: str, what: str, size: int, schema: str, initial: bytes = b"") -> Self:
        """Make a segment of a name that a `Claim` holds, or of what somebody left who died doing so; see `create`.

        Raises:
            SegmentAbsentError, SegmentForeignError: nobody of this user has claimed the name.
            SharedMemoryFullError: there is no room for it; the claim stays.
        """
        name = segment_name(run, what)
        fd = open_locked(name)
        try:
            os.ftruncate(fd, 0)
            return cls._filled(name, fd, size, schema, initial)
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
        fd = open_locked(name)
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
        unlink(self.name, self._fd)

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


def _reserve(name: str, fd: int, size: int) -> None:
    """Back every page now: a full /dev/shm must be an error here, not SIGBUS at a write."""
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        usage = shutil.disk_usage(DIRECTORY)
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
