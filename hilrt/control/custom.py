"""Steps of the user's own, named in the task file by their import path."""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hilrt.config import Config, CustomStep
from hilrt.control.pipeline import Signal, Step
from hilrt.control.tick import Tick
from hilrt.errors import StepError


def load_step(declared: CustomStep, config: Config) -> Step:
    """Import a user's class and make its step.

    Raises:
        StepError: it cannot be imported or made, or is no step.
    """
    module, _, name = declared.step.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        made = getattr(importlib.import_module(module), name)(config, **declared.options)
    except Exception as error:  # whatever the user's code does
        raise StepError(declared.step, f"cannot be made: {type(error).__name__}: {error}") from error
    return OwnStep(declared, made)


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
        self.reads: Sequence[Signal] = made.reads
        self.writes: Sequence[Signal] = made.writes

    def begin(self) -> None:
        """A new episode."""
        self._guarded(self._step.begin)

    def __call__(self, tick: Tick) -> None:
        """Do the user's work, and see that the state got what was declared."""
        before = len(tick.parts)
        self._guarded(lambda: self._step(tick))
        added = [float(value) for part in tick.parts[before:] for value in np.ravel(part)]
        if len(added) != self._size:
            problem = f"added {len(added)} values to the state where the config declares {self._size} names"
            raise StepError(self.name, problem)
        if not np.isfinite(added).all():
            raise StepError(self.name, f"added {added} to the state; all must be finite")

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            raise StepError(self.name, f"failed: {type(error).__name__}: {error}") from error
