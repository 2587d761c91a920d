"""Every way out of a run, with servos that outlive it: where they are then, whether they hold, how low they went."""

import os
import signal
import time
from pathlib import Path

import jobs
import numpy as np
import pytest
from armdesk import Desk

from hilrt.config import taskfile
from hilrt.control.collision import Collisions
from hilrt.control.phase import Phase
from hilrt.devices.calibration import radians_from_units
from hilrt.devices.feetech.registers import Register
from hilrt.robots import SO100_URDF

CALIBRATION = jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json"
PARK = (0.0, -95.0, 85.0, 75.0, 0.0, 10.0)
NEAR = np.deg2rad(3.0)
LOWER = 0.003
"""By which an arm of play may be nearer to the table than at the nearer of both ends of its way [m]."""


class Watched(Desk):
    """A desk that remembers where the arm was."""

    def __init__(self, folder):
        super().__init__(folder, CALIBRATION)
        self.start = radians_from_units(taskfile.load(jobs.SIM).processor.reset.fixed_reset_joint_positions)
        for servo, count in zip(self.servos, self.calibration.counts(self.start), strict=True):
            raw = int(count) + servo.get(Register.HOMING_OFFSET)
            servo.set_present(raw, 0, 0.0, 0.0, 30.0, 12.0)
        self.seen = []

    def _move(self, reach):
        super()._move(reach)
        self.seen.append([servo.get(Register.PRESENT_POSITION) for servo in self.servos])

    @property
    def joints(self):
        """Where the arm is, shape (6,) [rad]."""
        return self.calibration.radians(np.array(self.held(Register.PRESENT_POSITION), float))

    @property
    def parked(self):
        """Whether it is at its park pose, whatever the gripper holds."""
        return bool(np.abs(self.joints - radians_from_units(PARK))[:5].max() < NEAR)

    @property
    def torque(self):
        return self.held(Register.TORQUE_ENABLE)

    def stands(self):
        """Whether it has come to rest."""
        before = self.joints
        time.sleep(0.2)
        return bool(np.abs(self.joints - before).max() < np.deg2rad(0.5))

    def require_above_the_table(self):
        """No link was anywhere lower than at the lower one of start and park pose."""
        table = Collisions(SO100_URDF, table_height=0.0, itself=False)
        least = min(table.clearance(pose).distance for pose in (self.start, radians_from_units(PARK)))
        poses = map(self.calibration.radians, np.array(self.seen[:: max(1, len(self.seen) // 500)], float))
        assert min(table.clearance(pose).distance for pose in poses) > least - LOWER


@pytest.fixture
def desk(tmp_path):
    """Six servos on a port."""
    with Watched(tmp_path) as desk:
        yield desk
        desk.require_above_the_table()


def recording(folder, desk, *overrides, park=True):
    """`hilrt record` in a terminal, on that desk."""
    config = jobs.ROOT / "configs" / "so100.toml"
    sets = [
        f"robot.port={desk.port}",
        "robot.id=sim",
        "robot.cameras={}",
        "processor.reset.reset_time_s=0.1",
        "processor.reset.control_time_s=600",
        "dataset.root=here",
        *([f"safety.park_pose={list(PARK)}"] if park else []),
        *overrides,
    ]
    return jobs.WatchedTerminal(folder, "record", config, overrides=sets)


@pytest.mark.parametrize("release", [False, True])
def test_the_work_is_done(tmp_path, desk, release):
    """The arm is parked, and holds there or is limp, as configured."""
    torque = "safety.park_torque=" + ("release" if release else "hold")
    with recording(tmp_path, desk, "dataset.num_episodes_to_record=1", torque) as run:
        run.runs_episode(0)
        run.type(b"s")
        assert run.finish() == 0, run.text()
    assert desk.parked
    assert desk.torque == [not release] * 6


@pytest.mark.parametrize("how", ["key", "signal", "again"])
def test_stopped(tmp_path, desk, how):
    """`q` and Ctrl-C take it to its park pose; asked again on the way, it holds where it is."""
    with recording(tmp_path, desk) as run:
        run.runs_episode(0)
        if how == "signal":
            os.kill(run._pid, signal.SIGINT)
        else:
            run.type(b"q")
        if how == "again":
            run.until(lambda: run.control.phase == Phase.PARKING)
            run.wait_for(rb"to its park pose; q or Ctrl-C stops it")
            run.type(b"q")
        assert run.finish() == 0, run.text()
    assert desk.parked is (how != "again")
    assert desk.torque == [1] * 6
    assert desk.stands()


def test_without_a_park_pose_it_holds(tmp_path, desk):
    """Where the run ended, as ever."""
    with recording(tmp_path, desk, park=False) as run:
        run.runs_episode(0)
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert np.abs(desk.joints - desk.start).max() < NEAR
    assert desk.torque == [1] * 6


def test_a_named_error_that_is_not_the_arms(tmp_path, desk):
    """A step of the user's own fails: the run ends with its name, and the arm is parked."""
    (tmp_path / "bad.py").write_text(
        "class Bad:\n"
        "    reads = writes = ()\n"
        "    def __init__(self, config): self.ticks = 0\n"
        "    def begin(self): pass\n"
        "    def __call__(self, tick):\n"
        "        if tick.step == 5: raise KeyError('sensor')\n"
    )
    with recording(tmp_path, desk, "processor.steps=[{step = 'bad:Bad', pipeline = 'outcome'}]") as run:
        assert run.finish() == 2
    assert "bad:Bad failed" in run.text()
    assert desk.parked
    assert desk.torque == [1] * 6


def test_an_error_of_a_motor(tmp_path, desk):
    """One that is too hot must not go on: the arm holds where it is."""
    with recording(tmp_path, desk) as run:
        run.runs_episode(0)
        with desk._lock:
            desk._move = lambda _: None
            servo = desk.servos[2]
            servo.set_present(servo.raw_position, 0, 0.0, 0.0, 69.0, 12.0)
        assert run.finish() == 2
    assert "above safety.max_temperature_c" in run.text()
    assert not desk.parked
    assert desk.torque == [1] * 6


def test_control_killed(tmp_path, desk):
    """The arm is made to hold; the new control asks before anything moves, and a stop then leaves it there."""
    with recording(tmp_path, desk, "safety.resume_after_s=600") as run:
        run.runs_episode(0)
        os.kill(run.control.pid, signal.SIGKILL)
        run.wait_for(rb"the arm holds; it goes on")
        before = desk.joints
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert np.abs(desk.joints - before).max() < np.deg2rad(1.0)
    assert desk.torque == [1] * 6


def test_control_killed_on_the_way_to_rest(tmp_path, desk):
    """A dead process parks nothing: the arm holds where it was, and the run is over all the same."""
    with recording(tmp_path, desk) as run:
        run.runs_episode(0)
        run.type(b"q")
        run.until(lambda: run.control.phase == Phase.PARKING)
        os.kill(run.control.pid, signal.SIGKILL)
        assert run.finish() == 0, run.text()
    assert not desk.parked
    assert desk.torque == [1] * 6
    assert desk.stands()


def test_recorder_killed(tmp_path, desk):
    """It is replaced; at the end the arm is parked."""
    with recording(tmp_path, desk) as run:
        run.runs_episode(0)
        dead = run.status.recorder.pid
        os.kill(dead, signal.SIGKILL)
        run.until(lambda: run.status.recorder.pid != dead and run.status.recorder.ready)
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert desk.parked


def test_recorder_that_cannot_be_replaced(tmp_path, desk):
    """A run that cannot go on without another process ends as if it were stopped: the arm is parked."""
    with recording(tmp_path, desk) as run:
        run.runs_episode(0)
        for _ in range(6):
            run.until(lambda: run.status.recorder.ready and run.status.recorder.pid)
            dead = run.status.recorder.pid
            os.kill(dead, signal.SIGKILL)
            run.until(lambda: run.status.recorder.pid != dead or run.control.phase == Phase.PARKING)  # noqa: B023
        assert run.finish() == 2
    assert "for the 6th time" in run.text()
    assert desk.parked


def test_supervisor_killed(tmp_path, desk):
    """Nobody watches: control holds the arm where it is, and ends."""
    with recording(tmp_path, desk) as run:
        run.runs_episode(0)
        control, before = run.control.pid, desk.joints
        os.kill(run._pid, signal.SIGKILL)
        deadline = time.monotonic() + jobs.PATIENCE_S
        while Path(f"/proc/{control}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        run.finish()
    assert np.abs(desk.joints - before).max() < np.deg2rad(1.0)
    assert desk.torque == [1] * 6


def test_nobody_is_there(tmp_path, desk):
    """After some minutes without a key the arm is parked and let go; any key takes it back, and the run goes on."""
    with recording(tmp_path, desk, "safety.idle_min=0.2", "safety.park_torque=release") as run:
        run.until(lambda: run.control.phase == Phase.PARKED)
        run.until(lambda: run.control.message == "nobody for 0.2 min: any key goes on, q stops")
        assert desk.parked
        assert desk.torque == [0] * 6
        run.type(b"\t")
        episode = run.control.episode
        run.until(lambda: run.control.phase == Phase.RUNNING)
        assert desk.torque == [1] * 6
        assert np.abs(desk.joints - desk.start)[:5].max() < NEAR
        run.until(lambda: run.control.phase == Phase.PARKED)
        assert run.control.episode == episode + 1, "the demonstration that nobody gave is over"
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert desk.parked
    assert desk.torque == [0] * 6
