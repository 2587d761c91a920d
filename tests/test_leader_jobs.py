"""Whole jobs with leader arms: a scripted hand at simulated leaders, and leaders on adapters that are unplugged."""

import os
import signal
import time

import cv2
import jobs
import numpy as np
import pytest
from armdesk import Desk

from hilrt.control.loop import Phase
from hilrt.data.journal import read_episodes
from hilrt.devices.feetech.registers import Register
from hilrt.run.folder import RunFolder
from hilrt.shm.status import Status
from hilrt.step.record import Mode, Source

LEADER = ["teleop.type=so101_leader", "teleop.id=sim"]
TWO_LEADERS = ["teleop.type=so101_leader", "teleop.arms.left.id=sim", "teleop.arms.right.id=sim"]
CALIBRATION = jobs.ROOT / "configs" / "calibration"


def goals(episode):
    """Joint goals of an episode's steps, shape (steps, 6) [rad]."""
    return np.array([np.frombuffer(r.joint_goal, np.float32) for r in episode.records if not r.final])


def test_record_by_a_simulated_leader(tmp_path):
    """The hand's motion at the leader becomes demonstrations that succeed; the first tick moves nothing."""
    root = jobs.record(tmp_path, *LEADER)
    kept = jobs.demonstrations(root)
    assert len(kept) == 2
    assert all(e.records[-1].success for e in kept)
    assert all(r.source is Source.HUMAN for e in kept for r in e.records if not r.final)
    for episode in kept:
        first = np.frombuffer(episode.records[0].action, np.float32)
        assert not first.any()
        assert np.abs(np.diff(goals(episode)[:, :5], axis=0)).max() < np.deg2rad(18.0) + 1e-6


def test_record_in_real_time_on_a_bad_line(tmp_path):
    """At 30 ticks a second, its own bus losing replies, a leader leads as well, and no tick waits for it."""
    steps = [f"processor.inverse_kinematics.end_effector_step_sizes.{axis}=0.0067" for axis in "xyz"]
    clock = ["sim.clock=realtime", "sim.line_errors=0.03", "env.fps=30"]
    root = jobs.record(tmp_path, *LEADER, *clock, *steps, "dataset.num_episodes_to_record=1")
    (episode,) = jobs.demonstrations(root)
    assert episode.records[-1].success
    gaps = np.diff([r.monotonic_ns for r in episode.records])
    assert np.median(gaps) == pytest.approx(1e9 / 30, rel=0.05)


def test_record_by_two_simulated_leaders(tmp_path):
    """Two hands at two leaders drive two arms."""
    task = jobs.SIM.with_name("sim_bimanual.toml")
    overrides = [*jobs.SMALL, *TWO_LEADERS, "dataset.num_episodes_to_record=1"]
    done = jobs.run(tmp_path, "record", task, overrides=overrides)
    assert done.returncode == 0, done.stderr
    (episode,) = jobs.demonstrations(tmp_path / "datasets/sim_bimanual")
    assert episode.records[-1].success


def test_train_with_interventions_by_a_simulated_leader(tmp_path):
    """The person takes over with her key and lets go again; neither moves the follower."""
    jobs.record(tmp_path, *LEADER)
    habits = ["teleop.scripted.stall_steps=4", "teleop.scripted.release_early=1.0"]
    budget = ["learner.online_steps=200", "eval.every_steps=0"]
    done = jobs.run(tmp_path, "train", jobs.SIM, overrides=[*jobs.SMALL, *LEADER, *habits, *budget])
    assert done.returncode == 0, done.stdout + done.stderr
    run = jobs.newest_run(tmp_path, "train")
    handovers = []
    for episode in read_episodes(run / "journal"):
        human = np.array([r.source is Source.HUMAN for r in episode.records if not r.final])
        steps = np.abs(np.diff(goals(episode)[:, :5], axis=0)).max(axis=1)
        handovers += steps[np.flatnonzero(human[1:] & ~human[:-1])].tolist()
    assert len(handovers) >= 2
    assert max(handovers) < np.deg2rad(0.5)
    assert jobs.summary(run)["human_steps"] > 10


class Session(jobs.InTerminal):
    """`hilrt record` of the leader's task file on two desks, with a person at its keys."""

    def __init__(self, folder, follower, leader, pictures):
        front = {"index_or_path": pictures, "width": 64, "height": 48}
        overrides = [
            f"robot.port={follower.port}",
            "robot.id=sim",
            f"teleop.port={leader.port}",
            "teleop.id=sim",
            "env.fps=20",
            *(f"robot.cameras.front.{key}={value}" for key, value in front.items()),
            "processor.reset.reset_time_s=0.1",
            "processor.reset.control_time_s=120.0",
            "dataset.num_episodes_to_record=1",
            "dataset.root=demonstrations",
        ]
        super().__init__(folder, "record", jobs.SIM.with_name("so100_leader.toml"), overrides=overrides)
        self.until(lambda: self._attach(folder))
        self.control = self.status.control

    def _attach(self, folder):
        try:
            self.status = Status.attach(RunFolder(jobs.newest_run(folder, "record")).tag)
        except Exception:
            return False
        return True

    def until(self, condition):
        """Wait for something, under a watchdog."""
        deadline = time.monotonic() + jobs.PATIENCE_S
        while not condition():
            assert self._reader.is_alive(), self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.02)

    def __exit__(self, *details):
        super().__exit__(*details)
        self.status.close()


@pytest.fixture
def session(tmp_path):
    """A demonstration under way: both arms are at the start pose, and the leader has let go."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        cv2.imwrite(str(pictures / f"{number}.png"), np.full((48, 64, 3), 80 * number, np.uint8))
    (tmp_path / "follower").mkdir()
    (tmp_path / "leader").mkdir()
    with (
        Desk(tmp_path / "follower", CALIBRATION / "robots/so100_follower/sim.json") as follower,
        Desk(tmp_path / "leader", CALIBRATION / "teleoperators/so100_leader/sim.json") as leader,
        Session(tmp_path, follower, leader, pictures) as session,
    ):
        session.follower, session.leader = follower, leader
        session.until(lambda: session.control.phase == Phase.RUNNING and session.control.step > 5)
        yield session


def turn(desk, joint, counts):
    """A hand turns a joint of a limp leader, a little at a time."""
    for _ in range(10):
        with desk._lock:
            servo = desk.servos[joint]
            servo.set_present(servo.raw_position + counts // 10, 0, 0.0, 0.0, 30.0, 12.0)
        time.sleep(0.05)


def test_a_leader_leads_and_is_unplugged_in_a_demonstration(tmp_path, session):
    """The arm follows the hand; unplugged it stands still while the loop ticks on; back again it follows again."""
    follower, leader = session.follower, session.leader
    session.until(lambda: leader.held(Register.TORQUE_ENABLE) == [0] * 6)
    pan = follower.servos[0].raw_position
    turn(leader, 0, 150)
    session.until(lambda: abs(follower.servos[0].raw_position - pan - 150) < 10)

    leader.unplug()
    session.until(lambda: "leader is away, the arm stands still: " in session.control.message)
    ticks, step = session.control.ticks, session.control.step
    pan = follower.servos[0].raw_position
    turn(leader, 0, 300)
    session.until(lambda: session.control.ticks > ticks + 10)
    assert session.control.step > step
    assert abs(follower.servos[0].raw_position - pan) < 3

    leader.plug()
    session.until(lambda: not session.control.message)
    session.until(lambda: session.control.step > step + 20)
    assert abs(follower.servos[0].raw_position - pan) < 3  # what was turned meanwhile does not count
    turn(leader, 0, -200)
    session.until(lambda: follower.servos[0].raw_position - pan < -150)
    session.type(b"s")
    assert session.finish() == 0, session.text()
    assert follower.largest_lead_deg() < 20.0
    (episode,) = jobs.demonstrations(tmp_path / "demonstrations")
    assert (episode.mode, episode.records[-1].success) == (Mode.DEMO, True)
    assert leader.held(Register.TORQUE_ENABLE) == [0] * 6


def test_keys_beside_a_leader(tmp_path, session):
    """Re-record throws the episode away; the leader goes back to the start pose with the follower, under torque."""
    turn(session.leader, 0, 200)
    session.type(b"r")
    session.until(lambda: session.leader.held(Register.TORQUE_ENABLE) == [1] * 6)
    session.until(lambda: session.control.episode == 1 and session.control.step > 5)
    session.until(lambda: session.leader.held(Register.TORQUE_ENABLE) == [0] * 6)
    session.type(b"s")
    assert session.finish() == 0, session.text()
    (episode,) = jobs.demonstrations(tmp_path / "demonstrations")
    assert episode.records[-1].success


def test_control_killed_with_a_leader(session):
    """The leader, limp in a hand, is never stiffened; control comes back, and the next demonstration is led again."""
    session.until(lambda: session.leader.held(Register.TORQUE_ENABLE) == [0] * 6)
    dead = session.control.pid
    os.kill(dead, signal.SIGKILL)
    session.until(lambda: session.leader.held(Register.TORQUE_LIMIT) == [1000] * 6)
    assert session.leader.held(Register.TORQUE_ENABLE) == [0] * 6
    session.until(lambda: session.control.pid != dead and session.control.phase == Phase.RUNNING)
    session.until(lambda: session.control.episode == 1 and session.control.step > 5)
    assert session.leader.held(Register.TORQUE_LIMIT) == [999] * 5 + [499]
    session.until(lambda: session.leader.held(Register.TORQUE_ENABLE) == [0] * 6)
    session.type(b"s")
    assert session.finish() == 0, session.text()
