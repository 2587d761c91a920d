"""One leader arm on its bus, in a task of its own: it tracks or lets go as it is told, and its newest position is kept.

The control loop never waits for it. A leader that goes silent or is unplugged is brought back as soon as it is there;
nothing ends without it.
"""

import asyncio
import logging
from contextlib import suppress
from itertools import count
from time import monotonic, monotonic_ns
from typing import Self

import numpy as np

from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration, Vector
from hilrt.devices.startup import LEADER
from hilrt.errors import BusTimeoutError, HilrtError, TorqueLostError

log = logging.getLogger(__name__)

PERIOD_S = 0.02
"""Between two exchanges: a position is never older than about this."""
DEADLINE_S = 0.05
"""Of a transaction: nobody waits for it."""
SILENT_S = 0.3
"""A leader whose last position is older is away."""
TORQUE_CHECKS = 10
"""Exchanges between two looks at whether it still has its torque: its telemetry does not tell."""
RETRY_S = 1.0


class LeaderArm:
    """Tracks a goal at limited speed, from where it is, or is limp.

    Attributes:
        name: of the arm, for messages.
        sent: where it has been told to be, shape (6,) [rad]; None while it is limp.
        limp: whether its newest position is that of an arm without torque.
        trouble: why it is away; None while it is there.
    """

    def __init__(self, arm: Arm, name: str, speed: float) -> None:
        """`speed`: of each joint while it tracks [rad/s]."""
        self._arm, self.name, self._speed = arm, name, speed
        self._goal: Vector | None = None
        self._torque: bool | None = None
        """None: not known."""
        self.sent: Vector | None = None
        self.limp = False
        self.trouble: HilrtError | None = None
        self._seen: tuple[int, Vector] | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def connect(
        cls,
        port: str,
        calibration: Calibration,
        name: str,
        speed: float,
        deadline_s: float = DEADLINE_S,
        *,
        simulated_time: bool = False,
    ) -> Self:
        """Open it and apply its start-up settings; `deadline_s` is that of each transaction from then on.

        Raises:
            HilrtError: see `Arm.connect`.
        """
        arm = await Arm.connect(port, calibration, LEADER)
        arm.bus.simulated_time = simulated_time
        try:
            arm.keep_pace(deadline_s)
        except HilrtError:
            await arm.close()
            raise
        return cls(arm, name, speed)

    @property
    def position(self) -> Vector | None:
        """Newest joint angles, shape (6,) [rad]; None while it is away."""
        if self._task is not None and self._task.done():
            self._task.result()  # a task that ended did so by an error of ours
        if self._seen is None or monotonic_ns() - self._seen[0] > SILENT_S * 1e9:
            return None
        return self._seen[1]

    def track(self, goal: Vector) -> None:
        """Go to these joints, shape (6,) [rad], and stay there under torque."""
        self._goal = goal

    def let_go(self) -> None:
        """Torque off: a hand has it."""
        self._goal = None

    async def command(self, elapsed_s: float) -> None:
        """Carry out what was wanted last, as far as `elapsed_s` allows."""
        goal = self._goal
        if goal is None:
            if self._torque is not False:
                await self._arm.disable_torque()
                self._torque, self.sent = False, None
            return
        if self._torque is not True or self.sent is None:
            await self._arm.hold()
            self._torque, self.sent = True, self._arm.told
        reach = self._speed * elapsed_s
        self.sent = self.sent + np.clip(goal - self.sent, -reach, reach)
        await self._arm.write(self.sent, np.full(6, self._speed))

    async def read(self, *, torque: bool = False) -> None:
        """Take its position; with `torque` see that it has not lost its own, and hangs limp as if in a hand.

        Raises:
            TorqueLostError: it has.
        """
        reading = await self._arm.read(torque=torque)
        if self._torque and reading.limp:
            bus = self._arm.bus
            raise TorqueLostError(bus.port, {motor: bus.names[motor] for motor in reading.limp})
        self._seen, self.limp = (reading.monotonic_ns, reading.position), self._torque is False

    def start(self) -> None:
        """Command and read it from here on, in a task beside everything else."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Let it sink and close its port; idempotent."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._torque is not False:  # it may have been interrupted on the way
            with suppress(HilrtError):
                await self._arm.sink()
        self._torque = False
        await self._arm.close()

    async def _run(self) -> None:
        last, heard = monotonic(), monotonic()
        for turn in count():
            now = monotonic()
            try:
                await self.command(min(now - last, 2 * PERIOD_S))
                await self.read(torque=turn % TORQUE_CHECKS == 0)
                heard = monotonic()
            except BusTimeoutError as error:
                if monotonic() - heard > SILENT_S:
                    await self._bring_back(error)
            except HilrtError as error:
                await self._bring_back(error)
            last = now
            await asyncio.sleep(PERIOD_S)

    async def _bring_back(self, why: HilrtError) -> None:
        """Until it works; what it does meanwhile is not known."""
        log.warning("%s is away: %s", self.name, why)
        self._seen, self._torque, self.sent, self.limp = None, None, None, False
        self.trouble = why
        while self.trouble is not None:
            try:
                await self._arm.reconnect()
                await self.read()
            except HilrtError as error:
                self.trouble = error
                await asyncio.sleep(RETRY_S)
            else:
                self.trouble = None
        log.warning("%s is back", self.name)
