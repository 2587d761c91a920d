"""Segments: creation, the checks at attach, and who may be swept."""

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
    SegmentExistsError,
    SegmentForeignError,
    SegmentMismatchError,
    SegmentNotReadyError,
    SharedMemoryFullError,
)
from hilrt.shm.segment import LINE, Claim, Segment, segment_name, sweep_stale

SCHEMA = '{"record": "test"}'


def path(run, what):
    """Where the kernel keeps a segment."""
    return Path("/dev/shm", segment_name(run, what)[1:])


def die(child):
    """Kill with signal 9 and wait for the end."""
    child.kill()
    child.wait()


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


def test_existing_name_is_an_error_while_it_is_held(run):
    """A second creator is told that the run is in use."""
    with Segment.create(run, "a", 64, SCHEMA), pytest.raises(SegmentExistsError, match=f"{run}-a is held"):
        Segment.create(run, "a", 64, SCHEMA)


def test_stale_name_is_taken_over(run, spawn):
    """A creator replaces the segment of a process that was killed."""
    child = spawn("hold", run, "a")
    assert child.stdout.readline() == "ready\n"
    die(child)
    with Segment.create(run, "a", 64, "other") as segment:
        assert segment.schema == "other"


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


@pytest.fixture
def stranger(run):
    """Somebody without rights; what she has put into shared memory is removed."""
    if os.geteuid():
        pytest.skip("only root can be another user for a while")
    yield 65534
    os.seteuid(0)
    for left in Path("/dev/shm").glob(f"hilrt-*-{run}-*"):
        left.unlink()


@pytest.mark.parametrize("use", ["attach", "create", "fill", "claim"])
@pytest.mark.parametrize("known", ["owner", "rights"])
def test_segment_of_another_user_is_refused_unread(run, stranger, use, known):
    """A file of the right name that another user put there, 0600 or not, is named with its cure, and stays."""
    if known == "owner":  # we may open it, being root, and see whose it is
        with Segment.create(run, "a", 64, SCHEMA):  # open, or a sweep would take it
            os.chown(path(run, "a"), stranger, stranger)
    else:  # we may not even open it: 0600, and now we are the ones without rights
        os.seteuid(stranger)
        planted = path(run, "a")
        os.seteuid(0)
        planted.write_bytes(b"planted")
        planted.chmod(0o600)
        os.seteuid(stranger)
    calls = {
        "attach": lambda: Segment.attach(run, "a"),
        "create": lambda: Segment.create(run, "a", 64, SCHEMA),
        "fill": lambda: Segment.fill(run, "a", 64, SCHEMA),
        "claim": lambda: Claim(run, "a"),
    }
    told = "belongs to the user with the number 65534" if known == "owner" else "cannot be opened"
    with pytest.raises(SegmentForeignError, match=rf"{told}.*sudo rm /dev/shm/hilrt-\d+-{run}-a"):
        calls[use]()
    sweep_stale()
    assert path(run, "a").exists()


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o644])
def test_segment_that_is_open_to_others_is_refused(run, mode):
    """Into a file of ours that others may write, they may have written."""
    with Segment.create(run, "a", 64, SCHEMA):
        path(run, "a").chmod(mode)
        with pytest.raises(SegmentForeignError, match=f"its mode is {mode:04o}, not 0600"):
            Segment.attach(run, "a")


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_no_file_is_refused(run, kind):
    """A folder or a link of the right name is a message."""
    if kind == "folder":
        path(run, "a").mkdir()
    else:
        path(run, "a").symlink_to("/etc/passwd")
    try:
        for call in (lambda: Segment.attach(run, "a"), lambda: Segment.create(run, "a", 64, SCHEMA)):
            with pytest.raises(SegmentForeignError, match="is not yours alone"):
                call()
    finally:
        path(run, "a").rmdir() if kind == "folder" else path(run, "a").unlink()


def test_claimed_name_is_filled_later_and_only_once_made(run):
    """A claim is no segment until it is filled; who died filling it leaves it to the next; it goes with the claimer."""
    with Claim(run, "a") as claim:
        for left in (b"", bytes(100)):
            path(run, "a").write_bytes(left)
            with pytest.raises(SegmentNotReadyError):
                Segment.attach(run, "a")
            with pytest.raises(SegmentExistsError):
                Segment.create(run, "a", 64, SCHEMA)
            with Segment.fill(run, "a", 64, SCHEMA) as filled, Segment.attach(run, "a") as seen:
                filled.buf[0] = 7
                assert seen.buf[0] == 7
        claim.unlink()
        claim.unlink()
    assert not path(run, "a").exists()


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


@pytest.mark.parametrize("part", ["", "a/b", "a b", "../a", "x" * 101])
def test_names_that_no_file_can_have_are_refused(run, part):
    """A run or part name is checked before it becomes a path."""
    with pytest.raises(ValueError, match="in a shared memory name"):
        Segment.create(run, part, 64, SCHEMA)


def test_sweep_takes_only_what_nobody_holds(run, spawn):
    """Of five segments, the sweep removes the two whose users are all dead."""
    live, dead, attached, kept, passed = (f"{run}-{n}" for n in ("live", "dead", "att", "kept", "passed"))
    holders = {name: spawn("hold", name, "x") for name in (live, dead, attached, kept, passed)}
    assert all(child.stdout.readline() == "ready\n" for child in holders.values())
    attachers = {name: spawn("attach", name, "x") for name in (attached, passed)}
    assert all(child.stdout.readline() == "ready\n" for child in attachers.values())
    with Segment.attach(kept, "x"):
        for name in (dead, attached, kept, passed):
            die(holders[name])
        die(attachers[passed])
        sweep_stale()
        assert [path(name, "x").exists() for name in (dead, passed)] == [False] * 2
        assert [path(name, "x").exists() for name in (live, attached, kept)] == [True] * 3
    sweep_stale()
    assert not path(kept, "x").exists()


def test_unfinished_segment_of_a_dead_process_is_swept(run):
    """A file without magic and without holder is stale."""
    path(run, "a").write_bytes(b"")
    sweep_stale()
    assert not path(run, "a").exists()


def test_segments_made_during_a_sweep_are_never_swept(run, spawn):
    """With two other processes sweeping without pause, every segment made still has its name."""
    sweepers = [spawn("sweep", run) for _ in range(2)]
    assert all(child.stdout.readline() == "ready\n" for child in sweepers)
    for _ in range(2000):
        with Segment.create(run, "a", 64, SCHEMA) as segment:
            assert path(run, "a").exists()
            Segment.attach(run, "a", SCHEMA).close()
            segment.unlink()
    assert all(child.poll() is None for child in sweepers)


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
