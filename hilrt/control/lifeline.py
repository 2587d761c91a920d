"""One arm's connection: ticks that miss it, how it is brought back, and when there is no more waiting for it."""

import asyncio
import logging
from time import monotonic

from hilrt.devices.arm import Arm, ArmReading
from hilrt.errors import (
    ArmLostError,
    BusLostError,
    BusTimeoutError,
    HilrtError,
    MotorMissingError,
    PortBusyError,
    PortHungError,
    PortNotFoundError,
    PortUnusableError,
    TorqueLostError,
)

log = logging.getLogger(__name__)

BUS_ERRORS = (BusTimeoutError, BusLostError)
PASSING = (*BUS_ERRORS, PortNotFoundError, PortBusyError, PortHungError, PortUnusableError, MotorMissingError)
"""What may be cured by waiting: somebody plugs the cable in again, the kernel sets up the port, servos start up."""
SILENT_S = 0.5
"""After so long a silence the port is opened anew; after its loss at once."""
RETRY_S = 1.0
AWAY_S = 30.0
"""How long an arm may be away before the run ends."""
TOLD_S = 10.0
"""How long the screen says that it is back."""


class Lifeline:
    """Reads an arm once a tick, and brings it back when it was away: held where it then is, its settings checked.

    It is away when its port is gone, when a motor says nothing for `SILENT_S`, and when one has lost its torque.
    Meanwhile the loop ticks on, and the motors that have power keep their last goals.
    """

    def __init__(self, arm: Arm, name: str) -> None:
        """`name`: of the arm, for messages."""
        self._arm, self._name = arm, name
        self._heard = monotonic()
        self._told_until = 0.0
        self._trouble: HilrtError | None = None
        self._rescue: asyncio.Task[None] | None = None
        self._back = False

    @property
    def text(self) -> str:
        """What the operator should know; empty when all is well."""
        if self._rescue is not None:
            return f"{self._name} away for {monotonic() - self._heard:.0f} s, reconnecting: {self._trouble}"
        return f"{self._name} is back; the episode was cut" if monotonic() < self._told_until else ""

    async def read(self, *, torque: bool = False) -> ArmReading | None:
        """One reading; None on a tick without.

        With `torque` it finds a motor that was without power for an instant: it answers as ever, but torque and goal
        are lost.

        Raises:
            ArmLostError: it has been away for `AWAY_S`.
            WrongModelError, CalibrationMismatchError, ServoFaultError, SettingRefusedError, AdapterTooSlowError: it
                came back as it must not be.
        """
        if self._rescue is not None and not self._rescued(self._rescue):
            return None
        try:
            reading = await self._arm.read(torque=torque)
        except BUS_ERRORS as error:
            log.warning("tick without telemetry: %s", error)
            if isinstance(error, BusLostError) or monotonic() - self._heard > SILENT_S:
                self._bring_back(error)
            return None
        self._heard = monotonic()
        if reading.limp:
            bus = self._arm.bus
            self._bring_back(TorqueLostError(bus.port, {motor: bus.names[motor] for motor in reading.limp}))
            return None
        return reading

    def take_return(self) -> bool:
        """Whether the arm has been away and is back, since last asked; it is not where it was told to be."""
        back, self._back = self._back, False
        return back

    def close(self) -> None:
        """Stop trying; may be called again."""
        if self._rescue is not None:
            self._rescue.cancel()

    def _bring_back(self, why: HilrtError) -> None:
        log.error("%s is away: %s", self._name, why)
        self._trouble = why
        self._rescue = asyncio.create_task(self._reconnect())

    def _rescued(self, rescue: asyncio.Task[None]) -> bool:
        if not rescue.done():
            return False
        rescue.result()
        log.warning("%s is back after %.1f s", self._name, monotonic() - self._heard)
        self._rescue, self._back = None, True
        self._heard, self._told_until = monotonic(), monotonic() + TOLD_S
        return True

    async def _reconnect(self) -> None:
        """Beside the ticks, until it works."""
        while True:
            try:
                await self._arm.reconnect()
                await self._arm.hold()
            except PASSING as error:
                self._trouble = error
            else:
                return
            if monotonic() - self._heard > AWAY_S:
                raise ArmLostError(self._name, AWAY_S, self._trouble)
            await asyncio.sleep(RETRY_S)
