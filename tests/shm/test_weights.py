"""Weights: what is published is adopted whole or not at all."""

import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest
from child import weights
from mutations import survey

from hilrt.errors import (
    SegmentAbsentError,
    SegmentDamagedError,
    SegmentError,
    SegmentMismatchError,
    WeightsLayoutError,
)
from hilrt.shm.names import segment_name
from hilrt.shm.segment import LINE, Segment
from hilrt.shm.weights import WeightsReader, WeightsStamp, WeightsVersion, WeightsWriter, claim_weights


@pytest.fixture(autouse=True)
def claim(run):
    """The weights' name, as the supervisor takes it."""
    with claim_weights(run) as claim:
        yield claim


def test_published_arrays_come_back_equal(run):
    """Names, dtypes, shapes and values survive; the reader needs no layout."""
    arrays = {
        "w": np.random.default_rng(0).normal(size=(3, 5, 7)).astype(np.float32),
        "b": np.arange(4, dtype=np.int64),
        "scalar": np.float64(2.5) * np.ones(()),
        "none": np.zeros((0, 3), np.uint8),
        "strided": np.arange(20, dtype=np.uint16)[::2],
    }
    with WeightsWriter.open(run, arrays) as writer, WeightsReader.try_attach(run) as reader:
        assert writer.publish(arrays) == 1
        version, adopted = reader.adopt()
        assert version == 1
        assert list(adopted) == list(arrays)
        for name, array in arrays.items():
            assert (adopted[name].dtype, adopted[name].shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(adopted[name], array)


def test_there_is_nothing_to_adopt_before_the_first_version_and_after_the_newest(run):
    """Each version is adopted once; versions in between are skipped."""
    with WeightsWriter.open(run, weights(0)) as writer, WeightsReader.try_attach(run) as reader:
        assert (reader.adopt(), reader.version, reader.published_ns) == (None, 0, 0)
        for value in (1, 2, 3):
            writer.publish(weights(value))
        assert reader.adopt().version == 3
        assert reader.adopt() is None


def test_a_version_is_adopted_at_its_place(run):
    """Of two versions, the newest that was learned from no later step; each once, and never an older one again."""
    with WeightsWriter.open(run, weights(0)) as writer, WeightsReader.try_attach(run) as reader:
        assert reader.adopt(until=100) is None
        writer.publish(weights(1), place=8)
        assert reader.adopt(until=7) is None
        writer.publish(weights(2), place=16)
        assert reader.adopt(until=7) is None
        version, arrays = reader.adopt(until=15)
        assert (version, (arrays["kernel"] == 1).all()) == (1, True)
        assert reader.adopt(until=15) is None
        assert reader.adopt(until=16).version == 2
        assert reader.adopt(until=8) is None
        assert reader.adopt() is None


def test_published_ns_is_the_time_of_the_newest_version(run):
    """The publication time lies between two readings of the monotonic clock around it."""
    with WeightsWriter.open(run, weights(0)) as writer, WeightsReader.try_attach(run) as reader:
        for value in (1, 2):
            before = time.monotonic_ns()
            writer.publish(weights(value))
            assert before <= reader.published_ns <= time.monotonic_ns()


def test_adopted_arrays_are_the_readers_own(run):
    """Later versions do not change arrays adopted before, and writing to them changes nothing published."""
    with WeightsWriter.open(run, weights(0)) as writer, WeightsReader.try_attach(run) as reader:
        writer.publish(weights(1))
        first = reader.adopt().arrays
        first["kernel"][0, 0] = -1
        for value in (2, 3):
            writer.publish(weights(value))
        assert first["kernel"][0, 0] == -1
        assert (first["kernel"].ravel()[1:] == 1).all()
        assert (reader.adopt().arrays["kernel"] == 3).all()


def test_reader_gets_none_while_there_are_no_weights(run, claim):
    """Claimed, unfinished and absent segments are all no reader yet."""
    assert WeightsReader.try_attach(run) is None
    path = Path("/dev/shm", segment_name(run, "weights")[1:])
    path.write_bytes(bytes(4096))
    assert WeightsReader.try_attach(run) is None
    with WeightsWriter.open(run, weights(0)) as writer:
        assert writer.publish(weights(1)) == 1
    claim.unlink()
    assert WeightsReader.try_attach(run) is None


def test_writer_makes_no_name_of_its_own(run, claim):
    """Without the supervisor's claim there is nothing to write to: a name made late may be a stranger's."""
    claim.unlink()
    with pytest.raises(SegmentAbsentError):
        WeightsWriter.open(run, weights(0))


def test_hammered_reader_never_sees_a_mixture(run, spawn, caplog):
    """Against a writer without pause, 300 adopted versions are whole, and none is taken for corrupt."""
    child = spawn("publish", run)
    assert child.stdout.readline() == "ready\n"
    with WeightsReader.try_attach(run) as reader:
        adopted, last = 0, 0
        while adopted < 300:
            assert child.poll() is None
            got = reader.adopt()
            if got is None:
                continue
            assert got.version > last
            assert all((array == got.version).all() for array in got.arrays.values())
            adopted, last = adopted + 1, got.version
    assert not caplog.records


@pytest.mark.parametrize("publishes", [1, 2])
def test_version_replaced_during_the_copy_is_not_adopted(run, caplog, publishes):
    """A version published over in mid-copy, once or twice, is dropped in silence; the newest follows."""

    class Interrupted(WeightsReader):
        """Between the load of the version and the copy, the writer publishes."""

        def _arrays(self, version):
            while writer.version < 1 + publishes:
                writer.publish(weights(writer.version + 1))
            return super()._arrays(version)

    with WeightsWriter.open(run, weights(0)) as writer, Interrupted.try_attach(run) as reader:
        writer.publish(weights(1))
        assert reader.adopt() is None
        got = reader.adopt()
        assert (got.version, got.arrays["kernel"].min()) == (1 + publishes, 1 + publishes)
    assert not caplog.records


def test_version_cut_off_by_kill_9_is_never_adopted(run, spawn):
    """A writer killed in mid-publish leaves its last whole version; its successor goes on from there."""
    with WeightsWriter.open(run, weights(0)):
        reader = WeightsReader.try_attach(run)
        for version in (1, 2, 3):
            assert spawn("publish_and_die", run).wait() == -9
            got = reader.adopt()
            assert got.version == version
            assert all((array == version).all() for array in got.arrays.values())
            assert reader.adopt() is None
        reader.close()


def test_weights_outlive_the_learner_while_control_reads(run, spawn):
    """With the writer dead, a new reader process still adopts, and a new writer continues the version."""
    child = spawn("publish", run)
    assert child.stdout.readline() == "ready\n"
    with WeightsReader.try_attach(run) as reader:
        child.kill()
        child.wait()
        newest = reader.version
        assert spawn("adopt", run).stdout.readline() == f"{newest}\n"
        with WeightsWriter.open(run, weights(0)) as successor:
            assert successor.publish(weights(newest + 1)) == newest + 1
        assert reader.adopt().version == newest + 1


def test_flipped_bit_is_logged_and_skipped(run, caplog):
    """A corrupt version is not adopted, is named once in the log, and the next one is adopted."""
    with (
        WeightsWriter.open(run, weights(0)) as writer,
        WeightsReader.try_attach(run) as reader,
        Segment.attach(run, "weights") as segment,
    ):
        writer.publish(weights(1))
        segment.buf[-LINE] ^= 1  # the last array of buffer 1
        with caplog.at_level(logging.WARNING):
            assert reader.adopt() is None
            assert reader.adopt() is None
        assert [entry.getMessage() for entry in caplog.records] == [
            "weights version 1 is corrupt and was not adopted"
        ]
        writer.publish(weights(2))
        assert reader.adopt().version == 2


@pytest.mark.parametrize("copies", [1, 2])
def test_version_that_goes_back_is_no_old_one(run, copies):
    """To a reader that has adopted, a version flipped down in one copy is the other one's, and in both is refused."""
    with (
        WeightsWriter.open(run, weights(0)) as writer,
        WeightsReader.try_attach(run) as reader,
        Segment.attach(run, "weights") as segment,
    ):
        for value in (1, 2):
            writer.publish(weights(value))
            assert reader.adopt().version == value
        writer.publish(weights(3))
        for copy in range(copies):
            segment.buf[16 * copy] ^= 2  # 3 becomes 1
        if copies == 1:
            assert reader.adopt().version == 3
        else:
            with pytest.raises(SegmentDamagedError, match="WeightsVersion is damaged: its version is not"):
                reader.adopt()


@pytest.mark.parametrize("word", ["published_ns", "place"])
def test_damaged_stamp_is_refused(run, word):
    """When a version was published and from what it was learned is what was written, or is refused."""
    with (
        WeightsWriter.open(run, weights(0)) as writer,
        WeightsReader.try_attach(run) as reader,
        Segment.attach(run, "weights") as segment,
    ):
        writer.publish(weights(1), place=8)
        writer.publish(weights(2), place=16)
        at = WeightsVersion.size + 8 * WeightsStamp.fields[word].word
        for copy in (at, at + 16):
            segment.buf[copy] ^= 1
        with pytest.raises(SegmentDamagedError, match=f"WeightsStamp is damaged: its {word} is not"):
            _ = reader.published_ns if word == "published_ns" else reader.adopt(until=16)


def test_damaged_weights_are_those_published_or_none(run):
    """Whatever happens to the segment's memory, what is adopted is a version that was published, or nothing."""
    small = {"w": np.arange(20, dtype=np.float32), "b": np.ones(3)}
    with WeightsWriter.open(run, small) as writer:
        for factor in (1, 2):
            writer.publish({name: factor * array for name, array in small.items()})
        file = Path("/dev/shm", segment_name(run, "weights")[1:])
        whole = file.read_bytes()

    def read(data):
        file.write_bytes(data)
        reader = WeightsReader.try_attach(run)
        if reader is None:
            raise LookupError
        with reader:
            adopted = reader.adopt()
        with WeightsWriter.open(run, small) as writer:
            writer.publish(small)
        if adopted is None:
            raise LookupError
        assert all((array == adopted.version * small[name]).all() for name, array in adopted.arrays.items())
        return True

    assert survey(whole, read, (SegmentError, LookupError)).refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": np.zeros((64, 256), np.float32)}, r"kernel <f4 \(64, 256\), expected <f4 \(64, 257\)"),
        ({"kernel": np.zeros((64, 257))}, r"kernel <f8 \(64, 257\), expected <f4"),
        ({"extra": np.zeros(1)}, r"got \['count', 'extra', 'kernel'\]"),
    ],
)
def test_other_arrays_are_refused_and_change_nothing(run, change, message):
    """Publishing another layout is an error that names it; the newest version stays adoptable."""
    with WeightsWriter.open(run, weights(0)) as writer, WeightsReader.try_attach(run) as reader:
        writer.publish(weights(1))
        with pytest.raises(WeightsLayoutError, match=message):
            writer.publish(weights(2) | change)
        got = reader.adopt()
        assert (got.version, got.arrays["kernel"].max()) == (1, 1)


def test_writer_with_another_network_is_told_both_layouts(run):
    """Opening a live run's weights with another layout shows the two."""
    with (
        WeightsWriter.open(run, {"w": np.zeros(3)}),
        pytest.raises(SegmentMismatchError, match=r'(?s)found: .*"w", "<f8", \[3\].*expected: .*\[4\]'),
    ):
        WeightsWriter.open(run, {"w": np.zeros(4)})


def test_unlinked_weights_are_gone_for_newcomers(run):
    """After unlink, a reader that has them keeps them and a new one finds none."""
    with WeightsWriter.open(run, weights(0)) as writer, WeightsReader.try_attach(run) as reader:
        writer.unlink()
        writer.publish(weights(1))
        assert reader.adopt().version == 1
        assert WeightsReader.try_attach(run) is None
        assert not Path(f"/dev/shm/hilrt-{os.getuid()}-{run}-weights").exists()
