"""Steps of the user's own, named in the task file by their import path."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from hilrt.config import Config, CustomStep
from hilrt.config.own import make_own
from hilrt.control.pipeline import Signal, Step
from hilrt.control.tick import Tick
from hilrt.errors import StepError


def load_step(declared: CustomStep, config: Config) -> Step:
    """Import a user's class and make its step.

    Raises:
        OwnCodeError: it cannot be imported or made.
        StepError: it is no step.
    """
    return OwnStep(declared, make_own("processor.steps", declared.step, config, **declared.options))


class OwnStep:
    """A user's step, held to what the config declares."""

    def __init__(self, declared: CustomStep, made: Step) -> None:
        """Raises `StepError` when `made` is no step."""
        self.name, self._step, self._size = declared.step, made, len(declared.state)
        for member in ("reads", "writes", "begin", "__call__"):
            if not hasattr(made, member):
                raise StepError(self.name, f"is no step: it has no `{member}`")
        if not all(isinstance(signal, Signal) for signal in (*made.reads, *made.writes)):
            raise StepError(self.name, "is no step: its `reads` and `writes` must hold Signals")
        for signal in (*made.reads, *made.writes):
            if signal.name not in Tick.__struct_fields__:
                raise StepError(
                    self.name, f'names "{signal.name}", which is no field of hilrt.control.tick.Tick'
                )
        self.reads: Sequence[Signal] = made.reads
        self.writes: Sequence[Signal] = made.writes

    def begin(self) -> None:
        """A new episode."""
        self._guarded(self._step.begin)

    def __call__(self, tick: Tick) -> None:
        """Do the user's work, and see that what it leaves is fit for the steps that follow."""
        before = len(tick.parts)
        shapes = {signal.name: _shape(tick, signal.name) for signal in self.writes if signal.name != "parts"}
        self._guarded(lambda: self._step(tick))
        self._check_parts(tick.parts[before:])
        for name, shape in shapes.items():
            if shape and _shape(tick, name) != shape:
                raise StepError(
                    self.name, f"left `{name}` with shape {_shape(tick, name)} instead of {shape}"
                )
            if not _finite(getattr(tick, name)):
                raise StepError(self.name, f"left `{name}` with values that are not finite")
        self._check_outcome(tick)

    def _check_outcome(self, tick: Tick) -> None:
        """A record takes plain numbers and truths, and a learner nothing that is not finite, declared or not."""
        try:
            tick.reward = float(tick.reward)
            tick.terminated, tick.truncated = bool(tick.terminated), bool(tick.truncated)
            tick.success, tick.discarded = bool(tick.success), bool(tick.discarded)
        except (TypeError, ValueError) as error:
            raise StepError(self.name, f"left an outcome that is none: {error}") from error
        if not math.isfinite(tick.reward):
            raise StepError(self.name, f"left `reward` as {tick.reward}; it must be finite")

    def _check_parts(self, parts: Sequence[npt.ArrayLike]) -> None:
        try:
            added = np.concatenate([np.zeros(0), *(np.asarray(part, float).ravel() for part in parts)])
        except (TypeError, ValueError) as error:
            raise StepError(self.name, f"added to the state what is no number: {error}") from error
        if added.size != self._size:
            problem = f"added {added.size} values to the state where the config declares {self._size} names"
            raise StepError(self.name, problem)
        if not np.isfinite(added).all():
            raise StepError(self.name, f"added {added.tolist()} to the state; all must be finite")

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (Exception, SystemExit) as error:
            raise StepError(self.name, f"failed: {type(error).__name__}: {error}") from error


def _shape(tick: Tick, name: str) -> tuple[int, ...]:
    """Of a field that holds numbers; empty where it holds none yet, or something else."""
    value = getattr(tick, name)
    return np.shape(value) if isinstance(value, np.ndarray | tuple) and np.size(value) else ()


def _finite(value: object) -> bool:
    return not isinstance(value, np.ndarray) or bool(np.isfinite(value).all())
