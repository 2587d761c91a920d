"""A recording over time, and what is refused before an arm moves."""

import msgspec
import numpy as np
import pytest
from recorded import made
from rig import Rig, load

from hilrt.control import recording
from hilrt.control.recording import Recording, between, require_inside
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.fold import fold
from hilrt.errors import EpisodesAbsentError, ReplayError
from hilrt.run.job import Playback
from hilrt.step.record import GripperCommand, encode_into, gripper_commands, vector

STAY = GripperCommand.STAY


@pytest.fixture(scope="module")
def episode():
    """Forty steps of the simulated task's arm."""
    return made()


def test_goals_are_exact_when_due_and_between_lie_on_the_way(episode):
    """The goal of step k is due at k + 1; at half that time it is half the way from where the arms were told to be."""
    rec, start = Recording(episode), np.zeros((1, 6))
    goals = [vector(r.joint_goal) for r in episode.records[:-1]]
    assert all((rec.goal(k + 1.0, start)[0] == goal).all() for k, goal in enumerate(goals))
    assert rec.goal(0.5, start)[0] == pytest.approx(goals[0] / 2)
    assert rec.goal(7.5, start)[0] == pytest.approx((goals[6] + goals[7]) / 2)
    assert (rec.goal(1e9, start)[0] == goals[-1]).all()


@pytest.mark.parametrize("speed", [1.0, 0.5, 0.3, 0.07])
def test_stretched_motion_adds_up_to_the_recorded_one(episode, speed):
    """At any speed the motions sum to those recorded, none is longer, and each gripper command is given once."""
    rec, turns = Recording(episode), range(int(40 / speed) + 2)
    parts = [(k * speed, (k + 1) * speed) for k in turns if k * speed < rec.end]
    motions = np.array([rec.motion(*part) for part in parts])
    assert motions.sum(0) == pytest.approx(rec.actions.sum(0), abs=1e-4)
    assert np.abs(motions).max() <= speed * np.abs(rec.actions).max() + 1e-6
    given = [rec.gripper(*part) for part in parts]
    told = [gripper_commands(r.gripper, 1) for r in episode.records[:-1]]
    assert [g for g in given if g != (STAY,)] == [g for g in told if g != (STAY,)]


def test_at_full_speed_motion_is_the_recorded_action_to_the_bit(episode):
    """Nothing is computed where nothing is stretched."""
    rec = Recording(episode)
    for k, record in enumerate(episode.records[:-1]):
        assert rec.motion(float(k), k + 1.0).tobytes() == record.action


def test_measured_joints_are_those_of_the_state(episode):
    """They come from the state vector by name, the last observation included."""
    rec = Recording(episode)
    assert rec.measured(40.0)[0] == pytest.approx(vector(episode.records[-1].state)[:6])
    assert (rec.start == rec.measured(0.0)).all()


def test_missing_steps_are_bridged():
    """Where steps never reached the disk, goals go on in a line, and the recording is not whole."""
    episode = made()
    lost = [r for r in episode.records if r.step not in {10, 11}]
    rec = Recording(msgspec.structs.replace(episode, records=lost))
    assert not rec.whole
    first, last = (vector(episode.records[k].joint_goal) for k in (9, 12))
    assert rec.goal(11.0, rec.start)[0] == pytest.approx(first + (last - first) / 3)


def test_between_is_constant_outside():
    """Before the first time and after the last one nothing is extrapolated."""
    times, values = np.array([1.0, 2.0]), np.array([[[1.0]], [[3.0]]])
    assert [float(between(times, values, t)[0, 0]) for t in (0.0, 1.0, 1.5, 9.0)] == [1.0, 1.0, 2.0, 3.0]


def test_goals_outside_the_limits_name_motor_and_range(episode):
    """A recording of another arm is refused with where it would have gone; rounding at a limit is not."""
    limits, rec = Rig().limits, Recording(episode)
    inside, playback = rec.goals.copy(), play()
    rec.goals[5, 0, 2] = limits.upper[0, 2] + 1e-7
    require_inside(rec, limits, playback)
    assert rec.goals[5, 0, 2] == limits.upper[0, 2]
    assert np.delete(rec.goals, 5, 0) == pytest.approx(np.delete(inside, 5, 0), abs=1e-6)
    rec.goals[6, 0, 1] = limits.lower[0, 1] - 0.2
    with pytest.raises(ReplayError, match=r"at step 6 it has shoulder_lift at -\d+.*another calibration"):
        require_inside(rec, limits, playback)


def play(folder="demos", episode=0, *, actions=False):
    return Playback(dataset=str(folder), episode=episode, actions=actions, speed=1.0)


def written(folder, episode, records=None):
    """A dataset of the episode, whose number is 0 there."""
    with JournalWriter(folder / "journal", episode.header.features, "test") as journal:
        for record in records or episode.records:
            journal.write(encode_into(record, bytearray(4096)))
    assert fold(folder).kept == 1


def test_what_is_observed_does_not_matter(tmp_path, episode):
    """With other observations than the config's an episode is played all the same; with other steps only its goals."""
    written(tmp_path, episode)
    seen = load("processor.observation.add_current_to_observation=true")
    assert recording.load(play(tmp_path, actions=True), seen).end == 40
    smaller = load("processor.inverse_kinematics.end_effector_step_sizes.z=0.01")
    assert recording.load(play(tmp_path), smaller).end == 40
    with pytest.raises(ReplayError, match=r"its full step is 20 mm in dz, not 10 mm; use the task file"):
        recording.load(play(tmp_path, actions=True), smaller)


def test_other_arms_and_rates_are_refused(tmp_path, episode):
    """One arm's episode is none for two, and at another rate it would be another motion."""
    written(tmp_path, episode)
    with pytest.raises(ReplayError, match="its rate is 10 Hz, not 20 Hz"):
        recording.load(play(tmp_path), load("env.fps=20"))
    with pytest.raises(ReplayError, match="it is of one arm, not of arms left, right"):
        recording.load(play(tmp_path), load(name="sim_bimanual.toml"))


def test_gaps_refuse_actions_only(tmp_path, episode):
    """Without a step all actions after it would lead elsewhere; goals would not."""
    written(tmp_path, episode, [r for r in episode.records if r.step != 12])
    assert recording.load(play(tmp_path), load()).end == 40
    with pytest.raises(ReplayError, match=r"steps are missing.*leave out --actions"):
        recording.load(play(tmp_path, actions=True), load())


def test_episodes_with_nothing_to_play_are_refused(tmp_path, episode):
    """One that is not there, or that has no joint targets where these are to be played."""
    bare = [msgspec.structs.replace(r, joint_goal=b"") for r in episode.records]
    written(tmp_path, episode, bare)
    assert recording.load(play(tmp_path, actions=True), load()).end == 40
    with pytest.raises(ReplayError, match="no joint targets; --actions"):
        recording.load(play(tmp_path), load())
    with pytest.raises(EpisodesAbsentError, match=r"has episodes 0 to 0; there is no 1"):
        recording.load(play(tmp_path, 1), load())
