"""An episode as it is played again: its commands and its measurements over time, in steps of the recording."""

from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from hilrt.config import MOTORS, Config
from hilrt.control.safety import JointLimits
from hilrt.control.tick import Float64
from hilrt.data.journal import Episode
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.devices.calibration import units_from_radians
from hilrt.errors import EpisodesAbsentError, ReplayError
from hilrt.run.job import Playback
from hilrt.step.difference import difference
from hilrt.step.features import Features, from_config
from hilrt.step.record import Float32, GripperCommand, Source, gripper_commands, vector

ROUNDING = 1e-3
"""By which a recorded goal may be off its limits [rad]: 32 bits, and a calibration read anew."""


class Recording:
    """Times are steps since the episode began, where step k lasts from k to k + 1."""

    def __init__(self, episode: Episode) -> None:
        features, steps = episode.header.features, [r for r in episode.records if not r.final]
        arms = len(features.sides)
        self.number, self.mode = episode.number, episode.mode
        self.steps: Float64 = np.array([r.step for r in steps], np.float64)
        self.end = int(self.steps[-1]) + 1
        goals = np.array([vector(r.joint_goal) for r in steps], np.float64)
        self.goals: Float64 = goals.reshape(len(steps), arms, goals.shape[1] // arms)
        """Shape (n, arms, 6) [rad]; (n, arms, 0) where the recording has none."""
        self.actions: Float32 = np.array([vector(r.action) for r in steps])
        """Shape (n, len(features.action))."""
        self.grippers = [gripper_commands(r.gripper, arms) for r in steps]
        self.human = [r.source is Source.HUMAN for r in steps]
        self._seen = np.array([r.step for r in episode.records], np.float64)
        self._joints = _joints(episode)

    @property
    def start(self) -> Float64:
        """Where the arms were measured first, shape (arms, 6) [rad]."""
        start: Float64 = self._joints[0]
        return start

    @property
    def whole(self) -> bool:
        """Whether no step is missing."""
        return len(self.steps) == self.end

    def measured(self, time: float) -> Float64:
        """Joints at a time, shape (arms, 6) [rad]."""
        return between(self._seen, self._joints, time)

    def goal(self, time: float, start: Float64) -> Float64:
        """What the arms are told, shape (arms, 6) [rad]: from `start` on, the goal of step k is due at k + 1."""
        times, goals = np.append(0.0, self.steps + 1), np.concatenate((start[None], self.goals))
        return between(times, goals, time)

    def motion(self, begin: float, end: float) -> Float32:
        """Actions from `begin` to `end`, at most a step later, each by its share; shape (len(features.action),)."""
        here, there = int(begin), int(end)
        share = min(end, here + 1) - begin
        motion: Float32 = share * self.actions[here]
        if here < there < self.end:
            motion = motion + (end - there) * self.actions[there]
        return motion

    def gripper(self, begin: float, end: float) -> tuple[GripperCommand, ...]:
        """The command of the step that begins then: a command is no motion that could be stretched."""
        step = int(np.ceil(begin))
        return self.grippers[step] if step < min(end, self.end) else (GripperCommand.STAY,) * len(self.start)


def between(times: Float64, values: Float64, time: float) -> Float64:
    """Linear, exact at each of the `times` (n,), and constant beyond them; `values` have shape (n, ...)."""
    columns = values.reshape(len(times), -1).T
    return np.array([np.interp(time, times, column) for column in columns]).reshape(values.shape[1:])


def load(playback: Playback, config: Config) -> Recording:
    """The episode, if it can be played by this config's arms.

    Raises:
        EpisodesAbsentError: there is none of that number.
        ReplayError: of other features, or without what is to be played.
        DatasetError: the dataset cannot be read.
    """
    dataset = open_dataset(Path(playback.dataset))
    if playback.episode >= len(dataset):
        raise EpisodesAbsentError(playback.dataset, [playback.episode], len(dataset))
    _require_same(dataset.features, from_config(config), playback)
    recording = Recording(dataset.episode(playback.episode))
    if playback.actions and not recording.whole:
        raise _refused(
            playback, "steps are missing, and without them actions lead elsewhere; leave out --actions"
        )
    if not playback.actions and not recording.goals.size:
        raise _refused(playback, "it has no joint targets; --actions plays its actions")
    return recording


def _refused(playback: Playback, problem: str) -> ReplayError:
    return ReplayError(playback.dataset, playback.episode, problem)


def _require_same(found: Features, expected: Features, playback: Playback) -> None:
    """What is observed does not matter, and how actions are scaled only to actions."""
    ignored = dict.fromkeys(("state", "images", "views"), ())
    if not playback.actions:
        ignored |= dict.fromkeys(("action", "gripper", "scale"), ())
    plain = [msgspec.structs.replace(f, **ignored) for f in (found, expected)]
    if words := difference(*plain):
        raise _refused(playback, f"{words}; use the task file that it was recorded with")
    if not set(_positions(found)) <= set(found.state):
        raise _refused(playback, "its state has no joint positions, so there is no pose to begin from")


def require_inside(recording: Recording, limits: JointLimits, playback: Playback) -> None:
    """See that all goals are within the arms' limits, and take away what rounding has put outside.

    Raises:
        ReplayError: one is outside.
    """
    inside = np.array([limits.clip(goal) for goal in recording.goals])
    off = np.abs(recording.goals - inside)
    if off.max() > ROUNDING:
        step, arm, motor = (int(i) for i in np.unravel_index(np.argmax(off), off.shape))
        asked, low, high = (
            units_from_radians(q)[motor]
            for q in (recording.goals[step, arm], limits.lower[arm], limits.upper[arm])
        )
        problem = f"at step {recording.steps[step]:.0f} it has {MOTORS[motor]} at {asked:.1f}, and this arm goes from"
        cause = "it was recorded with another arm, or with another calibration"
        raise _refused(playback, f"{problem} {low:.1f} to {high:.1f}; {cause}")
    recording.goals = inside


def _joints(episode: Episode) -> Float64:
    """Measured in each observation, shape (n, arms, 6) [rad]."""
    features = episode.header.features
    places = [features.state.index(name) for name in _positions(features)]
    states: npt.NDArray[np.float32] = np.array([vector(r.state) for r in episode.records])
    return states[:, places].astype(np.float64).reshape(len(states), -1, len(MOTORS))


def _positions(features: Features) -> list[str]:
    return [f"{side}.{motor}.pos" if side else f"{motor}.pos" for side in features.sides for motor in MOTORS]
