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
UP = 0.05
"""By how much it is raised before it goes anywhere, and the empty gripper behind it [m]."""
WIDER = 0.25
"""Of its range: by how much a gripper opens that lets go, at least."""
OF_PLACE = 3
"""Which of the random numbers of an episode's seed draw the place in a cell."""
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
        self._cover: Cover | None = None
        self._fps = config.env.fps

    async def run(self, tick: Tick, seed: int, within: Area | None) -> bool:
        """Whether the object lies at another place now; if not, somebody has been called to put it there.

        Args:
            tick: the newest.
            seed: of the episode to come.
            within: part of the area that is wanted; None: all of it.

        Raises:
            what `Cell.sense` raises.
        """
        status, before = self._status, self._status.ticks
        self._cell.notice = "the arm puts the object back"
        self._see(tick)
        done = (self._possession.held or await self._take(tick)) and await self._carry(tick, seed, within)
        status.reset_ticks += status.ticks - before
        self._cell.notice = ""
        if done:
            status.self_resets += 1
        elif not self._stopping():
            self._call()
        return done

    def _call(self) -> None:
        self._possession.forget()
        self._status.calls += 1
        where = self._status.put or "put the object back"
        self._cell.notice = f"{where}, then Enter: the arm does not know where it is"
        log.info("the arm does not know where the object is: the operator is called")

    async def _take(self, tick: Tick) -> bool:
        """Take the object up where it was let go, if it lies there still."""
        place, height = self._possession.place, self._possession.height
        if place is None or height is None:
            return False
        there = self._at(np.array([*place, height]))
        if there is None or not await self._grip(self._wide()):
            return False
        there[:, 5] = self._wide()
        if not await self._go(there, tick):
            return False
        await self._grip(-np.inf * self._limits.opening_step, until=lambda: self._possession.held)
        return self._possession.held

    async def _carry(self, tick: Tick, seed: int, within: Area | None) -> bool:
        """To a drawn place, or back where it was, if that is barred; let it go there, and straight up."""
        height = self._possession.height
        assert height is not None, "what is held was taken somewhere"
        x, y, z = self._tool()
        here, up = self._at(np.array([x, y, height + CLEAR])), self._at(np.array([x, y, max(z, height + UP)]))
        if up is not None:
            await self._go(up, tick)
        there = self._drawn(seed, height + CLEAR, within)
        if there is None or not await self._go(there, tick):
            there = here if here is not None and await self._go(here, tick) else None
        if there is None or not self._possession.held:
            return False
        await self._grip(self._wide())
        if self._possession.place is None:
            return False
        log.info("the arm has put the object down at x = %.3f m, y = %.3f m", *self._possession.place)
        x, y, z = self._tool()
        if (up := self._at(np.array([x, y, z + UP]))) is not None:
            await self._go(up, tick)
        return True

    def _drawn(self, seed: int, height: float, within: Area | None) -> Float64 | None:
        self._cover = self._cover or Cover(*self._inside(self._area), seed)
        rng = np.random.default_rng((seed, OF_PLACE))
        part = within if within and within != self._area else None
        for _ in range(TRIES):
            place = rng.uniform(*self._inside(part)) if part else self._cover.draw()
            if (joints := self._at(np.array([*place, height]))) is not None:
                return joints
        return None

    def _inside(self, area: Area) -> tuple[Float64, Float64]:
        """Corners of what is far enough inside the box of it."""
        return np.clip(area.min, self._low, self._high), np.clip(area.max, self._low, self._high)

    def _tool(self) -> list[float]:
        """Where the end effector hangs that is told to be where it is, x, y, z [m]."""
        place: list[float] = self._kinematics.forward(self._sag.under(0, self._cell.told[0]))[:3, 3].tolist()
        return place

    def _at(self, place: Float64) -> Float64 | None:
        """Where to tell the arm to be so that it hangs at a place, shape (1, 6) [rad]; None: it cannot be there."""
        told, wanted = self._cell.told[0], place.copy()
        for _ in range(2):
            *_, joints = told, *line(self._kinematics, told, wanted)
            if np.linalg.norm(self._kinematics.forward(joints)[:3, 3] - wanted) > REACHED:
                return None
            wanted += place - self._kinematics.forward(self._sag.under(0, joints))[:3, 3]
        return joints[None] if self._cell.pipelines.free(0, joints) else None

    def _wide(self) -> float:
        """A gripper that lets go of what it had, and that of the start pose is no narrower [rad]."""
        home = self._limits.opening(self._cell.pipelines.home)[0]
        return float(self._limits.at_opening(max(home, min(1.0, self._possession.opening + WIDER)))[0])

    async def _go(self, goal: Float64, tick: Tick) -> bool:
        """By way of a lift, and wait for rest there; whether the arm is there."""
        await walk(self._cell, self._cell.pipelines.lift, goal, tick, self._stopping, self._told)
        if np.abs(self._cell.told - goal)[:, :5].max() > NEAR:
            return False
        return await self._hold(goal, SETTLE_S)

    async def _grip(self, gripper: float, until: Callable[[], bool] | None = None) -> bool:
        """Move the gripper there [rad], or until it is so, or for as long as it may take; whether the arm stayed."""
        goal = self._cell.told.copy()
        goal[:, 5] = gripper
        goal = self._limits.clip(goal)
        there = float(goal[0, 5])
        told = until or (lambda: abs(self._cell.told[0, 5] - there) < REACHED)
        return await self._hold(goal, GRIP_S, told) and await self._hold(goal, SETTLE_S)

    async def _hold(self, goal: Float64, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Tell the arm to be there for so long, or until it is so; whether it is there.

        An arm that was away, or eased, is told nothing more: it is not where it was.
        """
        for _ in range(max(1, round(seconds * self._fps))):
            tick = await self._cell.sense()
            self._see(tick)
            if tick.cut or self._stopping():
                return False
            if not (tick.blind or tick.unguarded):
                await self._cell.command(goal)
            if until():
                break
        return self._cell.stand.at(goal, tick.joints)

    def _see(self, tick: Tick) -> None:
        if not tick.blind:
            self._possession(tick)
