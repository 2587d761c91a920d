"""Rest: the way to `safety.park_pose`, and the arm there."""

import logging
from collections.abc import Callable
from types import TracebackType

from hilrt.config import Config
from hilrt.control.cell import Cell
from hilrt.control.ending import Ending
from hilrt.control.phase import Phase
from hilrt.control.reset import go
from hilrt.control.tick import Float64
from hilrt.errors import (
    ArmBlockedError,
    ArmLostError,
    CollisionError,
    HilrtError,
    OvercurrentError,
    OverheatError,
    ReplayBlockedError,
    ServoFaultError,
    SimulatorGoneError,
    VoltageError,
)
from hilrt.shm.status import ControlStatus

log = logging.getLogger(__name__)

STAYS = (
    ArmBlockedError,
    ArmLostError,
    CollisionError,
    OvercurrentError,
    OverheatError,
    ReplayBlockedError,
    ServoFaultError,
    SimulatorGoneError,
    VoltageError,
)
"""After these an arm holds where it is: something is in its way, a servo must not go on, or it does not answer."""


class Rest:
    """Takes the arms to rest, and back under torque."""

    def __init__(
        self,
        config: Config,
        cell: Cell,
        status: ControlStatus,
        ending: Ending,
        told: Callable[[Float64], None],
    ) -> None:
        """`told` hears each set-point on the way, shape (arms, 6) [rad]."""
        self._cell, self._status, self._ending, self._told = cell, status, ending, told
        self._pose = cell.pipelines.park
        self._lets_go = config.safety.park_torque == "release"

    @property
    def known(self) -> bool:
        """Whether there is a pose to rest at."""
        return self._pose is not None

    async def go(self, remark: str, stopping: Callable[[], bool]) -> bool:
        """Take the arms there by way of a lift, and let them go where that is wanted; whether they got there.

        Raises:
            CollisionError, ArmBlockedError, and what `Cell.sense` raises.
        """
        assert self._pose is not None
        self._status.phase, self._cell.remark = Phase.PARKING, remark
        tick = await self._cell.sense()
        await go(self._cell, self._pose, tick, stopping, self._told, self._cell.pipelines.lift)
        if stopping():
            return False
        await self._cell.settle(lets_go=self._lets_go)
        self._status.phase = Phase.PARKED
        return True

    async def at_end(
        self,
        kind: type[BaseException] | None,  # noqa: ARG002 - as contextlib calls it
        error: BaseException | None,
        trace: TracebackType | None,  # noqa: ARG002 - likewise
    ) -> None:
        """The last thing that moves in a run, however that ended; where it cannot, the arms hold."""
        able = error is None or (isinstance(error, HilrtError) and not isinstance(error, STAYS))
        if not self.known or not able or self._cell.resting:
            return
        self._ending.rest()
        self._cell.needs_cameras = False
        try:
            there = await self.go("to its park pose; q or Ctrl-C stops it on the way", self._ending.halted)
        except HilrtError as trouble:
            log.warning("the arm is not at its park pose, and holds: %s", trouble)
            self._status.message = f"the arm is not at its park pose, and holds: {trouble}"
        else:
            self._status.message = (
                "" if there else "the arm was stopped on the way to its park pose, and holds"
            )
