"""The goals between two ticks: the way to what a tick commands, in parts that leave one after the other.

Each goal goes out with the speed that its part of the way asks for, so that a servo neither stops between two goals nor
runs ahead of them, whatever speed it was left with.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import numpy as np

from hilrt.control.tick import Float64
from hilrt.devices.arm import Arm
from hilrt.errors import BusLostError

log = logging.getLogger(__name__)

T = TypeVar("T")

SLOWEST = 0.1
"""Share of the joint velocity limit at which a servo may arrive, however slow its goals are: it lags behind them."""
SWING = 0.16
"""Share of a change of velocity by which a servo swings beyond it."""
SWING_S = 0.1
"""How long that takes it [s]."""
STANDING = 1e-3
"""A way shorter than this, about half a count, goes out in one part [rad]."""


class Stream:
    """Interpolates from where the arms were last told to be, at constant velocity over one period."""

    def __init__(self, arms: Sequence[Arm], parts: int, period_s: float, limit: float) -> None:
        """`parts`: goals in each period; `limit`: of the joints' velocity [rad/s]."""
        self.parts = self.sent = parts
        """Of each way, and of the last one those that have gone out."""
        self._arms, self._period_s, self._limit = arms, period_s, limit
        self._start = self._way = self._velocity = self._speed = self._trail = np.zeros((len(arms), 6))

    @property
    def moves(self) -> bool:
        """Whether a part is left."""
        return self.sent < self.parts

    async def aim(self, goal: Float64) -> bool:
        """Take a new goal, shape (arms, 6) [rad], and send the first part of the way; whether it went out."""
        self._start = np.array([arm.told for arm in self._arms])
        self._way = goal - self._start
        velocity, toward = np.abs(self._way) / self._period_s, np.sign(self._way)
        # A servo that starts or turns back swings: asked for the limit at once, it would exceed it.
        fastest = (self._limit + SWING * toward * self._trail) / (1.0 + SWING)
        # A servo lags: it may go on at the speed of the last way until it is there.
        self._speed = np.clip(np.maximum(velocity, self._velocity), SLOWEST * self._limit, fastest)
        self._trail = self._trail + (toward * self._speed - self._trail) * min(1.0, self._period_s / SWING_S)
        self._velocity = velocity
        return await self.send(1 if np.abs(self._way).max() > STANDING else self.parts)

    async def send(self, part: int) -> bool:
        """Send the goal at the end of this part, from 1 to `parts`; whether it went out: if not, no other will."""
        goals = self._start + self._way * (part / self.parts)
        rows = zip(self._arms, goals, self._speed, strict=True)
        try:
            await together([arm.write(goal, speed) for arm, goal, speed in rows])
        except BusLostError as error:
            log.warning("command lost: %s", error)
            self.stop()
            return False
        self.sent = part
        return True

    def stop(self) -> None:
        """Send no further part: the arms stay at the last one."""
        self.sent = self.parts


async def together(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Results of calls on different buses, at the same time; one alone needs no task of its own."""
    if len(calls) == 1:
        return [await calls[0]]
    return list(await asyncio.gather(*calls))
