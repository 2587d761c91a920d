"""One episode: the step waiting for its outcome, the verdict, and the records that come of them."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hilrt.config import Config
from hilrt.control.observation import Observation
from hilrt.devices.operator import OperatorInput
from hilrt.record import Mode, Record

Frames = Sequence[npt.NDArray[np.uint8]]
Publish = Callable[[Record, Frames], None]


class Verdict(NamedTuple):
    """What an observation decides about the action that led to it."""

    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    success: bool = False
    discarded: bool = False

    @property
    def over(self) -> bool:
        """Whether the episode ends here."""
        return self.terminated or self.truncated


class Judge:
    """Decides reward and end from the task, the operator and the clock."""

    def __init__(self, config: Config) -> None:
        self._limit = config.max_episode_steps
        self._terminate = config.processor.reset.terminate_on_success
        self.begin(Mode.TRAIN)

    def begin(self, mode: Mode) -> None:
        """A new episode."""
        self._mode = mode
        self._succeeded = False

    def judge(self, step: int, task_success: bool, wish: OperatorInput, interrupted: bool) -> Verdict:
        """Verdict on action `step - 1` at observation `step`; the limit of N steps allows N actions."""
        self._succeeded = self._succeeded or task_success or wish.success
        reward = float(self._succeeded)
        if wish.rerecord:
            return Verdict(reward, truncated=True, success=self._succeeded, discarded=True)
        if wish.failure:
            return Verdict(0.0, terminated=True)
        if self._succeeded and self._terminate:
            return Verdict(reward, terminated=True, success=True)
        # Half a demonstration, or half an evaluation, is none; half a training episode is still worth learning from.
        cut = interrupted and self._mode is not Mode.TRAIN
        over = step >= self._limit or interrupted
        return Verdict(reward, truncated=over, success=self._succeeded, discarded=cut)


class Episode:
    """Holds each step back until its outcome is known, then publishes it."""

    def __init__(self, number: int, mode: Mode, publish: Publish) -> None:
        self.number, self.mode = number, mode
        self.step = 0
        self._publish = publish
        self._pending: tuple[Record, Frames] | None = None
        self._version = 0

    def acted(self, record: Record, frames: Frames) -> None:
        """Keep the step that was just executed."""
        self._pending = (record, frames)
        self._version = record.policy_version
        self.step += 1

    def settle(self, verdict: Verdict) -> Record | None:
        """Publish the step held back, with its outcome; None before the first action."""
        if self._pending is None:
            return None
        record, frames = self._pending
        record.reward = verdict.reward
        record.terminated, record.truncated = verdict.terminated, verdict.truncated
        record.success = verdict.success
        self._publish(record, frames)
        self._pending = None
        return record

    def end(self, observation: Observation, frames: Frames, verdict: Verdict) -> Record:
        """Publish the last observation."""
        record = Record(
            episode=self.number,
            step=self.step,
            mode=self.mode,
            final=True,
            monotonic_ns=observation.time_ns,
            wall_ns=time.time_ns(),
            state=observation.state.tobytes(),
            terminated=verdict.terminated,
            truncated=verdict.truncated,
            success=verdict.success,
            discarded=verdict.discarded,
            policy_version=self._version,
        )
        self._publish(record, frames)
        return record
