"""A pipeline is a list of small steps; each reads some of a tick and writes some, and says which."""

from collections.abc import Mapping, Sequence
from time import perf_counter_ns
from typing import NamedTuple, Protocol

from hilrt.control.tick import Tick


class Signal(NamedTuple):
    """A field of the tick: its shape by numbers or by names such as "arms", and its unit."""

    name: str
    shape: tuple[int | str, ...] = ()
    unit: str = ""

    def text(self, sizes: Mapping[str, int]) -> str:
        """As in `joints (1, 6) [rad]`."""
        shape = ", ".join(str(sizes.get(n, n) if isinstance(n, str) else n) for n in self.shape)
        if len(self.shape) == 1:
            shape += ","
        parts = [self.name, f"({shape})" if self.shape else "", f"[{self.unit}]" if self.unit else ""]
        return " ".join(part for part in parts if part)


class Step(Protocol):
    """One step; a user's own class may be one too."""

    @property
    def name(self) -> str:
        """How the step is called in tables and task files."""
        ...

    @property
    def reads(self) -> Sequence[Signal]:
        """Fields of the tick that it needs."""
        ...

    @property
    def writes(self) -> Sequence[Signal]:
        """Fields of the tick that it sets; `parts` for what it adds to the state."""
        ...

    def begin(self) -> None:
        """A new episode: forget the last one."""
        ...

    def __call__(self, tick: Tick) -> None:
        """Do the work of one tick; never wait."""
        ...


class Stateless:
    """A step that has nothing to forget."""

    def begin(self) -> None:
        """Nothing is remembered."""


class Pipeline:
    """Runs its steps in order and keeps the time of each."""

    def __init__(self, name: str, steps: Sequence[Step]) -> None:
        self.name = name
        self.steps = tuple(steps)
        self._ns = [0] * len(self.steps)
        self._runs = 0

    def begin(self) -> None:
        """A new episode."""
        for step in self.steps:
            step.begin()

    def run(self, tick: Tick) -> None:
        """One tick through all steps."""
        before = perf_counter_ns()
        for i, step in enumerate(self.steps):
            step(tick)
            now = perf_counter_ns()
            self._ns[i] += now - before
            before = now
        self._runs += 1

    def take_times_us(self) -> dict[str, float]:
        """Mean time of each step since last asked [us]."""
        runs, self._runs = max(1, self._runs), 0
        times = {step.name: round(ns / runs / 1e3, 1) for step, ns in zip(self.steps, self._ns, strict=True)}
        self._ns = [0] * len(self.steps)
        return times
