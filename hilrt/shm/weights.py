"""Policy weights from the learner to control: two buffers and a version.

Synchronisation pair (aligned 8-byte words on x86-64):
  A  version: the writer's store publishes buffer `version % 2`; the reader loads it before it copies.
The writer never touches the published buffer, so a copy is whole if the version is the same after it: only a
writer that has published the next version goes on to overwrite this one.
"""

import json
import logging
import struct
import time
from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
import xxhash

from hilrt.errors import SegmentAbsentError, SegmentNotReadyError, WeightsLayoutError
from hilrt.resource import Resource
from hilrt.shm.names import Claim
from hilrt.shm.region import Int, Region
from hilrt.shm.segment import Segment, align

log = logging.getLogger(__name__)

_WHAT = "weights"
_STAMP = struct.Struct("=3q")


class WeightsVersion(Region):
    """Which of the buffers is published."""

    version = Int()


class WeightsStamp(Region):
    """What a buffer begins with, before its arrays."""

    digest = Int()
    published_ns = Int()
    place = Int()


def claim_weights(run: str) -> Claim:
    """Take the name of a run's weights, before any other user can; the learner fills it (`WeightsWriter.open`)."""
    return Claim(run, _WHAT)


class Adopted(NamedTuple):
    """A version of the weights; the arrays are the caller's own."""

    version: int
    arrays: dict[str, np.ndarray]


class _Array(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def view(self, buffer: memoryview | np.ndarray) -> np.ndarray:
        return np.ndarray(self.shape, self.dtype, buffer, self.offset)


class _Layout:
    """Where each array lies in a buffer: in the order given, each on a cache line of its own."""

    def __init__(self, arrays: list[tuple[str, str, tuple[int, ...]]]) -> None:
        self.arrays: list[_Array] = []
        self.size = 0
        for name, dtype, shape in arrays:
            self.arrays.append(_Array(name, dtype, shape, self.size))
            self.size += align(np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64)))

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        return cls([(name, array.dtype.str, array.shape) for name, array in arrays.items()])

    @classmethod
    def parse(cls, schema: str) -> Self:
        return cls([(name, dtype, tuple(shape)) for name, dtype, shape in json.loads(schema)])

    def schema(self) -> str:
        return json.dumps([(array.name, array.dtype, array.shape) for array in self.arrays])


class _Buffers(Resource):
    """What writer and reader see alike: the version and two buffers."""

    def __init__(self, segment: Segment, layout: _Layout) -> None:
        self._segment = segment
        self._layout = layout
        self._buf = segment.buf
        self._state = WeightsVersion(self._buf)
        self._stamps = [WeightsStamp(self._buf[self._start(number) :], number) for number in range(2)]

    @property
    def version(self) -> int:
        """The newest version published; 0 before the first.

        Raises:
            SegmentDamagedError: it is not what was written.
        """
        return self._state.version

    @property
    def published_ns(self) -> int:
        """When the newest version was published [CLOCK_MONOTONIC ns]; 0 before the first.

        Raises:
            SegmentDamagedError: it is not what was written.
        """
        return self._stamp(self.version).published_ns

    def close(self) -> None:
        """Let go of the segment; the name stays, so that a restarted process finds it."""
        for region in (self._state, *self._stamps):
            region.close()
        self._buf.release()
        self._segment.close()

    def unlink(self) -> None:
        """Take the name away; processes that have the segment open keep it."""
        self._segment.unlink()

    def _start(self, version: int) -> int:
        return WeightsVersion.size + version % 2 * (WeightsStamp.size + self._layout.size)

    def _stamp(self, version: int) -> WeightsStamp:
        return self._stamps[version % 2]

    def _arrays(self, version: int) -> memoryview:
        start = self._start(version) + WeightsStamp.size
        return self._buf[start : start + self._layout.size]


class WeightsWriter(_Buffers):
    """The learner's end."""

    @classmethod
    def open(cls, run: str, arrays: Mapping[str, np.ndarray]) -> Self:
        """Fill the run's claim with arrays of this layout, or go on with the segment that a dead writer left.

        Raises:
            SegmentMismatchError: the run's segment has another layout.
            SegmentDamagedError: it is not what the dead writer left.
            SegmentAbsentError, SegmentForeignError, SharedMemoryFullError, PlatformError: see `Segment.fill`.
        """
        layout = _Layout.of(arrays)
        try:
            segment = Segment.attach(run, _WHAT, layout.schema())
        except SegmentNotReadyError:
            stamps = [WeightsStamp.blank(number) + bytes(layout.size) for number in range(2)]
            blank = b"".join((WeightsVersion.blank(), *stamps))
            segment = Segment.fill(run, _WHAT, len(blank), layout.schema(), blank)
        return cls(segment, layout)

    def publish(self, arrays: Mapping[str, np.ndarray], place: int = 0) -> int:
        """Copy the arrays into the spare buffer and make it the newest version, which is returned.

        `place`: of the last step that they were learned from (`Record.place`); 0 before the first.

        Raises:
            WeightsLayoutError: names, shapes or dtypes differ from those the segment was opened with; the
                newest version stays what it was.
            SegmentDamagedError: the version is not what was written.
        """
        version = self.version + 1
        spare = self._arrays(version)
        if set(arrays) != {array.name for array in self._layout.arrays}:
            raise self._mismatch(str(sorted(arrays)), str([array.name for array in self._layout.arrays]))
        for array in self._layout.arrays:
            source = arrays[array.name]
            if (source.dtype.str, source.shape) != (array.dtype, array.shape):
                found = f"{array.name} {source.dtype.str} {source.shape}"
                raise self._mismatch(found, f"{array.dtype} {array.shape}")
            array.view(spare)[...] = source
        stamp = self._stamp(version)
        stamp.published_ns = now = time.monotonic_ns()
        stamp.place = place
        stamp.digest = _digest(_STAMP.pack(version, now, place), spare)
        self._state.version = version  # A: store
        return version

    def _mismatch(self, found: str, expected: str) -> WeightsLayoutError:
        return WeightsLayoutError(self._segment.name, found, expected)


class WeightsReader(_Buffers):
    """Control's end. Any number of readers may look on."""

    def __init__(self, segment: Segment, layout: _Layout) -> None:
        super().__init__(segment, layout)
        self._seen = 0

    @classmethod
    def try_attach(cls, run: str) -> Self | None:
        """Open the run's weights, whatever their layout; None while there are none.

        Raises:
            SegmentMismatchError: they were made by another version of hilrt.
            SegmentForeignError, SegmentDamagedError: see `Segment.attach`.
        """
        try:
            segment = Segment.attach(run, _WHAT)
        except (SegmentAbsentError, SegmentNotReadyError):
            return None
        return cls(segment, _Layout.parse(segment.schema))

    def adopt(self, until: int | None = None) -> Adopted | None:
        """Copy the newest version out; None when there is nothing newer, or it was replaced during the copy.

        A version whose digest is wrong is logged and skipped. Never waits.

        `until`: of the two versions there are, the newest that was learned from no step after this place. Of the older
        one nothing but the digest tells whether the writer has begun to replace it.

        Raises:
            SegmentDamagedError: the version, or when or from what it was learned, is not what was written.
        """
        newest = self.version  # A: load
        version = newest
        if until is not None:
            fitting = (v for v in (newest, newest - 1) if self._stamp(v).place <= until)
            version = next(fitting, self._seen)
        if version <= self._seen:
            return None
        copy = np.array(self._arrays(version))
        stamp = self._stamp(version)
        digest, published_ns, place = stamp.digest, stamp.published_ns, stamp.place
        if self.version != newest:
            return None
        self._seen = version
        if _digest(_STAMP.pack(version, published_ns, place), copy.data) != digest:
            log.warning("weights version %d is corrupt and was not adopted", version)
            return None
        return Adopted(version, {array.name: array.view(copy) for array in self._layout.arrays})


def _digest(stamp: bytes, arrays: memoryview) -> int:
    """It begins with the version, so that arrays in the other buffer are none."""
    return xxhash.xxh3_64_intdigest(arrays, xxhash.xxh3_64_intdigest(stamp)) - (1 << 63)
