"""The ring against a model, against a second process, and against crashes of either end."""

import uuid
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from child import OFFSETS, SCHEMA, record
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import survey

from hilrt.errors import (
    RecordSizeError,
    SegmentDamagedError,
    SegmentError,
    SegmentExistsError,
    SegmentMismatchError,
)
from hilrt.shm.names import segment_name
from hilrt.shm.ring import Ring, RingConsumer, RingProducer
from hilrt.shm.segment import LINE, Segment

HEADER, FRAMES = 40, 128
CONTROL = 5 * LINE
"""Before the first slot."""


def make(run, slots=4, reserve=0):
    """A ring whose slots have room for every record of `child.record`."""
    return Ring.create(run, "steps", slots, HEADER, FRAMES, SCHEMA, reserve)


def push(ring, number, **options):
    """Push record `number`."""
    header, frames = record(number)
    return ring.try_push(header, frames, offsets=OFFSETS, **options)


def check(slot, number):
    """The slot holds record `number`, header and both frames."""
    header, frames = record(number)
    assert bytes(slot.header) == header
    for offset, frame in zip(OFFSETS, frames, strict=True):
        assert bytes(slot.frames[offset : offset + frame.nbytes]) == frame.tobytes()


@dataclass
class Model:
    """What a ring must do, as a queue."""

    slots: int
    reserve: int
    sequence: int = 0
    expected: int = 0
    rejected: int = 0
    popped: int = 0
    queue: deque[int] = field(default_factory=deque)
    held: bool = False

    def push(self, reserved):
        """Whether the push goes in."""
        sequence, self.sequence = self.sequence, self.sequence + 1
        if self.slots - len(self.queue) <= (0 if reserved else self.reserve):
            self.rejected += 1
            return False
        self.queue.append(sequence)
        return True

    def release(self):
        """Give the slot being read back."""
        if self.held:
            self.expected = self.queue.popleft() + 1
            self.popped += 1
            self.held = False

    def pop(self):
        """Sequence and gap of the next record, or None."""
        self.release()
        if not self.queue:
            return None
        self.held = True
        return self.queue[0], self.queue[0] - self.expected


@given(
    st.integers(1, 5),
    st.integers(0, 4),
    st.lists(st.sampled_from("PPPRooolpc"), max_size=60),
)
@settings(max_examples=200, deadline=None)
def test_ring_is_a_bounded_queue_that_numbers_every_attempt(slots, reserve, operations):
    """Any mix of pushes, pops, releases and restarts of either end does what a model queue does."""
    reserve = min(reserve, slots - 1)
    run, model = f"test-{uuid.uuid4().hex[:12]}", Model(slots, reserve)
    owner = make(run, slots, reserve)
    producer, consumer = (Ring.attach(run, "steps", SCHEMA) for _ in range(2))
    try:
        for operation in operations:
            if operation in "PR":
                reserved = operation == "R"
                number = model.sequence
                assert push(producer, number, reserved=reserved) == model.push(reserved)
            elif operation == "o":
                slot, wanted = consumer.try_pop(), model.pop()
                assert (slot and (slot.sequence, slot.lost)) == wanted
                if slot is not None:
                    check(slot, slot.sequence)
            elif operation == "l":
                consumer.release()
                model.release()
            elif operation == "p":
                producer.close()
                producer = Ring.attach(run, "steps", SCHEMA)
            else:  # a consumer that dies with a slot in hand reads it again
                consumer.close()
                consumer = Ring.attach(run, "steps", SCHEMA)
                model.held = False
            assert producer.crowded == (slots - len(model.queue) <= reserve)
            found = owner.statistics()
            assert (found.rejected, found.popped, found.used) == (
                model.rejected, model.popped, len(model.queue),
            )  # fmt: skip
            assert found.pushed == found.popped + found.used
            assert found.lost == model.expected - model.popped
    finally:
        owner.unlink()
        for ring in (owner, producer, consumer):
            ring.close()


def test_100k_records_cross_processes_whole_and_in_order(run, spawn):
    """Records of a real producer arrive once, unchanged, in order; gaps count what it could not push."""
    with make(run, slots=64) as ring:
        child = spawn("push", run, 0, 100_000)
        number, popped, lost, missing = -1, 0, 0, []
        while number < 99_999:
            slot = ring.try_pop()
            if slot is None:
                assert child.poll() in (None, 0)
                continue
            value = int.from_bytes(slot.header[:8], "little")
            assert value > number
            check(slot, value)
            missing += range(number + 1, value)
            number, popped, lost = value, popped + 1, lost + slot.lost
        ring.release()
        found = ring.statistics()
        assert (found.popped, found.lost, found.corrupt) == (popped, lost, 0)
        assert lost == found.rejected
        assert popped + len(missing) == 100_000
        assert all(value % 50 == 0 for value in missing)  # the only ones the producer gives up


def test_record_cut_off_by_kill_9_is_never_seen(run, spawn):
    """A producer killed in the middle of a push leaves whole records and a gap; its successor goes on."""
    with make(run, slots=8) as ring:
        for first, lost in ((0, 0), (3, 1), (6, 1)):
            child = spawn("push_and_die", run, first, 3)
            assert child.wait() == -9
            for number in range(first, first + 3):
                slot = ring.try_pop()
                check(slot, number)
                assert slot.lost == (lost if number == first else 0)
            assert ring.try_pop() is None
        assert ring.statistics().corrupt == 0


def test_producers_killed_at_random_lose_nothing_that_was_pushed(run, spawn):
    """Of five producers killed with -9 at any instant, all that was pushed arrives whole and in order."""
    with make(run, slots=16) as ring:
        for _ in range(5):
            child = spawn("push", run, 1, 10_000_000)
            assert child.stdout.readline() == "ready\n"
            previous, sequence, last = 0, None, None
            while (slot := ring.try_pop()) is not None or last is None:
                if slot is None:
                    continue
                value = int.from_bytes(slot.header[:8], "little")
                check(slot, value)
                assert value > previous
                assert sequence is None or slot.sequence == sequence + 1 + slot.lost
                previous, sequence = value, slot.sequence
                if last is None and value > 500:
                    child.kill()
                    child.wait()
                    last = value
        ring.release()
        found = ring.statistics()
        assert found.used == found.corrupt == 0
        assert found.pushed == found.popped


def test_consumer_killed_while_reading_leaves_its_slot_to_the_next(run, spawn):
    """The successor of a consumer killed with -9 starts with the record that one had in hand."""
    with make(run, slots=8) as ring:
        for number in range(6):
            push(ring, number)
        assert spawn("pop_and_die", run, 2).wait() == -9
        with Ring.attach(run, "steps", SCHEMA) as successor:
            numbers = []
            while (slot := successor.try_pop()) is not None:
                check(slot, slot.sequence)
                numbers.append((slot.sequence, slot.lost))
        assert numbers == [(2, 0), (3, 0), (4, 0), (5, 0)]


def test_full_ring_keeps_a_reserve_for_human_steps(run):
    """With 4 slots and a reserve of 2, ordinary pushes get 2 and reserved ones the rest."""
    with make(run, slots=4, reserve=2) as ring:
        assert [push(ring, n) for n in range(3)] == [True, True, False]
        assert [push(ring, n, reserved=True) for n in range(3, 6)] == [True, True, False]
        assert [ring.try_pop().lost for _ in range(4)] == [0, 0, 1, 0]


def test_slot_in_hand_is_not_overwritten(run):
    """As long as a slot is held, a full ring rejects; after release it takes one more."""
    with make(run, slots=2) as ring:
        push(ring, 0)
        push(ring, 1)
        slot = ring.try_pop()
        assert not push(ring, 2)
        check(slot, 0)
        ring.release()
        assert push(ring, 3)


@pytest.mark.parametrize(
    "where", ["sequence", "header length", "frames length", "digest", "header", "frames"]
)
def test_flipped_bit_is_found_and_skipped(run, where):
    """One flipped bit anywhere in a slot makes it corrupt, and the next record tells of the gap."""
    with make(run) as ring, Segment.attach(run, "steps", SCHEMA) as segment:
        push(ring, 0)
        push(ring, 1)
        at = {
            "sequence": 0,
            "header length": 8,
            "frames length": 16,
            "digest": 24,
            "header": 64,
            "frames": 128,
        }
        segment.buf[CONTROL + at[where]] ^= 1
        slot = ring.try_pop()
        check(slot, 1)
        assert slot.lost == 1
        ring.release()
        assert (ring.statistics().corrupt, ring.statistics().lost) == (1, 1)


def test_absurd_length_is_corrupt_and_not_an_error(run):
    """A slot whose length words are garbage is skipped."""
    with make(run) as ring, Segment.attach(run, "steps", SCHEMA) as segment:
        push(ring, 0)
        segment.buf[CONTROL + 8 : CONTROL + 24] = b"\xff" * 16
        assert ring.try_pop() is None
        assert ring.statistics().corrupt == 1


@pytest.mark.parametrize("popped", [2, 5])
def test_damaged_ring_gives_right_records_and_counts_or_says_so(run, popped):
    """Of a full ring and of one half full, whatever happens to its memory, each record is the next or a gap is told."""
    file = Path("/dev/shm", segment_name(run, "steps")[1:])

    def read(data):
        file.write_bytes(data)
        next_one = popped
        with Ring.attach(run, "steps", SCHEMA) as ring:
            while (slot := ring.try_pop()) is not None:
                check(slot, slot.sequence)
                next_one += slot.lost
                assert slot.sequence == next_one
                next_one += 1
            left = ring.statistics()
            assert ring.try_push(b"", reserved=True)
        assert left.popped + left.corrupt == 8
        assert left.lost == next_one - left.popped
        return left.pushed, left.rejected, left.used

    with make(run, slots=6) as held:  # or a sweep would take it
        for number in range(8):  # round once and more
            push(held, number)
            if number < popped:
                held.try_pop()
                held.release()
        if popped == 2:
            assert not push(held, 8)
        tried = survey(file.read_bytes(), read, SegmentError)
    assert tried.unharmed > tried.refused > 0


@pytest.mark.parametrize("word", ["head", "sequence", "rejected", "tail", "expected", "corrupt"])
def test_count_that_is_not_what_was_written_is_refused(run, word):
    """One bit of a count in both of its copies, and the end that needs it says which is damaged."""
    with make(run) as ring, Segment.attach(run, "steps", SCHEMA) as segment:
        for number in range(3):
            push(ring, number)
        kind = RingProducer if word in RingProducer.fields else RingConsumer
        at = LINE + (kind is RingConsumer) * RingProducer.size + 8 * kind.fields[word].word
        for copy in (at, at + 16):
            segment.buf[copy] ^= 1
        with pytest.raises(SegmentDamagedError, match=f"{kind.__name__} is damaged: its {word} is not"):
            assert push(ring, 3) == ring.statistics().used


@pytest.mark.parametrize("move", [(0, 1), (2, 0), (1, 3)])
def test_record_in_another_slot_is_none(run, move):
    """A whole slot that was copied over another is a gap, however right its digest is where it came from."""
    with make(run, slots=4) as ring, Segment.attach(run, "steps", SCHEMA) as segment:
        for number in range(4):
            push(ring, number)
        stride = (len(segment.buf) - CONTROL) // 4
        source, target = (CONTROL + at * stride for at in move)
        segment.buf[target : target + stride] = bytes(segment.buf[source : source + stride])
        sequences = []
        while (slot := ring.try_pop()) is not None:
            check(slot, slot.sequence)
            sequences.append(slot.sequence)
        assert sequences == [n for n in range(4) if n != move[1]]


def test_record_of_the_round_before_is_none(run):
    """What a slot held a round ago is not taken for what it should hold now."""
    with make(run, slots=2) as ring, Segment.attach(run, "steps", SCHEMA) as segment:
        push(ring, 0)
        old = bytes(segment.buf[CONTROL:])
        ring.try_pop()
        for number in (1, 2):
            ring.release()
            push(ring, number)
        segment.buf[CONTROL:] = old
        assert ring.try_pop() is None
        assert ring.statistics().corrupt == 2


def test_strided_frames_are_stored_densely(run):
    """A frame that is a crop or a flip of a larger one arrives as its own contiguous copy."""
    image = np.arange(16 * 16, dtype=np.uint8).reshape(16, 16)
    crop = image[2:10, 12:4:-1]
    with make(run) as ring:
        assert ring.try_push(b"", [crop], offsets=[64])
        assert bytes(ring.try_pop().frames[64:]) == crop.tobytes()


@pytest.mark.parametrize(
    ("header", "frames", "offsets", "part"),
    [
        (bytes(HEADER + 1), [], [], "the header"),
        (b"", [np.zeros(FRAMES + 1, np.uint8)], [0], "a frame"),
        (b"", [np.zeros(FRAMES, np.uint8)], [64], "a frame"),
        (b"", [np.zeros(8, np.uint8)], [-64], "a frame"),
    ],
)
def test_record_that_does_not_fit_is_refused_by_name(run, header, frames, offsets, part):
    """A record larger than a slot is an error, is not published, and shows as a gap."""
    with make(run) as ring:
        with pytest.raises(RecordSizeError, match=f"{part} of a record for ring /hilrt-.*{run}-steps"):
            ring.try_push(header, frames, offsets=offsets)
        assert ring.try_pop() is None
        push(ring, 1)
        assert ring.try_pop().lost == 1


def test_views_are_read_only(run):
    """A consumer cannot write into a slot."""
    with make(run) as ring:
        push(ring, 0)
        slot = ring.try_pop()
        assert slot.header.readonly
        assert slot.frames.readonly


def test_attach_checks_the_schema(run):
    """A consumer that expects other records is told both schemas; a second maker is refused."""
    with make(run):
        with pytest.raises(SegmentMismatchError, match="expected: other"):
            Ring.attach(run, "steps", "other")
        with pytest.raises(SegmentExistsError):
            make(run)


@pytest.mark.parametrize(("slots", "reserve"), [(0, 0), (4, 4), (4, -1)])
def test_impossible_reserve_is_refused(run, slots, reserve):
    """A ring needs a slot that ordinary records may use."""
    with pytest.raises(ValueError, match="0 <= reserve < slots"):
        make(run, slots, reserve)


def test_closed_ring_refuses_work(run):
    """After close, twice, both ends raise ValueError."""
    ring = make(run)
    ring.close()
    ring.close()
    with pytest.raises(ValueError, match="released"):
        push(ring, 0)
    with pytest.raises(ValueError, match="released"):
        ring.try_pop()
