"""One file of the journal: how it is laid out, and how it is read up to a torn end.

A file is MAGIC, then blocks. A block is `<IIQQ`: length of its head, length of its frames, digest of its
frames (xxh3, 64 bits), digest of these three and the head; then head and frames. So frames can be skipped and
the head still be checked. The first block's head is a JSON `FileHeader`; every other head is an encoded
`hilrt.step.record.Record`, its frames the pictures as `hilrt.data.pictures` packs them.
"""

import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec
import xxhash

from hilrt.errors import JournalFeaturesError, JournalFormatError
from hilrt.step.difference import difference
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record, decode

MAGIC = b"hilrt journal 3\n"
"""Names the format and its version."""

Buffer = bytes | bytearray | memoryview

_LENGTHS = struct.Struct("<IIQ")
_DIGEST = struct.Struct("<Q")
_PREFIX = _LENGTHS.size + _DIGEST.size


class FileHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for all records of a file."""

    episode: int
    mode: Mode
    task: str
    features: Features


class Scan:
    """One pass over a file, from its header to the last complete record.

    Raises:
        JournalFormatError: absent, not a journal, of another version, or its header is damaged.
        JournalFeaturesError: recorded with other features than `features`.
    """

    def __init__(self, path: Path, features: Features | None) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise JournalFormatError(str(path), f"cannot be read: {error.strerror}") from None
        self._size = os.fstat(self._file.fileno()).st_size
        self.torn: str | None = None
        """Why the scan stopped before the end of the file."""
        try:
            self.header = self._read_header(str(path))
            self._expect(features)
        except BaseException:
            self._file.close()
            raise
        self.end = self._file.tell()
        """Where the last complete record ends [bytes]."""

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

    def _read_header(self, path: str) -> FileHeader:
        magic = self._file.read(len(MAGIC))
        if magic != MAGIC:
            was = "of another version of hilrt" if magic.startswith(MAGIC[:-2]) else "no journal"
            raise JournalFormatError(path, f"{was}: it begins with {magic!r} instead of {MAGIC!r}")
        try:
            head, _ = read_block(self._file, self._size, frames=True)
            return msgspec.json.decode(head, type=FileHeader)
        except (TornBlockError, msgspec.MsgspecError) as error:
            raise JournalFormatError(path, f"damaged header: {error}") from None

    def records(self, *, frames: bool) -> Iterator[tuple[Record, bytes]]:
        """Every complete record; its frames, checked, or empty unless asked for."""
        while self.end < self._size:
            try:
                head, raw = read_block(self._file, self._size, frames=frames)
                record = decode(head)
            except (TornBlockError, msgspec.MsgspecError) as reason:
                self.torn = f"record at byte {self.end} of {self._size}: {reason}"
                return
            self.end = self._file.tell()
            yield record, raw


# --- blocks --------------------------------------------------------------------------------------


class TornBlockError(Exception):
    """The bytes from here on are no complete block; whoever reads the file decides what that means."""


def read_block(file: BinaryIO, size: int, *, frames: bool) -> tuple[bytes, bytes]:
    """Head and frames of the block at the file's position, which moves behind it.

    Args:
        file: open for reading.
        size: the file's size; bounds what a damaged length may claim [bytes].
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
    if _head_digest(prefix[: _LENGTHS.size], head) != _DIGEST.unpack_from(prefix, _LENGTHS.size)[0]:
        raise TornBlockError("digest differs")
    if not frames:
        file.seek(frame_bytes, os.SEEK_CUR)
        return head, b""
    raw = file.read(frame_bytes)
    if xxhash.xxh3_64_intdigest(raw) != frames_digest:
        raise TornBlockError("digest of its frames differs")
    return head, raw


def write_block(fd: int, at: int, head: Buffer, frames: Buffer) -> int:
    """Write a block at byte `at` in one call; returns its length.

    Raises:
        OSError: it is not there, or only a part of it.
    """
    lengths = _LENGTHS.pack(len(head), len(frames), xxhash.xxh3_64_intdigest(frames))
    parts = [lengths, _DIGEST.pack(_head_digest(lengths, head)), head, frames]
    size = _PREFIX + len(head) + len(frames)
    if os.pwritev(fd, parts, at) < size:  # the kernel takes a part only where room runs out
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return size


def _head_digest(lengths: bytes, head: Buffer) -> int:
    return xxhash.xxh3_64_intdigest(head, xxhash.xxh3_64_intdigest(lengths))
