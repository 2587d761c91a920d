"""Between two episodes: to the start pose, the scene is put back, and rest for an arm that nobody attends to."""

import math
from collections.abc import Callable

from hilrt.config import Area, Config
from hilrt.control.cell import Cell
from hilrt.control.idle import Idle
from hilrt.control.phase import Phase
from hilrt.control.presence import Presence, PuttingBack
from hilrt.control.putback import PutBack
from hilrt.control.reset import go, stay
from hilrt.control.rest import Rest
from hilrt.control.tick import Float64
from hilrt.run.realtime import collect_garbage
from hilrt.shm.status import ControlStatus


class Interval:
    """Prepares an episode."""

    def __init__(
        self,
        config: Config,
        cell: Cell,
        presence: Presence,
        rest: Rest,
        status: ControlStatus,
        stopping: Callable[[], bool],
        told: Callable[[Float64], None],
    ) -> None:
        """`told` hears each set-point on the way, shape (arms, 6) [rad]."""
        self._cell, self._presence, self._rest, self._status = cell, presence, rest, status
        self._stopping, self._told = stopping, told
        self._put_back: PutBack | None = None
        """None where a person does it, or the simulator."""
        if possession := cell.pipelines.possession:
            self._put_back = PutBack(config, cell, possession, status, self._ends, told)
        self._minutes = config.safety.idle_min
        waits = rest.known and not config.scripted
        self.idle = Idle(60.0 * self._minutes if waits else math.inf, presence.active)

    async def prepare(self, seed: int, within: Area | None) -> Float64:
        """Have everything ready for an episode; its start pose, shape (arms, 6) [rad].

        `within`: part of the table where the simulator puts the object, or an arm that puts it back by itself.
        """
        start = self._cell.pipelines.starts.draw(seed)
        while True:
            if self.idle.over():
                await self._rest_until_wanted()
            await self._reset(start, seed, within)
            if self._stopping() or not self.idle.over():
                return start

    async def _reset(self, start: Float64, seed: int, within: Area | None) -> None:
        """Move to the start pose at limited speed, have the scene put back, settle."""
        self._status.phase = Phase.RESETTING
        collect_garbage()
        tick = await self._cell.sense()
        if self._put_back:
            done = await self._put_back.run(tick, seed, within)
            tick = await self._cell.sense()
            if done:
                await go(self._cell, start, tick, self._ends, self._told)
                return
        putting_back = PuttingBack(self._cell.scene, self._presence, self._status, tick)
        await go(self._cell, start, tick, self._ends, self._told)
        self._cell.scene.place(seed, within)
        await stay(self._cell, start, putting_back.over, self._ends, self._told)
        self._cell.notice = ""

    async def _rest_until_wanted(self) -> None:
        """Nobody is there: rest until somebody is."""
        until = f"nobody for {self._minutes:g} min: any key goes on, q stops"
        self._presence.active()
        woken = False

        def wanted() -> bool:
            nonlocal woken
            woken = woken or self._stopping() or self._presence.active()
            return woken

        await self._rest.go(until, wanted)
        while not wanted():
            await self._cell.sense()
        self._cell.remark = ""
        self.idle.stir()
        if not self._stopping():
            await self._cell.rise()

    def _ends(self) -> bool:
        return self._stopping() or self.idle.over()
