"""What the end of a process means for the run."""

import os
import uuid

import pytest

from hilrt.run.job import Job, Role, Spec
from hilrt.shm.status import Status
from hilrt.supervisor.children import Child
from hilrt.supervisor.verdict import Judge


@pytest.fixture
def status():
    """Of a run in which every process is ready."""
    with Status.create(f"test-{uuid.uuid4().hex[:12]}") as status:
        yield status
        status.unlink()


@pytest.fixture
def killed(tmp_path):
    """A process of some role, killed."""

    def killed(role):
        spec = Spec(role=role, job=Job.REPLAY, run="none", run_dir=str(tmp_path), fds={})
        child = Child(role, spec, 0)
        child.kill()
        child.wait(60.0)
        os.close(child.pidfd)
        child._words.close()
        return child

    return killed


def test_the_cameras_process_is_replaced_whatever_the_run_is_at(status, killed):
    """Nothing is lost with it: not in a replay, not while others finish. With the recorder something is."""
    judge = Judge(status, "log.txt", lambda: 7, replaying=True)
    judge.finishing = True
    assert judge.failure(killed(Role.CAMERAS), "") is None
    lost = "killed by SIGKILL at the end of the run; 7 steps are lost."
    assert lost in str(judge.failure(killed(Role.RECORDER), ""))
