"""Ring of step records from one process to one other: fixed slots, no waiting, no overwriting.

Synchronisation pairs (aligned 8-byte words; x86-64 keeps stores in order and loads in order):
  A  head: the producer's store publishes a slot's contents; the consumer loads it before it reads them.
  B  tail: the consumer's store gives a slot back; the producer loads it before it writes there.
Every other word has one writer and guards nothing. Either process may die between any two stores and come
back by `attach`: a slot is published by the store of head alone and given back by the store of tail alone.

The digest of a slot begins with its count, of all slots ever published, and its sequence: what was in the ring a round
ago, or lies in another slot, is no record.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple, Self

import msgspec
import numpy as np
import xxhash

from hilrt.errors import RecordSizeError, SegmentDamagedError
from hilrt.resource import Resource
from hilrt.shm.region import Int, Region
from hilrt.shm.segment import LINE, Segment, align

_WORD = 8
# Words of whoever made the ring, on a cache line of their own; then constant.
_SLOTS, _RESERVE, _HEADER_BYTES, _FRAME_BYTES, _SHAPE = range(5)
# Words of a slot, before its header area.
_SLOT_SEQUENCE, _SLOT_HEADER, _SLOT_FRAMES, _SLOT_DIGEST = range(4)
_GEOMETRY, _PLACE = struct.Struct("=4Q"), struct.Struct("=2Q")


class RingProducer(Region):
    """Written by the producer; all count from the making of the ring."""

    head = Int()  # records published
    sequence = Int()  # pushes tried
    rejected = Int()


class RingConsumer(Region):
    """Written by the consumer."""

    tail = Int()  # slots given back
    expected = Int()  # sequence of the next record if none is lost
    corrupt = Int()


_CONTROL_BYTES = LINE + RingProducer.size + RingConsumer.size


class Slot(NamedTuple):
    """One record, in place: valid until the next `try_pop` or `release`."""

    sequence: int
    lost: int
    """Records missing just before this one: rejected by a full ring, corrupt, or cut off by a crash."""
    header: memoryview
    frames: memoryview


class RingStatistics(msgspec.Struct, frozen=True):
    """Counts since the ring was made; `lost` is what the consumer knows to be missing, corrupt included."""

    pushed: int
    rejected: int
    popped: int
    lost: int
    corrupt: int
    used: int
    slots: int


class Ring(Resource):
    """Single producer, single consumer; neither end may be shared by threads.

    Waking the consumer is not the ring's business.
    """

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._buf = segment.buf
        self._words = words = self._buf.cast("Q")
        self._producer = RingProducer(self._buf[LINE:])
        self._consumer = RingConsumer(self._buf[LINE + RingProducer.size :])
        self._slots, self._reserve, self._header_bytes, self._frame_bytes = words[:_SHAPE]
        self._stride = _stride(self._header_bytes, self._frame_bytes)
        self._held: int | None = None  # sequence of the slot that the caller of try_pop is reading
        if words[_SHAPE] != xxhash.xxh3_64_intdigest(words[:_SHAPE]):
            self.close()
            raise self._damage("its geometry is not what was written")

    @classmethod
    def create(
        cls,
        run: str,
        what: str,
        slots: int,
        header_bytes: int,
        frame_bytes: int,
        schema: str,
        reserve: int = 0,
    ) -> Self:
        """Make the ring's segment.

        Args:
            run: the run's name.
            what: the ring's name within the run.
            slots: records it holds.
            header_bytes: room for a record's header.
            frame_bytes: room for a record's frames, alignment included.
            schema: what the records are; attachers must name the same.
            reserve: slots that only `reserved` pushes may use.

        Raises:
            SegmentExistsError, SharedMemoryFullError, PlatformError: see `Segment.create`.
        """
        if not 0 <= reserve < slots:
            raise ValueError(f"a ring of {slots} slots cannot reserve {reserve}: 0 <= reserve < slots")
        size = _CONTROL_BYTES + slots * _stride(header_bytes, frame_bytes)
        geometry = _GEOMETRY.pack(slots, reserve, header_bytes, frame_bytes)
        digest = xxhash.xxh3_64_intdigest(geometry).to_bytes(_WORD, "little")
        blank = (geometry + digest).ljust(LINE, b"\0") + RingProducer.blank() + RingConsumer.blank()
        return cls(Segment.create(run, what, size, schema, blank))

    @classmethod
    def attach(cls, run: str, what: str, schema: str | None = None) -> Self:
        """Open either end of a ring; it goes on where the dead process before it stopped. An onlooker needs no schema.

        Raises:
            SegmentError: see `Segment.attach`; or its geometry is damaged.
        """
        return cls(Segment.attach(run, what, schema))

    def try_push(
        self,
        header: bytes | bytearray | memoryview,
        frames: Sequence[np.ndarray] = (),
        *,
        offsets: Sequence[int] = (),
        reserved: bool = False,
    ) -> bool:
        """Copy a record into the next slot, or count it as rejected when the ring is full. Never waits.

        Every call takes a sequence number, delivered or not, so that the consumer sees what is missing.

        Args:
            header: small encoded part, at most `header_bytes`.
            frames: arrays of any shape and dtype, copied once.
            offsets: where each goes in the slot's frame area [bytes]; multiples of 64 copy fastest.
            reserved: may use the slots kept in reserve.

        Raises:
            RecordSizeError: header or frames do not fit a slot; the record counts as missing.
            SegmentDamagedError: the ring's words are not what was written.
            ValueError: as many offsets as frames are needed.
        """
        own = self._producer
        sequence = own.sequence
        own.sequence = sequence + 1
        free = self._slots - self._used(head := own.head, self._consumer.tail)  # B: load
        if free <= (0 if reserved else self._reserve):
            own.rejected += 1
            return False
        self._fill(head, sequence, header, frames, offsets)
        own.head = head + 1  # A: store
        return True

    def _fill(
        self,
        count: int,
        sequence: int,
        header: bytes | bytearray | memoryview,
        frames: Sequence[np.ndarray],
        offsets: Sequence[int],
    ) -> None:
        start = self._start(count)
        if len(header) > self._header_bytes:
            raise RecordSizeError(self._segment.name, "the header", len(header), self._header_bytes)
        at = start + LINE
        self._buf[at : at + len(header)] = header
        frames_end = self._copy_frames(at + align(self._header_bytes), frames, offsets)
        words, word = self._words, start // _WORD
        words[word + _SLOT_SEQUENCE] = sequence
        words[word + _SLOT_HEADER] = len(header)
        words[word + _SLOT_FRAMES] = frames_end
        views = self._views(start, len(header), frames_end)
        words[word + _SLOT_DIGEST] = _digest(count, sequence, *views)

    def _copy_frames(self, at: int, frames: Sequence[np.ndarray], offsets: Sequence[int]) -> int:
        end = 0
        for frame, offset in zip(frames, offsets, strict=True):
            frame_end = offset + frame.nbytes
            if offset < 0 or frame_end > self._frame_bytes:
                raise RecordSizeError(self._segment.name, "a frame", frame_end, self._frame_bytes)
            np.ndarray(frame.shape, frame.dtype, self._buf, at + offset)[...] = frame
            end = max(end, frame_end)
        return end

    def try_pop(self) -> Slot | None:
        """The oldest record not read yet, in place, or None; gives the one before it back.

        A slot whose digest is wrong is skipped and shows as a gap before the next one.

        Raises:
            SegmentDamagedError: the ring's words are not what was written.
        """
        self.release()
        own = self._consumer
        while self._used(self._producer.head, tail := own.tail):  # A: load
            slot = self._verified(tail)
            if slot is not None:
                self._held = slot.sequence
                return slot
            own.corrupt += 1
            own.tail = tail + 1  # B: store
        return None

    def release(self) -> None:
        """Give the slot of the last `try_pop` back to the producer; its views must not be used any more."""
        if self._held is None:
            return
        # A reader killed between these two stores gets the same slot again, with nothing lost before it.
        self._consumer.expected = self._held + 1
        self._consumer.tail += 1  # B: store
        self._held = None

    @property
    def crowded(self) -> bool:
        """Whether nothing but the reserve is left; the producer's to ask."""
        return self._slots - (self._producer.head - self._consumer.tail) <= self._reserve

    def statistics(self) -> RingStatistics:
        """Counts by either end or an onlooker; those of a push or pop in progress may be one apart."""
        producer, consumer = self._producer, self._consumer
        tail, head = consumer.tail, producer.head
        popped = tail - consumer.corrupt
        return RingStatistics(
            pushed=head,
            rejected=producer.rejected,
            popped=popped,
            lost=max(0, consumer.expected - popped),
            corrupt=consumer.corrupt,
            used=head - tail,
            slots=self._slots,
        )

    def unlink(self) -> None:
        """Take the name away; processes that have the ring open keep it."""
        self._segment.unlink()

    def close(self) -> None:
        """Let go of the ring; a slot still held is not given back: the next consumer reads it again."""
        self._producer.close()
        self._consumer.close()
        self._words.release()
        self._buf.release()
        self._segment.close()

    def _used(self, head: int, tail: int) -> int:
        """Slots that are published and not given back."""
        used = head - tail
        if not 0 <= used <= self._slots:
            raise self._damage(f"of its {self._slots} slots {used} are in use")
        return used

    def _damage(self, problem: str) -> SegmentDamagedError:
        return SegmentDamagedError(self._segment.name, problem)

    def _start(self, count: int) -> int:
        return _CONTROL_BYTES + count % self._slots * self._stride

    def _views(self, start: int, header_bytes: int, frame_bytes: int) -> tuple[memoryview, memoryview]:
        header = start + LINE
        frames = header + align(self._header_bytes)
        return self._buf[header : header + header_bytes], self._buf[frames : frames + frame_bytes]

    def _verified(self, count: int) -> Slot | None:
        start = self._start(count)
        words, word = self._words, start // _WORD
        sequence = words[word + _SLOT_SEQUENCE]
        header_bytes, frame_bytes = words[word + _SLOT_HEADER], words[word + _SLOT_FRAMES]
        if header_bytes > self._header_bytes or frame_bytes > self._frame_bytes:
            return None
        header, frames = self._views(start, header_bytes, frame_bytes)
        if _digest(count, sequence, header, frames) != words[word + _SLOT_DIGEST]:
            return None
        lost = max(0, sequence - self._consumer.expected)
        return Slot(sequence, lost, header.toreadonly(), frames.toreadonly())


def _stride(header_bytes: int, frame_bytes: int) -> int:
    return LINE + align(header_bytes) + align(frame_bytes)


def _digest(count: int, sequence: int, header: memoryview, frames: memoryview) -> int:
    place = xxhash.xxh3_64_intdigest(_PLACE.pack(count, sequence), len(header))
    return xxhash.xxh3_64_intdigest(frames, xxhash.xxh3_64_intdigest(header, place))
