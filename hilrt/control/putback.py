"""The arm puts the object back by itself, at another place for each episode."""

import logging
from collections.abc import Callable

import numpy as np

from hilrt.config import Area, Config
from hilrt.config.resetcheck import EDGE
from hilrt.control.cell import Cell
from hilrt.control.possession import Possession
from hilrt.control.route import REACHED, line
from hilrt.control.tick import Float64, Tick
from hilrt.control.walk import walk
from hilrt.data.places import area_of
from hilrt.shm.status import ControlStatus

log = logging.getLogger(__name__)

CELLS = 4
"""Of the region on each side: each cell has had its turn before any has it again."""
CLEAR = 0.002
"""How much higher than it was taken an object is put down [m]."""
GRIP_S, SETTLE_S = 3.0, 0.5
"""How long a jaw may take to open or to close on something, and the arm to come to rest [s]."""
NEAR = 0.05
"""A way that ends further from its goal was barred [rad]."""
TRIES = 50
"""Places that are drawn before the operator is called."""


class Cover:
    """Draws places that cover a region sooner than chance would."""

    def __init__(self, low: Float64, high: Float64, seed: int) -> None:
        """`low`, `high`: corners, shape (2,) [m]."""
        self._low, self._size = low, (high - low) / CELLS
        self._rng = np.random.default_rng((seed, 2))
        self._cells: list[int] = []

    def draw(self) -> Float64:
        """The next place, shape (2,) [m]."""
        if not self._cells:
            self._cells = self._rng.permutation(CELLS * CELLS).tolist()
        corner = np.array(divmod(self._cells.pop(), CELLS))
        place: Float64 = self._low + (corner + self._rng.random(2)) * self._size
        return place


class PutBack:
    """Carries what the gripper holds to another place; what it does not hold it takes up where it last let go of it."""

    def __init__(
        self,
        config: Config,
        cell: Cell,
        possession: Possession,
        status: ControlStatus,
        stopping: Callable[[], bool],
        told: Callable[[Float64], None],
    ) -> None:
        """`told` hears each set-point on the way, shape (1, 6) [rad]."""
        self._cell, self._possession, self._status = cell, possession, status
        self._stopping, self._told = stopping, told
        pipelines = cell.pipelines
        self._kinematics, self._limits, self._sag = pipelines.kinematics[0], pipelines.limits, pipelines.sag
        self._area = area_of(config)
        box = config.bounds(next(iter(config.sides)))
        assert box is not None  # the cross-check has seen to it
        self._low, self._high = np.array(box.min[:2]) + EDGE, np.array(box.max[:2]) - EDGE
        self._cover = Cover(*self._inside(self._area), config.seed)
        self._rng = np.random.default_rng((config.seed, 3))
        self._fps = config.env.fps

    async def run(self, tick: Tick, within: Area | None) -> bool:
        """Whether the object lies at another place now; if not, somebody has been called to put it anywhere.

        `within`: part of the area that is wanted; None: all of it.

        Raises:
            what `Cell.sense` raises.
        """
        status, before = self._status, self._status.ticks
        self._cell.remark = "the arm puts the object back"
        self._possession(tick)
        done = (self._possession.held or await self._take(tick)) and await self._carry(tick, within)
        status.reset_ticks += status.ticks - before
        self._cell.remark = ""
        if done:
            status.self_resets += 1
        elif not self._stopping():
            self._call()
        return done

    def _call(self) -> None:
        self._possession.forget()
        self._status.calls += 1
        self._cell.remark = (
            "put the object back, anywhere in the box, then press Enter: the arm does not know where it is"
        )
        log.info("the arm does not know where the object is: the operator is called")

    async def _take(self, tick: Tick) -> bool:
        """Take the object up where it was let go, if it lies there still."""
        place, height = self._possession.place, self._possession.height
        if place is None or height is None:
            return False
        above = self._at(np.array([*place, height]))
        if above is None or not await self._go(self._gripping(above, wide=True), tick):
            return False
        await self._grip(wide=False, until=lambda: self._possession.held)
        return self._possession.held

    async def _carry(self, tick: Tick, within: Area | None) -> bool:
        """To a drawn place, let it go there, and straight up."""
        height = self._possession.height
        assert height is not None, "what is held was taken somewhere"
        down = self._drawn(height + CLEAR, within)
        if down is None or not await self._go(down, tick) or not self._possession.held:
            return False
        wide = self._gripping(down, wide=True)[0, 5]
        await self._grip(wide=True, until=lambda: self._open(wide))
        log.info("the arm has put the object down at x = %.3f m, y = %.3f m", *self._possession.place or ())
        return self._possession.place is not None

    def _drawn(self, height: float, within: Area | None) -> Float64 | None:
        part = within is not None and within != self._area
        for _ in range(TRIES):
            place = self._rng.uniform(*self._inside(within)) if within and part else self._cover.draw()
            joints = self._at(np.array([*place, height]))
            if joints is not None:
                return joints
        return None

    def _inside(self, area: Area) -> tuple[Float64, Float64]:
        """Corners of what is far enough inside the box of it."""
        return np.clip(area.min, self._low, self._high), np.clip(area.max, self._low, self._high)

    def _at(self, place: Float64) -> Float64 | None:
        """Where to tell the arm to be so that it hangs at a place, shape (1, 6) [rad]; None: it cannot be there."""
        told, wanted = self._cell.told[0], place.copy()
        for _ in range(2):
            *_, joints = told, *line(self._kinematics, told, wanted)
            if np.linalg.norm(self._kinematics.forward(joints)[:3, 3] - wanted) > REACHED:
                return None
            wanted += place - self._kinematics.forward(self._sag.under(0, joints))[:3, 3]
        return joints[None] if self._cell.pipelines.free(0, joints) else None

    def _gripping(self, joints: Float64, *, wide: bool) -> Float64:
        """The same with the gripper as it is at the start of an episode, or shut, shape (1, 6) [rad]."""
        joints = joints.copy()
        joints[:, 5] = self._cell.pipelines.home[:, 5] if wide else -np.inf * self._limits.opening_step
        return self._limits.clip(joints)

    async def _go(self, goal: Float64, tick: Tick) -> bool:
        """By way of a lift, and wait for rest there; whether nothing was in the way."""
        await walk(self._cell, self._cell.pipelines.lift, goal, tick, self._stopping, self._told)
        if np.abs(self._cell.told - goal)[:, :5].max() > NEAR:
            return False
        for _ in range(round(SETTLE_S * self._fps)):
            await self._cell.command(goal)
            await self._sense()
        return True

    async def _grip(self, *, wide: bool, until: Callable[[], bool]) -> None:
        """Open or shut until it is so, or until a gripper has had time for it."""
        goal = self._gripping(self._cell.told, wide=wide)
        for _ in range(round(GRIP_S * self._fps)):
            await self._cell.command(goal)
            await self._sense()
            if until() or self._stopping():
                return

    def _open(self, wide: float) -> bool:
        return abs(self._cell.told[0, 5] - wide) < REACHED and not self._possession.held

    async def _sense(self) -> None:
        self._possession(await self._cell.sense())
