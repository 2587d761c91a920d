"""Whether an arm may go on: how warm its servos are, what they draw, how they are supplied, what they report."""

from typing import Self

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from hilrt.config import MOTORS, Config, Safety
from hilrt.control.tick import Float64
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import LATCHED, Fault
from hilrt.errors import GripOverloadError, OvercurrentError, OverheatError, ServoFaultError, VoltageError

PATIENCE = 3
"""Readings in a row; fewer may be a disturbance on the wire."""
OVERCURRENT_S = 1.0
"""Starting and stopping draw more for an instant."""
SUPPLY_SHARE = 0.8
"""Of the supply that a run begins with: below that it is too weak, whether it is one of 5, 7.4 or 12 V."""
MAX_CURRENT_A = 2.0
"""Three quarters of what a stalled STS3215 draws at 12 V."""
CLEARED = 3
"""How often in a row an overload of the gripper is cleared, if it is there again at once."""
AMPERE_PER_VOLT = 0.3
"""The same at a low supply: at 5 V it stalls with 1.6 A."""


class Limits(Struct, frozen=True):
    """What servos may be like."""

    max_temperature_c: float
    max_current_a: float
    min_voltage_v: float
    max_voltage_v: float

    @classmethod
    def of(cls, safety: Safety, supply_v: float) -> Self:
        """Those of a task file; what it leaves open follows the supply."""
        low, most = safety.min_voltage_v, safety.max_current_a
        return cls(
            max_temperature_c=safety.max_temperature_c,
            max_current_a=min(MAX_CURRENT_A, AMPERE_PER_VOLT * supply_v) if most is None else most,
            min_voltage_v=SUPPLY_SHARE * supply_v if low is None else low,
            max_voltage_v=safety.max_voltage_v,
        )

    def require(self, name: str, temperature_c: float, voltage_v: float) -> None:
        """Look at one servo.

        Raises:
            OverheatError, VoltageError.
        """
        if temperature_c > self.max_temperature_c:
            raise OverheatError(name, temperature_c, self.max_temperature_c)
        if not self.min_voltage_v <= voltage_v <= self.max_voltage_v:
            raise VoltageError(name, voltage_v, self.min_voltage_v, self.max_voltage_v)


class Streak:
    """Readings in a row on which something was wrong, for each motor."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = np.zeros(6, np.int64)

    def worst(self, wrong: npt.NDArray[np.bool_]) -> int | None:
        """Take in a reading, shape (6,); the motor for which the limit is reached, if there is one.

        All count anew then: what is done about one motor is done about those that push against the same thing.
        """
        self._count = np.where(wrong, self._count + 1, 0)
        motor = int(np.argmax(self._count))
        if self._count[motor] < self._limit:
            return None
        self._count[:] = 0
        return motor


class Health:
    """Refuses to go on with an arm that is being damaged, or that no longer does what it is told."""

    def __init__(self, config: Config, calibration: Calibration, port: str) -> None:
        self._safety = config.safety
        self._ids, self._port = calibration.ids, port
        self._limits: Limits | None = None
        self._hot, self._supply, self._faulty = Streak(PATIENCE), Streak(PATIENCE), Streak(PATIENCE)
        self._cleared = 0
        self._overcurrent = Streak(max(PATIENCE, round(OVERCURRENT_S * config.env.fps)))

    def check(self, reading: ArmReading) -> None:
        """Look at one reading; the first one tells the supply.

        Raises:
            OverheatError, VoltageError: a servo is too hot, or its supply out of range, for the third time in a row.
            OvercurrentError: a servo has drawn too much for a second.
            GripOverloadError: the gripper's does, and it is an overload, which can be cleared.
            ServoFaultError: a servo reports a fault for the third time in a row; with an overload it is limp.
        """
        if self._limits is None:
            self._limits = Limits.of(self._safety, float(np.median(reading.voltage)))
        limits, heat, volts = self._limits, reading.temperature, reading.voltage
        amperes: Float64 = np.abs(reading.current)
        hot = self._hot.worst(heat > limits.max_temperature_c)
        strange = self._supply.worst((volts < limits.min_voltage_v) | (volts > limits.max_voltage_v))
        for motor in (hot, strange):
            if motor is not None:
                limits.require(MOTORS[motor], float(heat[motor]), float(volts[motor]))
        if (motor := self._overcurrent.worst(amperes > limits.max_current_a)) is not None:
            raise OvercurrentError(MOTORS[motor], float(amperes[motor]), limits.max_current_a)
        if reading.status[-1] == 0:
            self._cleared = 0
        if (motor := self._faulty.worst(reading.status != 0)) is not None:
            self._refuse(motor, Fault(int(reading.status[motor])))

    def _refuse(self, motor: int, faults: Fault) -> None:
        """A gripper that squeezed too hard may be told anew, and again; nothing else may."""
        if MOTORS[motor] == "gripper" and faults in LATCHED and self._cleared < CLEARED:
            self._cleared += 1
            raise GripOverloadError
        raise ServoFaultError(self._port, self._ids[motor], MOTORS[motor], Fault.describe(faults))
