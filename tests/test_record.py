"""`hilrt record` as a person at the arm uses it."""

import re
from itertools import combinations
from pathlib import Path

import jobs
import numpy as np
import pytest
from armdesk import Desk
from devices.virtual import run_virtual

from hilrt.control.loop import Phase
from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.jobs.task import in_real_time
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job
from hilrt.step.record import GripperCommand, Source, vector

BY_HAND = ["teleop.type=keyboard", "env.fps=20", "processor.reset.control_time_s=60"]
RANGE = (0.03, 0.04, 0.02)
ENDLESS = "dataset.num_episodes_to_record=1000000"


@pytest.fixture
def at_the_keys(tmp_path):
    """Starts a recording in a terminal."""

    def start(*overrides):
        return jobs.WatchedTerminal(tmp_path, "record", jobs.SIM, overrides=[*BY_HAND, *overrides])

    return start


def test_success_failure_again_and_stop(tmp_path, at_the_keys):
    """Success counts towards the target; failure is kept, labelled, and does not count; `r` and a stop keep nothing.

    A second recording says what is there, goes on behind it, and ends by itself at its target. Time is real, though
    the task file has it simulated.
    """
    with at_the_keys(ENDLESS) as terminal:
        for number, key in enumerate((b"s", b"\x1b", b"r", b"s")):
            terminal.runs_episode(number)
            terminal.type(key)
        terminal.runs_episode(4)
        assert (terminal.control.demo_successes, terminal.control.episodes_demo) == (2, 3), terminal.text()
        terminal.type(b"q")
        assert terminal.finish() == 0, terminal.text()
    assert "s success esc failure r again q stop" in re.sub(r"[│ ]+", " ", terminal.text())
    assert "so the simulated arm keeps real time here" in terminal.text()
    assert "2 successful, 1 failed for the rest, the same again with: --set" in terminal.text()
    assert "dataset.num_episodes_to_record=999998" in terminal.text()
    assert RunFolder(jobs.newest_run(tmp_path, "record")).config().sim.clock == "realtime"
    root = tmp_path / "datasets" / "sim_so100"
    endings = [(e.records[-1].success, e.records[-1].terminated) for e in jobs.demonstrations(root)]
    assert endings == [(True, True), (False, True), (True, True)]
    assert not list(read_episodes(root / "journal"))

    with at_the_keys("dataset.num_episodes_to_record=1") as terminal:
        for number, key in ((3, b"\x1b"), (4, b"s")):
            terminal.runs_episode(number)
            terminal.type(key)
        assert terminal.finish() == 0, terminal.text()
    assert "has 3 episodes, 2 of them successful; successful ones to add now: 1" in terminal.text()
    assert "for the rest" not in terminal.text()
    assert [e.records[-1].success for e in jobs.demonstrations(root)] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("job", "overrides", "switched"),
    [
        (Job.TRAIN, ["teleop.type=gamepad"], True),
        (Job.TRAIN, ["teleop.type=gamepad", "teleop.intervene=false"], False),
        (Job.EVAL, ["teleop.type=keyboard"], False),
        (Job.RECORD, ["teleop.type=keyboard", "sim.clock=lockstep"], False),
        (Job.RECORD, ["teleop.type=so101_leader", "teleop.id=sim"], False),
        (Job.RECORD, [], False),
    ],
)
def test_time_is_real_where_a_person_drives(job, overrides, switched):
    """Not where a script or the policy alone does, nor where she has asked for simulated time."""
    assert in_real_time(jobs.SIM, overrides, job) == overrides + ["sim.clock=realtime"] * switched


def test_by_gamepad_and_by_keyboard():
    """The same with the buttons of a gamepad, and with a keyboard that tells of releases."""
    run_virtual(Path(__file__).parent / "devices" / "virtual_recording.py")


def test_what_every_step_carries(tmp_path):
    """Source, both times, frame ages, what was asked and executed, joint targets, and the two kinds of end apart."""
    camera = "robot.cameras.front={type='sim', width=32, height=24}"
    overrides = [*jobs.SMALL, camera, "sim.clock=realtime", "dataset.num_episodes_to_record=1"]
    done = jobs.run(tmp_path, "record", jobs.SIM, overrides=overrides)
    assert done.returncode == 0, done.stderr
    (episode,) = jobs.demonstrations(tmp_path / "datasets" / "sim_so100")
    *steps, final = episode.records
    assert {r.source for r in steps} == {Source.HUMAN}
    assert all(r.policy_action == b"" for r in steps)
    for clock in ("wall_ns", "monotonic_ns"):
        gaps = np.diff([getattr(r, clock) for r in episode.records])
        assert np.median(gaps) == pytest.approx(1e8, rel=0.1)
    assert all(len(r.frame_ages_ms) == 1 and 0 < r.frame_ages_ms[0] < 2000 for r in episode.records)
    said = np.array([vector(r.operator_action) for r in steps])
    np.testing.assert_array_equal(np.clip(said, -1, 1), [vector(r.action) for r in steps])
    goals = np.array([vector(r.joint_goal) for r in steps])
    assert goals.shape[1] == 6
    assert (np.ptp(goals, axis=0)[1:3] > 0.1).all()
    assert {GripperCommand(r.gripper) for r in steps} >= {GripperCommand.CLOSE, GripperCommand.STAY}
    assert [r.terminated for r in steps] == [False] * (len(steps) - 1) + [True]
    assert not any(r.truncated for r in episode.records)
    assert (final.terminated, final.success, final.action) == (True, True, b"")


def test_behind_an_adapter_nothing_is_missed_unseen(tmp_path):
    """Full-speed USB moves data once a millisecond: all steps are there, and deadlines that passed are on the record.

    Where other programs keep the processors busy some do pass.
    """
    overrides = [
        *jobs.SMALL,
        "sim.clock=realtime",
        "sim.usb.frame_ms=1",
        "dataset.num_episodes_to_record=1",
    ]
    with jobs.LiveRun(tmp_path, "record", jobs.SIM, overrides=overrides) as live:
        printed = live.finish()
        assert live.process.returncode == 0, printed
        assert live.status.control.sense_ms > 2.0, "telemetry takes two frames at least"
    (episode,) = jobs.demonstrations(tmp_path / "datasets" / "sim_so100")
    first, *others = episode.records
    assert others[-1].success
    passed = sum(1 + record.missed for record in others)
    assert 1e-9 * 10 * (others[-1].monotonic_ns - first.monotonic_ns) == pytest.approx(passed, abs=1.0)
    realtime = jobs.summary(live.path)["realtime"]
    assert realtime["restarts"] == 0
    assert realtime["missed"] >= sum(record.missed for record in others)


def starts(folder, count):
    """Where each episode's first observation has the tool, from the start pose, shape (count, 3) [m]."""
    folder.mkdir()
    overrides = (
        f"processor.reset.start_range_m={list(RANGE)}",
        "sim.arm.preset=stiff",
        f"dataset.num_episodes_to_record={count}",
    )
    episodes = jobs.demonstrations(jobs.record(folder, *overrides))
    first = [dict(zip(e.header.features.state, vector(e.records[0].state), strict=True)) for e in episodes]
    return np.array([[state[f"ee.{axis}"] for axis in "xyz"] for state in first])


def test_episodes_begin_around_the_start_pose(tmp_path):
    """Each at another place within `start_range_m`, and with an equal seed at an equal one."""
    drawn = starts(tmp_path / "one", 3)
    assert (np.abs(drawn) < np.array(RANGE) + 0.003).all()
    assert all(np.abs(one - other).max() > 0.003 for one, other in combinations(drawn, 2))
    assert (np.ptp(drawn, axis=0) > 0.3 * np.array(RANGE)).all()
    np.testing.assert_array_equal(starts(tmp_path / "same", 1), drawn[:1])


def test_recording_goes_on_after_success(tmp_path):
    """With `terminate_on_success = false` reward stays 1 to the time limit, which truncates; the episode counts."""
    overrides = [*jobs.SMALL, "processor.reset.terminate_on_success=false"]
    done = jobs.run(tmp_path, "record", jobs.SIM, overrides=overrides)
    assert done.returncode == 0, done.stderr
    assert "2 successful, 0 failed" in done.stdout
    for episode in jobs.demonstrations(tmp_path / "datasets" / "sim_so100"):
        *steps, final = episode.records
        rewards = [r.reward for r in steps]
        since = rewards.index(1.0)
        assert 10 < since < 90
        assert rewards == [0.0] * since + [1.0] * (100 - since)
        assert [r.success for r in steps] == [bool(reward) for reward in rewards]
        assert (final.success, final.terminated, final.truncated) == (True, False, True)


def test_time_to_put_the_scene_back(tmp_path):
    """A reset takes `reset_time_s`, counted down on the screen, or until Enter; then the terminal rings."""
    with Desk(tmp_path, jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json") as desk:
        overrides = [
            f"robot.port={desk.port}",
            "robot.id=sim",
            "robot.cameras={}",
            "processor.reset.reset_time_s=4.0",
            "dataset.root=here",
            ENDLESS,
        ]
        real = jobs.ROOT / "configs" / "so100.toml"
        with jobs.WatchedTerminal(tmp_path, "record", real, overrides=overrides) as terminal:
            terminal.until(lambda: terminal.control.phase == Phase.RESETTING)
            terminal.wait_for(rb"put the scene back, 2 s")
            until_ns = terminal.control.reset_until_ns
            terminal.runs_episode(0)
            assert terminal.seen.count(b"\a") == 1
            terminal.type(b"s")
            terminal.until(lambda: terminal.control.reset_until_ns > until_ns)
            given_ns = terminal.control.reset_until_ns
            terminal.type(b"\r")
            terminal.runs_episode(1)
            assert terminal.control.reset_until_ns < given_ns, "she was ready before"
            terminal.type(b"s")
            terminal.until(lambda: terminal.control.episode == 2)
            terminal.type(b"q")  # counts while the arm is reset too
            assert terminal.finish() == 0, terminal.text()
    first, second = open_dataset(tmp_path / "here")
    assert first.records[0].monotonic_ns >= until_ns
    assert until_ns < second.records[0].monotonic_ns < given_ns


DEEPER = (
    "processor.inverse_kinematics.end_effector_bounds={min = [0.15, -0.11, -0.04], max = [0.31, 0.17, 0.12]}"
)


def test_an_arm_that_pushes_against_the_table_is_eased(tmp_path, at_the_keys):
    """Driven into the table until a motor stalls, the arm pushes no longer and goes back; only the episode is cut."""
    with at_the_keys(DEEPER, ENDLESS) as terminal:
        terminal.runs_episode(0)

        def cut():
            terminal.type(b"\x1b[1;2B")
            return terminal.control.episode == 1

        terminal.until(cut)
        terminal.runs_episode(1)
        terminal.type(b"q")
        assert terminal.finish() == 0, terminal.text()
    assert re.search(r"drew 2\.\d A for a second and was eased", re.sub(r"[│ ]+", " ", terminal.text()))
