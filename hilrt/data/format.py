"""One file of the journal: how it is laid out, and how it is read past damage and up to a torn end.

A file is MAGIC, then blocks. A block is `<IIQQ`: length of its head, length of its frames, digest of its
frames (xxh3, 64 bits), digest of these three and the head; then head and frames. So frames can be skipped and
the head still be checked. The first block's head is a JSON `FileHeader`; every other head is an encoded
`hilrt.step.record.Record`, its frames the pictures as `hilrt.data.pictures` packs them.

Digests of records begin with the file's header and the block's place, so that a block in another place or file
is none; and behind a damaged record the next whole one is found by trying every place. Version 3 of the format is
the same without that beginning; it is read, and such a file is gone on with as it was begun.
"""

import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
import numpy as np
import xxhash

from hilrt.errors import JournalFeaturesError, JournalFormatError
from hilrt.errors.plain import plain
from hilrt.step.conditions import Conditions
from hilrt.step.difference import difference
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record, decode

MAGIC = b"hilrt journal 4\n"
"""Names the format and its version."""
MAGIC_3 = b"hilrt journal 3\n"

Buffer = bytes | bytearray | memoryview

_LENGTHS = struct.Struct("<IIQ")
_DIGEST = struct.Struct("<Q")
_PREFIX = _LENGTHS.size + _DIGEST.size
_PLACE = struct.Struct("<QQ")
_LONGEST_HEAD = 1 << 16
"""Of a record [bytes]; one takes a few hundred."""
_WINDOW = 1 << 20
"""Bytes that are looked through at a time for the next whole record."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Of an episode that another run has recorded."""

    session: str
    """Name of that run's folder."""
    wall_ns: int
    """When its first record was made, since 1970: tells it from all others, whatever folders are called."""
    earlier: bool
    """Whether it is from before this run, and none of its own steps, though they are learned from."""


class FileHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all records of a file."""

    episode: int
    mode: Mode
    task: str
    features: Features
    conditions: Conditions | None = None
    """Under which they were recorded; None where nobody kept that."""
    origin: Origin | None = None
    """None of what the run has recorded itself."""

    @property
    def earlier(self) -> bool:
        """Whether it is from before this run."""
        return self.origin is not None and self.origin.earlier


class Scan:
    """One pass over a file, from its header to the last whole record.

    Raises:
        JournalFormatError: absent, not a journal, of another version, its header is damaged, or the disk fails.
        JournalFeaturesError: recorded with other features than `features`.
    """

    def __init__(self, path: Path, features: Features | None) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise _unreadable(path, error) from None
        self._path = path
        self._size = os.fstat(self._file.fileno()).st_size
        self.torn: str | None = None
        """Why nothing could be read behind the last record, where there is something."""
        self.lost: list[str] = []
        """Damage that has records behind it, in words: which steps, where, why."""
        try:
            self.header, self._salt = self._read_header(str(path))
            self._expect(features)
        except BaseException as error:
            self._file.close()
            if isinstance(error, OSError):
                raise _unreadable(path, error) from None
            raise
        self.end = self._file.tell()
        """Where the last whole record ends [bytes]."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _expect(self, features: Features | None) -> None:
        """Pictures are recorded as the cameras gave them, so how they will be seen does not matter."""
        if features is None:
            return
        found, expected = (msgspec.structs.replace(f, views=()) for f in (self.header.features, features))
        if words := difference(found, expected):
            raise JournalFeaturesError(self._file.name, words)

    def _read_header(self, path: str) -> tuple[FileHeader, int | None]:
        """The header, and what the digests of the records begin with."""
        magic = self._file.read(len(MAGIC))
        if magic not in {MAGIC, MAGIC_3}:
            was = "of another version of hilrt" if magic.startswith(MAGIC[:-2]) else "no journal"
            raise JournalFormatError(path, f"{was}: it begins with {magic!r} instead of {MAGIC!r}")
        try:
            head, _ = read_block(self._file, self._size, 0, frames=True)
            header = msgspec.json.decode(head, type=FileHeader)
        except (TornBlockError, msgspec.MsgspecError) as error:
            raise JournalFormatError(path, f"damaged header: {plain(error)}") from None
        return header, salt_of(head) if magic == MAGIC else None

    def seed(self, at: int) -> int:
        """What the digest of a block at this byte begins with."""
        return seed(self._salt, at)

    def records(self, *, frames: bool) -> Iterator[tuple[Record, bytes]]:
        """Every whole record, in the order of their steps; its frames, checked, or empty unless asked for.

        Raises:
            JournalFormatError: the disk fails.
        """
        try:
            yield from self._whole(frames=frames)
        except OSError as error:
            raise _unreadable(self._path, error) from None

    def _whole(self, *, frames: bool) -> Iterator[tuple[Record, bytes]]:
        at, before = self.end, -1
        while at < self._size:
            try:
                record, raw = self._record(at, before, frames=frames)
            except (TornBlockError, msgspec.MsgspecError) as reason:
                self.torn = self.torn or f"record at byte {at} of {self._size}: {reason}"
                at = self._next(at + 1)
                continue
            if self.torn:
                self.lost.append(_lost(before + 1, record.step - 1, self.torn))
                self.torn = None
            self.end = at = self._file.tell()
            before = record.step
            yield record, raw

    def _record(self, at: int, before: int, *, frames: bool) -> tuple[Record, bytes]:
        self._file.seek(at)
        head, raw = read_block(self._file, self._size, self.seed(at), frames=frames)
        record = decode(head)
        if record.episode != self.header.episode or record.step <= before:
            raise TornBlockError(f"it is of episode {record.episode}, step {record.step}")
        return record, raw

    def _next(self, at: int) -> int:
        """Where the next whole head is, from here on; the file's size where there is none."""
        while at + _PREFIX <= self._size:
            self._file.seek(at)
            window = self._file.read(_WINDOW)
            places = len(window) - _PREFIX + 1
            heads, frames = (np.ndarray((places,), "<u4", window, offset, (1,)) for offset in (0, 4))
            likely = (heads > 0) & (heads <= _LONGEST_HEAD) & (frames < self._size)
            for place in np.flatnonzero(likely).tolist():
                if self._begins(at + place):
                    return at + place
            at += places
        return self._size

    def _begins(self, at: int) -> bool:
        self._file.seek(at)
        try:
            read_block(self._file, self._size, self.seed(at), frames=False)
        except TornBlockError:
            return False
        return True


def _unreadable(path: Path, error: OSError) -> JournalFormatError:
    return JournalFormatError(str(path), f"cannot be read: {error.strerror}")


def salt_of(head: Buffer) -> int:
    """What tells a file's records from another's."""
    return xxhash.xxh3_64_intdigest(head)


def seed(salt: int | None, at: int) -> int:
    """What the digest of a record at this byte begins with; nothing in files of version 3, which have no salt."""
    return 0 if salt is None else xxhash.xxh3_64_intdigest(_PLACE.pack(salt, at))


def _lost(first: int, last: int, reason: str) -> str:
    """What is missing before a record, because of damage; not a step where, say, a block was there twice."""
    if first > last:
        return f"no step is lost ({reason})"
    return (
        f"step {first} is lost" if first == last else f"steps {first} to {last} are lost"
    ) + f" ({reason})"


# --- blocks --------------------------------------------------------------------------------------


class TornBlockError(Exception):
    """The bytes from here on are no complete block; whoever reads the file decides what that means."""


def read_block(file: BinaryIO, size: int, seed: int, *, frames: bool) -> tuple[bytes, bytes]:
    """Head and frames of the block at the file's position, which moves behind it.

    Args:
        file: open for reading.
        size: the file's size; bounds what a damaged length may claim [bytes].
        seed: what its digest begins with.
        frames: read and check the frames; else they are skipped, and empty in the result.

    Raises:
        TornBlockError: incomplete, or a digest differs.
    """
    prefix = file.read(_PREFIX)
    if len(prefix) < _PREFIX:
        raise TornBlockError("ends within its lengths")
    head_bytes, frame_bytes, frames_digest = _LENGTHS.unpack_from(prefix)
    if file.tell() + head_bytes + frame_bytes > size:
        raise TornBlockError("ends before its length")
    head = file.read(head_bytes)
    if _head_digest(prefix[: _LENGTHS.size], head, seed) != _DIGEST.unpack_from(prefix, _LENGTHS.size)[0]:
        raise TornBlockError("digest differs")
    if not frames:
        file.seek(frame_bytes, os.SEEK_CUR)
        return head, b""
    raw = file.read(frame_bytes)
    if xxhash.xxh3_64_intdigest(raw) != frames_digest:
        raise TornBlockError("digest of its frames differs")
    return head, raw


def write_block(fd: int, at: int, head: Buffer, frames: Buffer, seed: int) -> int:
    """Write a block at byte `at` in one call, with a digest that begins with `seed`; returns its length.

    Raises:
        OSError: it is not there, or only a part of it.
    """
    lengths = _LENGTHS.pack(len(head), len(frames), xxhash.xxh3_64_intdigest(frames))
    parts = [lengths, _DIGEST.pack(_head_digest(lengths, head, seed)), head, frames]
    size = _PREFIX + len(head) + len(frames)
    if os.pwritev(fd, parts, at) < size:  # the kernel takes a part only where room runs out
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return size


def _head_digest(lengths: bytes, head: Buffer, seed: int) -> int:
    return xxhash.xxh3_64_intdigest(head, xxhash.xxh3_64_intdigest(lengths, seed))
