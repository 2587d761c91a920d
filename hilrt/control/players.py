"""What is played of a recording: its actions, or its joint targets; either passes the guards of every job."""

import math
from typing import Protocol

import numpy as np

from hilrt.control.assembly import Pipelines
from hilrt.control.pipeline import Pipeline
from hilrt.control.recording import Recording
from hilrt.control.tick import Float64, Tick
from hilrt.step.record import Limit

FOLLOWED = 1e-3
"""A goal that was changed by less has been sent [rad]."""


class Player(Protocol):
    """Puts a part of the recording, from `begin` to `end` in steps, on its way to the arms."""

    pipeline: Pipeline
    """What it then goes through."""

    def put(self, tick: Tick, begin: float, end: float) -> None:
        """Write to the tick what the recording has there."""
        ...

    def followed(self, tick: Tick) -> bool:
        """Whether what went out is what was put in; if not, it is put in again on the next tick."""
        ...


class ActionPlayer:
    """Recorded actions through the same steps as in every job, from the one on that leaves what is recorded."""

    def __init__(self, recording: Recording, pipelines: Pipelines) -> None:
        names = [step.name for step in pipelines.action.steps]
        self.pipeline = Pipeline("replay", pipelines.action.steps[names.index("delta") :])
        self._recording = recording

    def put(self, tick: Tick, begin: float, end: float) -> None:
        """Where the arm changed hands, it does so again."""
        step, human = math.ceil(begin), self._recording.human
        tick.action = self._recording.motion(begin, end)
        tick.gripper = self._recording.gripper(begin, end)
        tick.handover = 0 < step < min(end, len(human)) and human[step] is not human[step - 1]

    def followed(self, tick: Tick) -> bool:  # noqa: ARG002 - limits are part of what an action leads to
        """Always."""
        return True


class GoalPlayer:
    """Recorded joint targets past the leash and the guards; where these hold the arm back, the recording waits."""

    def __init__(self, recording: Recording, pipelines: Pipelines, start: Float64) -> None:
        """`start`: where the arms are told to be before the first goal, shape (arms, 6) [rad]."""
        guards = [s for s in pipelines.action.steps if s.name in {"leash", "joint_limits", "collision_guard"}]
        self.pipeline = Pipeline("replay", guards)
        self._recording, self._setpoint, self._start = recording, pipelines.setpoint, start
        self._wanted = start

    def put(self, tick: Tick, begin: float, end: float) -> None:  # noqa: ARG002 - a goal is due at the end
        """The pose goes with the joints."""
        self._wanted = self._recording.goal(end, self._start)
        tick.joint_goal, tick.target = self._wanted.copy(), self._setpoint.pose_of(self._wanted)
        tick.action, tick.gripper = np.zeros_like(self._setpoint.action), self._setpoint.gripper

    def followed(self, tick: Tick) -> bool:
        """Whether nothing was held back."""
        return not tick.limits & Limit.HELD and bool(np.abs(tick.joint_goal - self._wanted).max() < FOLLOWED)
