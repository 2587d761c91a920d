"""A disk that fills up, or may not be written to, while a recording goes on."""

import os
import re
import signal
import subprocess
import time

import jobs
import pytest

from hilrt.control.loop import Phase
from hilrt.data.journal import online_steps, read_episodes
from hilrt.policy.saved import newest_checkpoint

BIG = [f"robot.cameras.{name}={{type='sim', width=640, height=480}}" for name in ("front", "wrist")]
STEPS = [f"processor.inverse_kinematics.end_effector_step_sizes.{axis}=0.01" for axis in "xyz"]
"""Twice the rate, half the step: the arm is no faster than the script that leads it is used to."""
ROOMY = "size=8g"
"""More than the longest episodes can take: a step of two such cameras is 130 kB, in journal and dataset each."""
REALTIME = ["sim.clock=realtime", "env.fps=20", *STEPS, "dataset.root=disk/demonstrations"]


class Disk:
    """A file system of its own, as large as it has to be; what is not in use takes no memory."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        if self._mount("-t", "tmpfs", "-o", ROOMY, "tmpfs"):
            pytest.skip("mounting needs root")

    def _mount(self, *how):
        return subprocess.run(["mount", *how, self.folder], check=False, capture_output=True).returncode

    def fill(self):
        """Leave no room: it is as large as what lies on it, which is something; a size of 0 is none."""
        there = os.statvfs(self.folder)
        while there.f_bfree:
            self._mount("-o", f"remount,size={(there.f_blocks - there.f_bfree) * there.f_frsize}")
            there = os.statvfs(self.folder)

    def clear(self):
        """Give the room back."""
        self._mount("-o", f"remount,{ROOMY}")

    def protect(self, *, on):
        """Have nothing written any more, or again; whether that could be done: not while somebody writes."""
        return not self._mount("-o", f"remount,{'ro' if on else 'rw'}")

    def close(self):
        """Away with it."""
        subprocess.run(["umount", "-l", self.folder], check=True)


@pytest.fixture
def disk(tmp_path):
    """Where the demonstrations go."""
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.close()


def test_a_full_disk_is_waited_for(tmp_path, disk):
    """The screen says so at once; before the ring overflows the arm holds; with room again no step is missing."""
    overrides = [*BIG, *REALTIME, "dataset.num_episodes_to_record=12"]
    with jobs.LiveRun(tmp_path, "record", jobs.SIM, overrides=overrides) as live:
        control, recorder = live.status.control, live.status.recorder
        live.wait_for(lambda: recorder.records > 10)
        disk.fill()
        live.wait_for(lambda: "No space left on device" in recorder.message)
        live.wait_for(lambda: "the arm holds until the recorder has written" in control.message)
        step, ticks = control.step, control.ticks
        live.wait_for(lambda: control.ticks > ticks + 10)
        assert control.step == step
        disk.clear()
        text = live.finish()
    assert live.process.returncode == 0, text
    assert "12 successful, 0 failed" in text
    episodes = jobs.demonstrations(tmp_path / "disk" / "demonstrations")
    assert len(episodes) == 12


def test_a_disk_that_is_read_only_for_a_while(tmp_path, disk):
    """The next episode cannot be written, and the screen says why; once it can, it is, from its first step on."""
    overrides = [*REALTIME, "teleop.type=keyboard", "dataset.num_episodes_to_record=1000"]
    with jobs.WatchedTerminal(tmp_path, "record", jobs.SIM, overrides=overrides) as terminal:
        terminal.until(lambda: terminal.control.phase == Phase.RUNNING)

        def protected():
            if terminal.control.step > 2:  # an episode without a step is none
                terminal.type(b"s")
            return terminal.control.demo_successes and disk.protect(on=True)

        terminal.until(protected)
        terminal.until(lambda: "Read-only file system" in terminal.status.recorder.message)
        terminal.wait_for(rb"Read-only file system")
        disk.protect(on=False)
        terminal.until(lambda: not terminal.status.recorder.message)
        done = terminal.control.demo_successes
        terminal.until(lambda: terminal.status.recorder.lag == 0)
        terminal.type(b"q")
        assert terminal.finish() == 0, terminal.text()
    assert len(jobs.demonstrations(tmp_path / "disk" / "demonstrations")) >= done > 0


def test_a_disk_that_is_read_only_from_the_start(tmp_path, disk):
    """Nothing moves: one message that names the folder and what to look at, and status 2."""
    disk.protect(on=True)
    done = jobs.run(tmp_path, "record", jobs.SIM, overrides=REALTIME)
    assert done.returncode == 2
    words = " ".join(done.stderr.split())
    assert "Read-only file system" in words
    assert "disk/demonstrations" in words
    assert "Check the folder's owner and how its disk is mounted" in words
    assert "Traceback" not in done.stderr


def first_of_all(monkeypatch, code):
    """Have hilrt run some code before its own."""
    command = jobs.command

    def changed(*words, overrides=(), under=()):
        python, option, main, *rest = command(*words, overrides=overrides, under=under)
        return [python, option, f"{code}; {main}", *rest]

    monkeypatch.setattr(jobs, "command", changed)


def stands_still(control):
    """Whether simulated time does."""
    ticks = control.ticks
    time.sleep(1.0)
    return control.ticks == ticks


def test_simulated_time_waits_for_the_recorder(tmp_path, monkeypatch):
    """In simulated time a recorder that hangs stops the clock before its ring overflows; then no step is missing."""
    first_of_all(monkeypatch, "import hilrt.run.memory as module; module.RING_SECONDS = 10")
    overrides = ["dataset.num_episodes_to_record=20", "dataset.root=demonstrations"]
    with jobs.LiveRun(tmp_path, "record", jobs.SIM, overrides=overrides) as live:
        control, recorder = live.status.control, live.status.recorder
        live.wait_for(lambda: recorder.records > 10)
        os.kill(recorder.pid, signal.SIGSTOP)
        live.wait_for(lambda: stands_still(control))
        kept = len(list(read_episodes(tmp_path / "demonstrations" / "journal")))
        assert control.episodes_demo > kept + 1
        assert not control.done
        os.kill(recorder.pid, signal.SIGCONT)
        text = live.finish()
    assert live.process.returncode == 0, text
    assert len(jobs.demonstrations(tmp_path / "demonstrations")) == 20


def test_a_full_run_folder_is_waited_for(disk, monkeypatch):
    """Training goes on without checkpoints and figures, then holds; with room again no step is missing, or there twice.

    A learner that is killed meanwhile is replaced by one that has every step in the end.
    """
    folder = disk.folder
    jobs.record(folder)
    first_of_all(monkeypatch, "import hilrt.run.memory as module; module.RING_SECONDS = 10")
    overrides = ["learner.online_steps=400", "learner.checkpoint_every_s=0.5"]
    with jobs.LiveRun(folder, "train", jobs.SIM, overrides=[*jobs.SMALL, *overrides]) as live:
        control, learner, recorder = live.status.control, live.status.learner, live.status.recorder
        live.wait_for(lambda: control.online_steps > 20)
        disk.fill()
        live.wait_for(lambda: "no checkpoint can be written: No space left on device" in learner.message)
        live.wait_for(lambda: "No space left on device" in recorder.message)
        killed = live.kill("learner")
        live.wait_for(lambda: learner.pid != killed and learner.ready)
        live.wait_for(lambda: stands_still(control))
        assert not control.done
        held = control.online_steps
        disk.clear()
        live.wait_for(lambda: not recorder.message)
        text = live.finish()
        taken = control.online_steps
    assert live.process.returncode == 0, text
    episodes = list(read_episodes(live.path / "journal"))
    assert [e.number for e in episodes] == list(range(len(episodes)))
    assert all([r.step for r in e.records] == list(range(len(e.records))) for e in episodes)
    assert online_steps(live.path / "journal") == taken
    assert int(newest_checkpoint(live.path).name) == taken > held
    assert "in neither ring nor journal" not in (live.path / "log.txt").read_text()
    assert not live.segments


def test_a_recorder_that_hangs_at_the_end(tmp_path, monkeypatch):
    """A run whose last steps nobody writes says how many are lost, and its status is not 0."""
    first_of_all(monkeypatch, "import hilrt.supervisor.supervisor as module; module.HUNG_AT_WORK_S = 1.0")
    overrides = ["dataset.num_episodes_to_record=4"]
    with jobs.LiveRun(tmp_path, "record", jobs.SIM, overrides=overrides) as live:
        recorder = live.status.recorder
        live.wait_for(lambda: recorder.records > 10)
        os.kill(recorder.pid, signal.SIGSTOP)
        text = " ".join(live.finish().split())
    assert live.process.returncode == 2, text
    lost = re.search(r"recorder was killed by SIGKILL at the end of the run; (\d+) steps are lost", text)
    assert int(lost[1]) > 0, text
