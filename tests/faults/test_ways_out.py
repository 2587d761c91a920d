"""Every way out of a run, with an arm that has weight, holds a cube and outlives the run: what is true of it then."""

import os
import signal
import time
from pathlib import Path

import jobs
import numpy as np
import pytest
from outlived import HOLDS, JUMPS, LIMP, SQUEEZES, STAYS, kill, running

from hilrt.control.phase import Phase
from hilrt.devices.feetech.registers import Register
from hilrt.devices.holding import LOWERED

ONE = "dataset.num_episodes_to_record=1"
RELEASE = "safety.park_torque=release"
CLOSE = b"\x1b[1;5D"


def test_the_work_is_done(tmp_path, arm):
    """The arm is parked, and let go gently, as configured: the cube lies on the table."""
    with running(tmp_path, arm, ONE, RELEASE) as run:
        run.type(b"s")
        assert run.finish() == 0, run.text()
    assert arm.parked
    assert arm.torque == LIMP
    assert not arm.grips


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_stopped(tmp_path, arm, number):
    """Ctrl-C and a terminal that hangs up take it to its park pose, where it holds with what it has."""
    with running(tmp_path, arm) as run:
        os.kill(run._pid, number)
        assert run.finish() == 0, run.text()
    assert arm.parked
    assert arm.keeps_hold


def test_stopped_again_on_the_way(tmp_path, arm):
    """It holds where it is."""
    with running(tmp_path, arm) as run:
        run.type(b"q")
        run.until(lambda: run.control.phase == Phase.PARKING)
        run.until(lambda: not arm.at(arm.start))
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert not arm.parked
    assert arm.keeps_hold


def test_without_a_park_pose_it_holds(tmp_path, arm):
    """Where the run ended, as ever."""
    with running(tmp_path, arm, park=False) as run:
        os.kill(run._pid, signal.SIGTERM)
        assert run.finish() == 0, run.text()
    assert arm.at(arm.start)
    assert arm.keeps_hold


def test_processes_other_than_the_arms(tmp_path, arm):
    """The work is done: it holds. A training goes on when its learner is killed, and its recorder five times.

    The sixth time it ends as if it were stopped: the arm is parked.
    """
    with running(tmp_path, arm, ONE, park=False) as run:
        run.type(b"s")
        assert run.finish() == 0, run.text()
    assert arm.at(arm.start)
    assert arm.keeps_hold
    with running(tmp_path, arm, *jobs.SMALL, job="train") as run:  # from here on a policy has the gripper
        dead = kill(run.status.learner)
        run.until(lambda: run.status.learner.pid != dead)
        for _ in range(6):
            run.until(lambda: run.status.recorder.ready and run.status.recorder.pid)
            dead = kill(run.status.recorder)
            run.until(lambda: run.status.recorder.pid != dead or run.control.phase == Phase.PARKING)  # noqa: B023
        assert run.finish() == 2
    assert "for the 6th time" in run.text()
    assert arm.parked
    assert arm.torque == HOLDS


def test_a_named_error_that_is_not_the_arms(tmp_path, arm):
    """A step of the user's own fails: the run ends with its name, and the arm is parked."""
    (tmp_path / "bad.py").write_text(
        "class Bad:\n"
        "    reads = writes = ()\n"
        "    def __init__(self, config): self.ticks = 0\n"
        "    def begin(self): pass\n"
        "    def __call__(self, tick):\n"
        "        if tick.step == 5: raise KeyError('sensor')\n"
    )
    with running(tmp_path, arm, "processor.steps=[{step = 'bad:Bad', pipeline = 'outcome'}]") as run:
        assert run.finish() == 2
    assert "bad:Bad failed" in run.text()
    assert arm.parked
    assert arm.keeps_hold


@pytest.mark.parametrize("park", [True, False])
def test_an_error_of_a_motor(tmp_path, arm, park):
    """The elbow protects itself from an overload, or is too hot: the arm holds where it is."""
    with running(tmp_path, arm, park=park) as run:
        if park:
            arm.overload(3)
        else:
            arm.follower._temperatures[2] = 69.0
        assert run.finish() == 2
    assert ("overload" if park else "above safety.max_temperature_c") in run.text()
    assert not arm.parked
    assert arm.keeps_hold


def test_control_killed(tmp_path, arm):
    """The arm is made to hold; the new control asks before anything moves, and a stop then leaves it there."""
    with running(tmp_path, arm, "safety.resume_after_s=600") as run:
        kill(run.control)
        run.wait_for(rb"the arm holds; it goes on")
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.at(arm.start)
    assert arm.keeps_hold


def test_control_killed_as_it_squeezes(tmp_path, arm):
    """The jaw is told to close: it is made to hold, and keeps the cube when the run goes on and is stopped."""
    with running(tmp_path, arm, "safety.resume_after_s=600", park=False) as run:
        for _ in range(5):
            run.type(CLOSE)
            time.sleep(0.1)
        kill(run.control)
        run.wait_for(rb"the arm holds; it goes on")
        assert arm.grips
        run.type(b"\r")
        run.until(lambda: run.control.phase == Phase.RUNNING)
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.at(arm.start)
    assert arm.keeps_hold


def test_control_killed_and_the_arm_let_go(tmp_path, arm):
    """With `safety.on_crash = "release"` it goes down gently, and is limp until somebody says otherwise."""
    with running(tmp_path, arm, "safety.on_crash=release") as run:
        kill(run.control)
        run.wait_for(rb"the arm was let go")
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.torque == LIMP
    assert not arm.grips


def test_control_killed_on_the_way_to_rest(tmp_path, arm):
    """A dead process parks nothing: the arm holds where it was, and the run is over all the same."""
    with running(tmp_path, arm) as run:
        run.type(b"q")
        run.until(lambda: run.control.phase == Phase.PARKING and not arm.at(arm.start))
        kill(run.control)
        assert run.finish() == 0, run.text()
    assert not arm.parked
    assert arm.keeps_hold


def test_control_killed_as_it_lets_go_at_rest(tmp_path, arm):
    """Torque is on its way down: the joints that still have some are made to hold with all of it, where they are."""
    with running(tmp_path, arm, ONE, RELEASE) as run:
        run.type(b"s")
        run.until(lambda: arm.held(Register.TORQUE_LIMIT)[0] <= LOWERED)
        kill(run.control)
        assert run.finish() == 0, run.text()
    assert arm.parked
    assert arm.torque == HOLDS
    assert min(arm.held(Register.TORQUE_LIMIT)[:5]) > LOWERED


def test_two_recordings_in_a_row(tmp_path, arm):
    """Quit while the gripper squeezes something: a minute later the next run begins with it in hand, and nothing moves.

    No servo has protected itself, and the gripper pushes with less than would make it.
    """
    with running(tmp_path, arm, park=False) as run:
        for _ in range(5):
            run.type(CLOSE)
            time.sleep(0.1)
        run.type(b"q")
        assert run.finish() == 0, run.text()
    arm.pass_time(60.0)
    assert arm.keeps_hold
    before = arm.joints
    arm.seen.clear()
    with running(tmp_path, arm, "dataset.root=second", park=False) as run:
        assert arm.keeps_hold
        assert arm.held(Register.STATUS) == [0] * 6
        assert np.abs(arm.joints - before)[:5].max() < STAYS
        assert max(moment.load for moment in arm.seen) < SQUEEZES
        assert max(moment.speed for moment in arm.seen) < JUMPS
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.keeps_hold


@pytest.mark.parametrize("others", [False, True])
def test_supervisor_killed(tmp_path, arm, others):
    """Nobody watches: control holds the arm where it is, and ends; killed with it, it leaves that to the servos."""
    with running(tmp_path, arm) as run:
        control = run.control.pid
        os.kill(run._pid, signal.SIGKILL)
        if others:
            kill(run.control)
            kill(run.status.recorder)
        deadline = time.monotonic() + jobs.PATIENCE_S
        while Path(f"/proc/{control}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run.finish()
    assert arm.at(arm.start)
    assert arm.keeps_hold


def test_the_cable_is_gone(tmp_path, arm):
    """As after kill -9 of a simulator nobody reaches the servos: they hold alone; a second stop ends the run."""
    with running(tmp_path, arm) as run:
        arm.unplug()
        run.wait_for(rb"reconnecting")
        run.type(b"q")
        run.until(lambda: run.control.phase == Phase.PARKING)
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.at(arm.start)
    assert arm.keeps_hold


def test_nobody_is_there(tmp_path, arm):
    """After some minutes without a key the arm is parked and let go; any key takes it back, and the run goes on."""
    with running(tmp_path, arm, "safety.idle_min=0.05", RELEASE) as run:
        run.until(lambda: run.control.phase == Phase.PARKED)
        run.until(lambda: run.control.message == "nobody for 0.05 min: any key goes on, q stops")
        assert arm.parked
        assert arm.torque == LIMP
        run.type(b"\t")
        episode = run.control.episode
        run.until(lambda: run.control.phase == Phase.RUNNING)
        assert arm.torque == HOLDS
        assert arm.at(arm.start)
        run.until(lambda: run.control.phase == Phase.PARKED)
        assert run.control.episode == episode + 1, "the demonstration that nobody gave is over"
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.parked
    assert arm.torque == LIMP
