"""The status block and the typed regions it is made of."""

import math
import os
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import any_damage, survey

from hilrt.errors import SegmentAbsentError, SegmentDamagedError, SegmentMismatchError
from hilrt.shm.region import Float, Int, Region, Text
from hilrt.shm.segment import LINE, Segment
from hilrt.shm.status import _REGIONS, ControlStatus, LearnerStatus, Status, SupervisorStatus


class Sample(Region):
    """One field of each kind, with text in the middle and at the end."""

    count = Int()
    name = Text(13)
    level = Float()
    message = Text()


def regions(status):
    """Of each process, in their order."""
    return [part for part in vars(status).values() if isinstance(part, Region)]


def test_another_process_view_sees_every_field(run):
    """What one opening writes, of every region and kind, the other reads."""
    with Status.create(run) as writer, Status.attach(run) as reader:
        writer.control.step += 1
        writer.control.step += 1
        writer.control.lateness_p99_us = 81.5
        writer.supervisor.message = "arm holds: motor 3 at 61 °C"
        writer.sim.ports = "/dev/pts/3"
        writer.learner.credit = -2
        writer.recorder.bytes = 2**40
        assert (reader.control.step, reader.control.lateness_p99_us) == (2, 81.5)
        assert reader.supervisor.message == "arm holds: motor 3 at 61 °C"
        assert (reader.sim.ports, reader.learner.credit, reader.recorder.bytes) == ("/dev/pts/3", -2.0, 2**40)


def test_new_block_is_all_zeros(run):
    """Before anything is written, numbers are 0 and texts empty."""
    with Status.create(run) as status:
        for kind, region in zip(_REGIONS, regions(status), strict=True):
            assert {getattr(region, name) for name in kind.fields} <= {0, ""}


def test_regions_do_not_share_cache_lines(run):
    """Filling any one region changes no byte of another, and each size is a whole number of lines."""
    assert all(kind.size % LINE == 0 for kind in _REGIONS)
    with Status.create(run) as status, Segment.attach(run, "status") as segment:
        changed = []
        for region in regions(status):
            before = bytes(segment.buf)
            region.memory[:] = b"\xff" * region.size
            after = bytes(segment.buf)
            changed.append({at // LINE for at in range(len(after)) if after[at] != before[at]})
        assert sum(map(len, changed)) == len(set.union(*changed)) == len(segment.buf) // LINE


@given(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=200),
)
def test_fields_keep_their_values_and_their_distance(count, level, name, message):
    """Values are read back, text cut to its capacity at a character, and no field disturbs another."""
    sample = Sample(memoryview(bytearray(Sample.blank())))
    for _ in range(3):  # both copies of each text
        sample.count, sample.level, sample.name, sample.message = count, level, name, message
    assert sample.count == count
    assert sample.level == level or (math.isnan(sample.level) and math.isnan(level))
    for text, whole, capacity in ((sample.name, name, 16), (sample.message, message, 120)):
        assert whole.startswith(text)
        rest = whole[len(text) :]
        assert len(text.encode()) + (len(rest[0].encode()) if rest else capacity) > capacity - 1
        assert len(text.encode()) <= capacity


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1.5, "1"])
def test_values_that_are_no_64_bit_integers_are_refused(value):
    """Int takes integers that fit, and nothing else."""
    sample = Sample(memoryview(bytearray(Sample.blank())))
    with pytest.raises((ValueError, TypeError)):
        sample.count = value


def test_text_is_never_torn(run, spawn):
    """Against a writer without pause, every message read is one of those written."""
    with Status.create(run) as status:
        child = spawn("talk", run)
        assert child.stdout.readline() == "ready\n"
        seen = {status.control.message for _ in range(20_000)}
        assert child.poll() is None
    assert all(text == text[:1] * 120 for text in seen)
    assert len(seen) > 1


def test_text_that_is_no_unicode_is_still_shown(run):
    """A lone surrogate, as in an undecodable file name, becomes a question mark instead of an error."""
    with Status.create(run) as status:
        status.control.message = "no file \udcff.toml"
        assert status.control.message == "no file ?.toml"


def test_half_written_text_leaves_the_old_one(run):
    """A writer that died before it published its new text has changed nothing a reader sees."""
    with Status.create(run) as status, Status.attach(run) as reader:
        status.control.message = "old"
        field = ControlStatus.message
        field._copy(status.control, status.control.ints[field.word] + 1)[:60] = b"x" * 60
        assert reader.control.message == "old"


def test_damaged_text_is_no_text():
    """Whatever happens to the memory of a text, it reads as one that was written, or is refused."""
    sample = Sample(memoryview(bytearray(Sample.blank())))
    for text in ("first", '{"front": 12}'):
        sample.message = text
    field = Sample.message
    start, whole = field.word * 8, bytes(sample.memory)

    def read(part):
        sample.memory[:] = whole
        sample.memory[start : start + len(part)] = part
        assert sample.message in {"first", '{"front": 12}'}
        return True

    def damage(chance, data):
        name, changed = any_damage(chance, data)
        return name, changed[: len(data)]

    assert survey(whole[start : start + field.size], read, SegmentDamagedError, damage).refused
    sample.memory[:] = bytes(len(whole))
    with pytest.raises(SegmentDamagedError, match="Sample is damaged: its message is not"):
        _ = sample.message


def test_damaged_number_is_no_number():
    """Whatever happens to the memory of a process's status, a number reads as what was written, or is refused."""
    kind = LearnerStatus
    numbers = [name for name, field in kind.fields.items() if isinstance(field, Int | Float)]
    memory = memoryview(bytearray(kind.blank()))
    status = kind(memory)
    for value, name in enumerate(numbers, 1):
        setattr(status, name, value)
    whole = bytes(memory)

    def read(data):
        memory[:] = data
        return [getattr(status, name) for name in numbers]

    def damage(chance, data):
        name, changed = any_damage(chance, data)
        return name, (changed + data[len(changed) :])[: len(data)]

    tried = survey(whole, read, SegmentDamagedError, damage)
    assert tried.refused
    memory[:] = bytes(len(whole))
    with pytest.raises(SegmentDamagedError, match="LearnerStatus is damaged: its updates is not"):
        _ = status.updates


@pytest.mark.parametrize("stores", range(5))
def test_half_written_number_is_the_old_one_or_the_new(stores):
    """A writer that dies between any two of its stores leaves a number that was written."""
    sample = Sample(memoryview(bytearray(Sample.blank())))
    sample.count = 41
    old = bytes(sample.memory)
    sample.count = 42
    new = bytes(sample.memory)
    at = Sample.count.word * 8 + stores * 8
    sample.memory[:] = new[:at] + old[at:]
    assert sample.count == (42 if stores >= 2 else 41)


class Mortal:
    """A view of memory whose writer dies after some stores."""

    def __init__(self, view, stores):
        self.view, self.stores = view, stores

    def __getitem__(self, word):
        return self.view[word]

    def __setitem__(self, word, value):
        if not self.stores:
            raise KeyboardInterrupt
        self.stores.pop()
        self.view[word] = value


@pytest.mark.parametrize("second", range(7))
@pytest.mark.parametrize("first", range(5))
def test_number_does_not_go_back(first, second):
    """Of two writers that die one after the other, each between any two stores, none takes back what was read."""
    memory = bytearray(Sample.blank())
    Sample(memoryview(memory)).count = 41
    read = [41]
    for stores in (first, second):
        writer, left = Sample(memoryview(memory)), [None] * stores
        writer.ints, writer.digests = Mortal(writer.ints, left), Mortal(writer.digests, left)
        with suppress(KeyboardInterrupt):
            writer.count = read[-1] + 1
        read.append(Sample(memoryview(memory)).count)
    assert read[1] - read[0] in {0, 1}
    assert read[2] - read[1] in {0, 1}


def test_counters_survive_their_writer(run):
    """A restarted writer reads what the dead one counted."""
    with Status.create(run) as status:
        first = Status.attach(run)
        first.control.ticks = 41
        first.close()
        with Status.attach(run) as second:
            second.control.ticks += 1
        assert status.control.ticks == 42


def test_absent_status_is_named(run):
    """Attaching to no run says so."""
    with pytest.raises(SegmentAbsentError, match=f"hilrt-{os.getuid()}-{run}-status"):
        Status.attach(run)


def test_block_with_other_fields_is_a_mismatch(run):
    """A block of another version of the code is refused, and the message names its fields."""
    with (
        Segment.create(run, "status", 64, '{"ControlStatus": {"steps": "int32"}}'),
        pytest.raises(SegmentMismatchError, match=r'(?s)"steps": "int32".*"online_steps": "int32"'),
    ):
        Status.attach(run)


def test_closed_block_refuses_use(run):
    """After close, twice, reading and writing raise ValueError."""
    status = Status.create(run)
    status.unlink()
    status.close()
    status.close()
    with pytest.raises(ValueError, match="released"):
        _ = status.control.step
    with pytest.raises(ValueError, match="released"):
        status.control.message = "late"


def test_class_access_gives_the_descriptor():
    """Fields are listed in the order of their declaration, each at its own place."""
    assert SupervisorStatus.heartbeat_ns is SupervisorStatus.fields["heartbeat_ns"]
    assert [(name, field.word) for name, field in Sample.fields.items()] == [
        ("count", 0),
        ("name", 4),
        ("level", 11),
        ("message", 15),
    ]
