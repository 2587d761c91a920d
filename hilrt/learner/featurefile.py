"""Features on disk, beside the journal: what a learner has seen once, the next one reads instead of encoding it again.

The file is one line of JSON that says what made the features, padded to 4096 bytes, then entries of one size: whose
they are, digest, features. It is a cache: one of other makings is begun anew, a torn or damaged entry is left out. What
takes a row of the replay is written over what had it before, so that all that may be drawn is there; where the disk is
full nothing more is kept.
"""

import errno
import logging
import os
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch
import xxhash

from hilrt.policy.trunk import Pictures
from hilrt.policy.vision import Sight
from hilrt.resource import Resource
from hilrt.step.record import Record

HEAD_BYTES = 4096

log = logging.getLogger(__name__)

Key = tuple[int, int, int, int]
"""Mode, episode, step, and the mark of what was seen."""
NO_ROW = (1 << 64) - 1
"""Of a demonstration: it is written over by nothing."""


class Making(msgspec.Struct, frozen=True):
    """All that features depend on, beside the frame."""

    encoder: str
    """SHA-256 of its weights."""
    kept: tuple[tuple[int, ...], ...]
    preprocessing: str
    shift: int
    jitter: float
    seed: int
    capacity: int
    """Online rows of the replay."""
    format: int = 3
    """Of the entries."""


class FeatureFile(Resource):
    """Features by record; one writer."""

    def __init__(self, path: Path, sight: Sight, making: Making) -> None:
        self._shapes = sight.kept
        self._entry = np.dtype(
            [("key", "<u8", 4), ("row", "<u8"), ("digest", "<u8"), ("data", "u1", sight.kept_bytes)],
            align=False,
        )
        self._keys: list[Key] = []
        self._places: dict[Key, int] = {}
        self._of_row: dict[int, int] = {}
        head = msgspec.json.encode(making).ljust(HEAD_BYTES - 1) + b"\n"
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._full = False
        if self._file.read(HEAD_BYTES) == head:
            self._recall()
        else:
            self._file.truncate(0)
            self._write(head, 0)

    def _recall(self) -> None:
        """Note where everything is, and cut off what is torn."""
        size = self._file.seek(0, os.SEEK_END)
        count = (size - HEAD_BYTES) // self._entry.itemsize
        self._file.truncate(self._offset(count))
        if count:
            entries = np.memmap(self._file, self._entry, "r", HEAD_BYTES, (count,))
            self._keys = [(k[0], k[1], k[2], k[3]) for k in entries["key"].tolist()]
            self._places = {key: place for place, key in enumerate(self._keys)}
            self._of_row = {row: place for place, row in enumerate(entries["row"].tolist()) if row != NO_ROW}

    def _offset(self, place: int) -> int:
        return HEAD_BYTES + place * self._entry.itemsize

    def get(self, record: Record, mark: int) -> Pictures | None:
        """What was kept of a record's pictures; None if nothing was, or it is damaged.

        `mark`: 64 bits that tell what was seen from what may once have had, or will have, the same numbers.
        """
        place = self._places.get(_key(record, mark))
        if place is None:
            return None
        data = os.pread(self._file.fileno(), self._entry.itemsize, self._offset(place))
        entry = np.frombuffer(data, self._entry)[0]
        if _digest(self._keys[place], int(entry["row"]), entry["data"]) != int(entry["digest"]):
            return None
        bits = torch.from_numpy(entry["data"].view(np.int16).copy()).view(torch.bfloat16)
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        return tuple(part.reshape(s) for part, s in zip(torch.split(bits, sizes), self._shapes, strict=True))

    def put(self, record: Record, mark: int, pictures: Pictures, row: int = NO_ROW) -> None:
        """Keep what is not kept yet; `row`: where the replay has it, if something else can take that place."""
        key = _key(record, mark)
        place = self._of_row.get(row, len(self._keys))
        if key in self._places or self._full or self._has_later(place, record):
            return
        data = torch.cat([p.flatten() for p in pictures]).view(torch.int16).numpy().tobytes()
        entry = np.zeros((), self._entry)
        entry["key"], entry["row"], entry["data"] = key, row, np.frombuffer(data, np.uint8)
        entry["digest"] = _digest(key, row, entry["data"])
        if not self._write(entry.tobytes(), self._offset(place)):
            return
        if place < len(self._keys):
            self._places.pop(self._keys[place], None)
            self._keys[place] = key
        else:
            self._keys.append(key)
        self._places[key] = place
        if row != NO_ROW:
            self._of_row[row] = place

    def _has_later(self, place: int, record: Record) -> bool:
        """Whether the run has come further: its journal is read once more, and the row will be that one's."""
        return place < len(self._keys) and self._keys[place][1:3] > (record.episode, record.step)

    def _write(self, data: bytes, offset: int) -> bool:
        """Write all of it; if that fails, nothing more is kept."""
        try:
            written = os.pwrite(self._file.fileno(), data, offset)
        except OSError as error:
            written, reason = 0, error.strerror
        else:
            reason = os.strerror(errno.ENOSPC)
        if written != len(data):  # an entry that is torn is known by its digest
            self._full = True
            log.warning("features are not kept any more (%s); a restart will encode frames again", reason)
        return not self._full

    def close(self) -> None:
        """Let go; what was written is there."""
        self._file.close()


def _digest(key: Key, row: int, data: npt.NDArray[np.uint8]) -> int:
    """It begins with whose they are, so that nobody else's are taken for them."""
    return xxhash.xxh3_64_intdigest(
        data.data, xxhash.xxh3_64_intdigest(np.array((*key, row), np.uint64).data)
    )


def _key(record: Record, mark: int) -> Key:
    return int(record.mode), record.episode, record.step, mark
