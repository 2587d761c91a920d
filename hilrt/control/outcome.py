"""Steps from an observation to what it decides about the action before it: reward, and whether the episode ends."""

from hilrt.control.pipeline import Signal, Stateless
from hilrt.control.tick import Tick
from hilrt.step.record import Mode

WISH = Signal("wish")
MODE = Signal("mode")
SUCCESS = Signal("success")
REWARD = Signal("reward")
TERMINATED = Signal("terminated")
TRUNCATED = Signal("truncated")
DISCARDED = Signal("discarded")


class Success:
    """Reward from the step on which the task is done, as the task itself, a detector or the operator says."""

    name = "success"
    reads = (Signal("task_success"), WISH)
    writes = (SUCCESS, REWARD, TERMINATED)

    def __init__(self, *, terminate: bool, worth: float = 1.0) -> None:
        """`worth`: the reward where the operator does not say so herself; hers is always 1."""
        self._terminate, self._worth = terminate, worth
        self.begin()

    def begin(self) -> None:
        """Nothing is done yet."""
        self._reward = 0.0

    def __call__(self, tick: Tick) -> None:
        if tick.wish.success:
            self._reward = 1.0
        elif tick.task_success:
            self._reward = self._reward or self._worth
        tick.success, tick.reward = self._reward > 0.0, self._reward
        tick.terminated = tick.success and self._terminate


class OperatorEvents(Stateless):
    """Failure ends the future; re-record cuts the episode, and nobody learns from it."""

    name = "operator_events"
    reads = (WISH,)
    writes = (SUCCESS, REWARD, TERMINATED, TRUNCATED, DISCARDED)

    def __call__(self, tick: Tick) -> None:
        if tick.wish.rerecord:
            tick.terminated, tick.truncated, tick.discarded = False, True, True
        elif tick.wish.failure:
            tick.terminated, tick.success, tick.reward = True, False, 0.0


class TimeLimit(Stateless):
    """N steps are N actions; the future goes on unseen."""

    name = "time_limit"
    reads = (Signal("step"), TERMINATED)
    writes = (TRUNCATED,)

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def __call__(self, tick: Tick) -> None:
        if tick.step >= self._limit and not tick.terminated:
            tick.truncated = True


class Interruption(Stateless):
    """The run is to end: half a demonstration is none, half a training episode is still worth learning from."""

    name = "interruption"
    reads = (Signal("interrupted"), MODE, TERMINATED)
    writes = (TRUNCATED, DISCARDED)

    def __call__(self, tick: Tick) -> None:
        if tick.interrupted and not tick.terminated:
            tick.truncated = True
            tick.discarded = tick.discarded or tick.mode is not Mode.TRAIN
