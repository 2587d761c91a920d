"""The shared memory of a run: every name is taken before any process starts."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import jobs
import pytest

from hilrt.config import taskfile
from hilrt.errors import SegmentForeignError
from hilrt.run.job import Job
from hilrt.run.memory import RunMemory, clear_stale
from hilrt.shm.names import segment_name
from hilrt.shm.ring import Ring
from hilrt.shm.weights import WeightsReader


@pytest.fixture
def run():
    """A run name nobody uses."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for path in Path("/dev/shm").glob(f"hilrt-*-{name}-*"):
        path.unlink()


def test_names_are_all_there_from_the_start(run):
    """Those of rings, status, simulator and weights, so that nobody can put a file there first; all go at the end."""
    names = {"status", "steps-recorder", "steps-learner", "weights", "sim"}
    with RunMemory(run, taskfile.load(jobs.SIM), Job.TRAIN):
        found = list(Path("/dev/shm").glob(f"hilrt-*-{run}-*"))
        assert {path.name.split(f"{run}-")[1] for path in found} == names
        assert {(path.stat().st_mode & 0o777, path.stat().st_uid) for path in found} == {
            (0o600, os.geteuid())
        }
        assert WeightsReader.try_attach(run) is None
    assert not list(Path("/dev/shm").glob(f"hilrt-*-{run}-*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can plant another user's file")
@pytest.mark.parametrize("what", ["status", "steps-recorder", "steps-learner", "weights", "sim"])
def test_stranger_is_found_before_anything_starts(run, what):
    """A file of another user under any of the names is a message, and leaves nothing of the run behind."""
    planted = Path("/dev/shm", segment_name(run, what)[1:])
    elsewhere = planted.with_name(f"planted-{run}")  # under its own name a sweep might take it
    elsewhere.write_bytes(b"planted")
    os.chown(elsewhere, 65534, 65534)
    elsewhere.rename(planted)
    with pytest.raises(SegmentForeignError, match="belongs to the user with the number 65534"):
        RunMemory(run, taskfile.load(jobs.SIM), Job.TRAIN)
    assert list(Path("/dev/shm").glob(f"hilrt-*-{run}-*")) == [planted]


DYING = """
import os, signal, sys
from pathlib import Path
from hilrt.config import taskfile
from hilrt.run.job import Job
from hilrt.run.memory import RunMemory
from hilrt.shm.ring import Ring

run, task, popped = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
memory = RunMemory(run, taskfile.load(task), Job.TRAIN)
ring = Ring.attach(run, "steps-recorder")
for number in range(5):
    ring.try_push(number.to_bytes(8, "little"))
for _ in range(popped):
    ring.try_pop()
    ring.release()
os.kill(os.getpid(), signal.SIGKILL)
"""
"""A run all of whose processes are killed: of five steps the recorder has taken some."""


@pytest.mark.parametrize(("popped", "words"), [(2, ["3 steps were in the ring and are lost"]), (5, [])])
def test_steps_lost_with_a_dead_runs_ring_are_told(run, caplog, popped, words):
    """How many of them had not reached the recorder when all processes died; nothing where all had."""
    command = [sys.executable, "-c", DYING, run, jobs.SIM, str(popped)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    swept = clear_stale()
    assert segment_name(run, "steps-recorder") in swept
    assert [text for text in caplog.messages if run in text] == [
        f"{text}: run {run} ended before they were written" for text in words
    ]


def test_a_living_runs_ring_stays(run, caplog):
    """Steps that wait in a ring whose run is alive are not lost, and not told."""
    with RunMemory(run, taskfile.load(jobs.SIM), Job.TRAIN) as memory:
        with Ring.attach(run, "steps-recorder") as ring:
            ring.try_push(b"")
        assert segment_name(run, "steps-recorder") not in clear_stale()
        assert memory.unwritten() == 1
    assert run not in caplog.text
