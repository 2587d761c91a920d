"""What the loop works at: arms with cameras, or somebody's environment."""

from collections.abc import Callable
from typing import Protocol

from hilrt.config import Area, Vec2
from hilrt.control.idle import Idle
from hilrt.control.judge import Judge
from hilrt.control.pipeline import Pipeline
from hilrt.control.tick import Float64, Tick
from hilrt.devices.operator import Command, Scene
from hilrt.step.record import Mode


class Pipelines(Protocol):
    """What a tick goes through."""

    judge: Judge | None
    outcome: Pipeline
    action: Pipeline

    def begin(self, start: Float64 | None = None) -> None:
        """A new episode, of arms from where they start."""
        ...


class Workplace(Protocol):
    """Where ticks come from, and where actions go."""

    remark: str

    @property
    def pipelines(self) -> Pipelines:
        """What a tick goes through."""
        ...

    async def sense(self, step: int = 0, mode: Mode = Mode.TRAIN) -> Tick:
        """Wait for the next tick, and observe."""
        ...

    async def act(self, tick: Tick) -> None:
        """Carry out what the action pipeline has made of the tick."""
        ...

    def seen(self, tick: Tick, autonomous_rate: float) -> Scene:
        """What a person there sees."""
        ...

    def spot(self, tick: Tick) -> Vec2 | None:
        """x, y of the object, as far as this tick tells, base frame of the only arm [m]."""
        ...

    def told_by(self, joints: Float64) -> Command:
        """Goals of arms, shape (arms, 6) [rad], as an operator's devices take them."""
        ...


class Between(Protocol):
    """The time between two episodes."""

    idle: Idle

    async def prepare(self, seed: int, within: Area | None) -> Float64 | None:
        """Have everything ready for an episode; where arms start."""
        ...


MakeBetween = Callable[[Callable[[], bool], Callable[[Float64], None]], Between]
"""Takes whether the run is stopping, and who hears of set-points on the way to a start pose."""
