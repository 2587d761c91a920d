"""Names: whose file one stands for, who may be swept, and what is taken over."""

import os
from pathlib import Path

import pytest

from hilrt.errors import SegmentExistsError, SegmentForeignError, SegmentNotReadyError
from hilrt.shm.names import Claim, segment_name, sweep_stale
from hilrt.shm.segment import Segment

SCHEMA = '{"record": "test"}'


def path(run, what):
    """Where the kernel keeps a file."""
    return Path("/dev/shm", segment_name(run, what)[1:])


def die(child):
    """Kill with signal 9 and wait for the end."""
    child.kill()
    child.wait()


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
