"""The goals between two ticks: the way to what a tick commands, in parts that leave one after the other.

The straight ways from tick to tick are blended into each other, so that velocity changes little by little. Each goal
goes out with the speed that its part of the way asks for: a servo neither stops between two goals nor runs ahead of
them, whatever speed it was left with.
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

BLEND_S = 0.06
"""Over so long a change of velocity is spread; goals come later by half of that, less half a part [s]."""
SWING = 0.16
"""Share of a change of velocity by which a servo swings beyond it."""
SWING_S = 0.1
"""How long that takes it [s]."""
SLOWEST = 0.1
"""Share of the joint velocity limit at which a servo may arrive, however slow its goals are: it lags behind them."""
STANDING = 1e-3
"""A way shorter than this, about half a count, goes out in one part [rad]."""
JERK_HZ = 50
"""How often the way is looked at for its jerk, or a little oftener."""


class Stream:
    """Interpolates from where the arms were last told to be; all goals lie between two that a tick has commanded."""

    def __init__(self, arms: Sequence[Arm], parts: int, period_s: float, limit: float) -> None:
        """`parts`: goals in each period; `limit`: of the joints' velocity [rad/s]."""
        self.parts = self.sent = parts
        """Of each way, and of the last one those that have gone out."""
        self.jerk: Float64 = np.zeros((0, len(arms), 6))
        """Of the last way as its goals lead along it, shape (times, arms, 6) [rad/s3]."""
        self._arms, self._limit, self._part_s = arms, limit, period_s / parts
        self._shares = np.arange(1, parts + 1)[:, None, None] / parts
        self._blend = max(1, round(BLEND_S / self._part_s))
        behind = np.arange(parts)[:, None] + self._blend - np.arange(self._blend + parts)
        self._means = ((behind >= 0) & (behind < self._blend)) / self._blend
        self._looks = max(1, round(JERK_HZ * self._part_s))
        self._goals = self._speeds = np.zeros((parts, len(arms), 6))
        self._begin_at(np.zeros((len(arms), 6)))

    @property
    def moves(self) -> bool:
        """Whether a part is left."""
        return self.sent < self.parts

    async def aim(self, goal: Float64) -> bool:
        """Take a new goal, shape (arms, 6) [rad], and send the first part of the way; whether it went out."""
        told = np.array([arm.told for arm in self._arms])
        if (told != self._told).any():  # by somebody else, or not all of the last way has gone out
            self._begin_at(told)
        self._lead(goal)
        moves = np.abs(self._goals - told).max() > STANDING
        return await self.send(1 if moves else self.parts)

    async def send(self, part: int) -> bool:
        """Send the goal at the end of this part, from 1 to `parts`; whether it went out: if not, no other will."""
        rows = zip(self._arms, self._goals[part - 1], self._speeds[part - 1], strict=True)
        try:
            await together([arm.write(goal, speed) for arm, goal, speed in rows])
        except BusLostError as error:
            log.warning("command lost: %s", error)
            self.stop()
            return False
        self.sent = part
        if part == self.parts:
            self._told = np.array([arm.told for arm in self._arms])
        return True

    def stop(self) -> None:
        """Send no further part: the arms stay at the last one."""
        self.sent = self.parts

    def _begin_at(self, told: Float64) -> None:
        """Stand there, shape (arms, 6) [rad]."""
        self._told = told
        self._path = np.repeat(told[None], self._blend, axis=0)
        self._last, self._velocities = told[None], np.zeros((2, *told.shape))
        self._trail = np.zeros_like(told)

    def _lead(self, goal: Float64) -> None:
        """Goals and speeds of the way: means of the last points of the straight one."""
        straight = self._path[-1] + (goal - self._path[-1]) * self._shares
        path = np.concatenate((self._path, straight))
        self._goals, self._path = np.tensordot(self._means, path, 1), path[-self._blend :]
        velocities = np.diff(np.concatenate((self._last, self._goals)), axis=0) / self._part_s
        self._last = self._goals[-1:]
        before = np.concatenate((self._velocities[-1:], velocities[:-1]))
        asked = np.maximum(
            np.abs(velocities), np.abs(before)
        )  # a servo lags, and arrives after its goal slows
        self._speeds = np.clip(asked, SLOWEST * self._limit, self._fastest(velocities))
        led = np.concatenate((self._velocities, velocities.repeat(self._looks, axis=0)))
        self.jerk = np.diff(led, 2, axis=0) * (self._looks / self._part_s) ** 2
        self._velocities = led[-2:]

    def _fastest(self, velocities: Float64) -> Float64:
        """Of the limit, what leaves room for the swing of a servo that starts or turns; shapes (parts, arms, 6)."""
        share, fastest = min(1.0, self._part_s / SWING_S), np.empty_like(velocities)
        for part, velocity in enumerate(velocities):
            fastest[part] = (self._limit + SWING * np.sign(velocity) * self._trail) / (1.0 + SWING)
            self._trail = self._trail + (velocity - self._trail) * share
        return fastest


async def together(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Results of calls on different buses, at the same time; one alone needs no task of its own."""
    if len(calls) == 1:
        return [await calls[0]]
    return list(await asyncio.gather(*calls))
