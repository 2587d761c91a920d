"""Segments: creation, the checks at attach, and what outlives a close."""

import os
import shutil
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from emptyshm import emptied
from mutations import any_damage, survey

import hilrt
from hilrt.errors import (
    SegmentAbsentError,
    SegmentError,
    SegmentMismatchError,
    SegmentNotReadyError,
    SharedMemoryFullError,
)
from hilrt.shm.names import segment_name, sweep_stale
from hilrt.shm.segment import LINE, Segment

SCHEMA = '{"record": "test"}'


def path(run, what):
    """Where the kernel keeps a segment."""
    return Path("/dev/shm", segment_name(run, what)[1:])


def test_attachers_see_what_the_creator_wrote(run):
    """Two openings of a segment are the same memory, zero at first."""
    with Segment.create(run, "a", 100, SCHEMA) as made, Segment.attach(run, "a", SCHEMA) as seen:
        assert bytes(seen.buf) == bytes(100)
        made.buf[7] = 42
        assert seen.buf[7] == 42
        assert seen.schema == SCHEMA


def test_initial_payload_is_there_before_the_segment_is_ready(run):
    """The initial bytes start the payload."""
    with Segment.create(run, "a", 100, SCHEMA, b"geometry"), Segment.attach(run, "a") as seen:
        assert bytes(seen.buf[:10]) == b"geometry\0\0"


def test_only_the_owner_may_open_it(run):
    """The file mode is 0600."""
    with Segment.create(run, "a", 100, SCHEMA):
        assert stat.S_IMODE(path(run, "a").stat().st_mode) == 0o600


@pytest.mark.parametrize("schema", ["", "x", "x" * 15, "x" * 16, "x" * 17, "x" * 1000])
def test_payload_starts_on_a_cache_line(run, schema):
    """Whatever the schema's length, the payload's offset in the file is a multiple of 64."""
    with Segment.create(run, "a", 64, schema) as segment:
        segment.buf[:8] = b"\xfepayload"
        assert path(run, "a").read_bytes().index(b"\xfepayload") % LINE == 0


def test_every_page_is_backed(run):
    """The file has all its blocks before anything is written to it."""
    with Segment.create(run, "a", 1 << 20, SCHEMA):
        assert path(run, "a").stat().st_blocks * 512 >= 1 << 20


def test_absent_segment_is_named(run):
    """Attaching to nothing says which name is missing."""
    with pytest.raises(SegmentAbsentError, match=f"no shared memory /hilrt-{os.getuid()}-{run}-a"):
        Segment.attach(run, "a", SCHEMA)


@pytest.mark.parametrize("size", [0, 10, 4096])
def test_unfinished_segment_is_not_ready(run, size):
    """A file without the magic, of any size, is refused as not ready."""
    path(run, "a").write_bytes(bytes(size))
    path(run, "a").chmod(0o600)
    with pytest.raises(SegmentNotReadyError, match="not ready"):
        Segment.attach(run, "a", SCHEMA)


def test_mismatch_shows_both_schemas(run):
    """The message holds the schema found and the one expected."""
    with Segment.create(run, "a", 64, '{"state": 7}'), pytest.raises(SegmentMismatchError) as caught:
        Segment.attach(run, "a", '{"state": 8}')
    assert 'found:    {"state": 7}' in str(caught.value)
    assert 'expected: {"state": 8}' in str(caught.value)


def test_other_layout_version_is_a_mismatch(run):
    """A segment of another header layout is refused by number."""
    with Segment.create(run, "a", 64, SCHEMA):
        with path(run, "a").open("r+b") as file:
            file.seek(8)
            file.write((99).to_bytes(8, "little"))
        with pytest.raises(SegmentMismatchError, match="layout 99"):
            Segment.attach(run, "a", SCHEMA)


def test_damaged_header_is_refused(run):
    """Whatever is in the header, and however long the file is: the segment is as it was made, or refused at once."""

    def read(file):
        path(run, "a").write_bytes(file)
        with Segment.attach(run, "a") as seen:
            return seen.schema, len(seen.buf)

    def damage(chance, data):
        name, header = any_damage(chance, data[: 2 * LINE])
        return name, header + data[2 * LINE :]

    with Segment.create(run, "a", 640, SCHEMA, b"payload"):
        assert survey(path(run, "a").read_bytes(), read, SegmentError, damage).refused


def test_full_shared_memory_is_an_error_with_sizes(run):
    """A segment larger than /dev/shm is refused and leaves no file."""
    total = shutil.disk_usage("/dev/shm").total
    with pytest.raises(SharedMemoryFullError, match=r"needs \d+\.\d MB, \d+\.\d MB of \d+\.\d MB are free"):
        Segment.create(run, "a", total + 1, SCHEMA)
    assert not path(run, "a").exists()


def test_really_full_shared_memory_leaves_nothing_behind(run):
    """In a mount namespace whose /dev/shm has 1 MB, a segment of 8 MB gives the typed error and no file."""
    words = [sys.executable, str(Path(__file__).with_name("child.py")), "create_full", run]
    environment = os.environ | {"PYTHONPATH": str(Path(hilrt.__file__).parents[1])}
    command = emptied(words, "size=1m")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("SharedMemoryFullError no space left on /dev/shm")
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("place", [("ro", "/dev/shm"), ("size=1m", "/dev")])
def test_shared_memory_that_cannot_be_written(run, place):
    """A /dev/shm that is read-only, or not there, is one sentence with the cure."""
    words = [sys.executable, str(Path(__file__).with_name("child.py")), "create_full", run]
    environment = os.environ | {"PYTHONPATH": str(Path(hilrt.__file__).parents[1])}
    command = emptied(words, *place)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("SharedMemoryUnusableError shared memory /hilrt-")


def test_close_is_idempotent_and_ends_the_use(run):
    """After close, twice, the payload is refused and the segment is stale."""
    segment = Segment.create(run, "a", 64, SCHEMA)
    segment.close()
    segment.close()
    with pytest.raises(ValueError, match="is closed"):
        _ = segment.buf
    with pytest.raises(ValueError, match="is closed"):
        segment.unlink()
    sweep_stale()
    assert not path(run, "a").exists()


def test_views_outlive_close(run):
    """A view taken before close still reads the memory, and no longer keeps the segment from a sweep."""
    segment = Segment.create(run, "a", 64, SCHEMA)
    view = segment.buf
    view[0] = 9
    segment.close()
    sweep_stale()
    assert not path(run, "a").exists()
    assert view[0] == 9


def test_unlink_is_idempotent_and_spares_a_successor(run):
    """A second unlink does nothing, even when the name has a new owner."""
    with Segment.create(run, "a", 64, SCHEMA) as first:
        first.unlink()
        with Segment.create(run, "a", 64, SCHEMA):
            first.unlink()
            assert path(run, "a").exists()


def test_forgotten_segment_warns(run):
    """A segment that is dropped open gives a ResourceWarning with its name."""
    segment = Segment.create(run, "a", 64, SCHEMA)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del segment
    assert [(warning.category, run in str(warning.message)) for warning in caught] == [
        (ResourceWarning, True)
    ]
