"""Who hangs is ended after its time, and not before; what then becomes of it."""

import os
import signal

import jobs
import pytest

from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Role, Spec
from hilrt.shm.status import Status, Stop
from hilrt.supervisor.children import Child
from hilrt.supervisor.supervisor import HUNG_AT_WORK_S, STOP_S, Supervisor
from hilrt.supervisor.verdict import Judge


class Hung:
    """A process of a run that does nothing more, and its supervisor; time passes when the test says so."""

    def __init__(self, supervisor, role, log):
        self.supervisor, self.log = supervisor, log
        self.child = supervisor._children[role] = Child(role, supervisor._spec, 0)
        os.kill(self.child.pid, signal.SIGSTOP)
        supervisor._end_hung()

    def after(self, silent_s):
        """Let it have been silent for so long; whether it is told in the log that it is ended."""
        self.child.pulse._silent_s = silent_s
        self.log.clear()
        self.supervisor._end_hung()
        return "no sign of life" in self.log.text


@pytest.fixture
def hung(tmp_path, monkeypatch, caplog):
    """Makes processes that hang, in a training in real time."""
    monkeypatch.chdir(tmp_path)
    overrides = [f"robot.calibration_dir={jobs.ROOT}/configs/calibration", "sim.clock=realtime"]
    folder = RunFolder.create(jobs.SIM, overrides, Job.TRAIN)
    spec = Spec(role=Role.CONTROL, job=Job.TRAIN, run=folder.tag, run_dir=str(folder.path), fds={})
    supervisor = Supervisor(folder, folder.config(), spec)
    with Status.create(folder.tag) as status:
        supervisor.status = status
        supervisor._judge = Judge(status, "log.txt", int, replaying=False)
        yield lambda role: Hung(supervisor, role, caplog)
        status.unlink()
    for child in supervisor._children.values():
        child.kill()
        child.collect()
    supervisor._stack.close()


def test_a_learner_that_hangs_is_replaced(hung):
    """Loading may take as long as it does; from when it is ready silence is counted, and a minute of it is too much."""
    learner = hung(Role.LEARNER)
    status = learner.supervisor.status
    assert not learner.after(10 * HUNG_AT_WORK_S)
    status.learner.ready = 1
    assert not learner.after(10 * HUNG_AT_WORK_S)
    assert not learner.after(HUNG_AT_WORK_S / 2)
    assert learner.after(HUNG_AT_WORK_S)
    assert learner.child.wait(jobs.PATIENCE_S)
    assert Judge(status, "log.txt", int, replaying=False).failure(learner.child, "") is None


def test_a_control_that_does_not_end_is_killed_for_good(hung):
    """One that was still starting, or closes its devices, has ten seconds after a stop; no other takes its place."""
    control = hung(Role.CONTROL)
    status = control.supervisor.status
    assert not control.after(10 * STOP_S)
    status.supervisor.stop = Stop.ASKED
    assert not control.after(10 * STOP_S)
    assert not control.after(STOP_S / 2)
    assert control.after(STOP_S)
    assert control.child.wait(jobs.PATIENCE_S)
    judge = Judge(status, "log.txt", int, replaying=False)
    assert "while it was being stopped" in str(judge.failure(control.child, ""))
