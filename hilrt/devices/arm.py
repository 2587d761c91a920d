"""A follower arm: six servos and their calibration, in radians."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from time import monotonic_ns
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from hilrt.config import MOTORS
from hilrt.devices.calibration import Calibration, Vector
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import MODEL_STS3215, Fault, Register
from hilrt.errors import (
    BusTimeoutError,
    CalibrationMismatchError,
    GoalError,
    MotorMissingError,
    ServoFaultError,
    SettingRefusedError,
    WrongModelError,
)

SETUP_DEADLINE_S = 0.2  # before the first tick there is time, and a late answer is no fault
HOLD_DEADLINE_S = 0.02  # nothing else waits for the bus then, and every motor should get its chance
RELEASE_SHARES = (0.6, 0.4, 0.25, 0.15, 0.08)
RELEASE_STEP_S = 0.2
AT_REST = 50  # [counts/s], about 4 deg/s: slower than this a gripper is holding, not closing

_SETTINGS = {
    Register.RETURN_DELAY_TIME: 0,
    Register.MAXIMUM_ACCELERATION: 254,
    Register.ACCELERATION: 254,
    Register.OPERATING_MODE: 0,
    Register.P_COEFFICIENT: 16,
    Register.I_COEFFICIENT: 0,
    Register.D_COEFFICIENT: 32,
}
_JOINT_SETTINGS = {Register.TORQUE_LIMIT: 1000}
_GRIPPER_SETTINGS = {
    Register.MAX_TORQUE_LIMIT: 500,
    Register.TORQUE_LIMIT: 500,
    Register.PROTECTION_CURRENT: 250,
    Register.OVERLOAD_TORQUE: 25,
}
_MULTI_TURN = 0x10  # bit of PHASE; cleared, positions stay within one turn


class ArmReading(msgspec.Struct, frozen=True):
    """What the six motors say in one transaction; all arrays (6,), in the order of `MOTORS`."""

    monotonic_ns: int
    """When the last answer was in."""
    position: Vector
    """[rad]; the gripper's like any joint's."""
    velocity: Vector
    """[rad/s]."""
    current: Vector
    """Signed [A]."""
    load: Vector
    """Share of full torque, -1..1."""
    temperature: Vector
    """[degC]."""
    voltage: Vector
    """[V]."""
    status: NDArray[np.int64]
    """`Fault` bits, of the status register and of the reply."""


class Arm:
    """One follower arm on its port.

    Calls raise `BusTimeoutError` when a motor does not answer and `BusLostError` when the port vanished;
    after the latter `reconnect` brings the arm back. `close` leaves torque as it is.
    """

    def __init__(self, bus: Bus, calibration: Calibration) -> None:
        self.bus = bus
        self.calibration = calibration
        self._ids = calibration.ids
        self._names = dict(zip(self._ids, MOTORS, strict=True))

    @classmethod
    async def connect(
        cls, port: str, calibration: Calibration, *, deadline_s: float = SETUP_DEADLINE_S
    ) -> Self:
        """Open the port, check that it is this arm, and apply its start-up settings.

        `deadline_s` holds until `bus.deadline_s` is set to what a tick can afford.

        Raises:
            PortNotFoundError, PortBusyError, PortUnusableError: see `Bus.open`.
            MotorMissingError, WrongModelError, ServoFaultError: a motor is not as it must be.
            CalibrationMismatchError: the servos hold another calibration.
            SettingRefusedError: a servo does not keep what is written.
        """
        names = dict(zip(calibration.ids, MOTORS, strict=True))
        arm = cls(await Bus.open(port, deadline_s=deadline_s, names=names), calibration)
        try:
            await arm._prepare()
        except BaseException:
            await arm.close()
            raise
        return arm

    async def reconnect(self) -> None:
        """Open the port again after it vanished; checks and settings as in `connect`."""
        await self.bus.reopen()
        await self._prepare()

    async def read(self) -> ArmReading:
        """All present values, in one transaction."""
        telemetry = await self.bus.read_telemetry(self._ids)
        now = monotonic_ns()
        rows = np.array([telemetry[motor] for motor in self._ids], np.float64).T
        position, velocity, load, voltage, temperature, status, _, current, error = rows
        return ArmReading(
            monotonic_ns=now,
            position=self.calibration.radians(position),
            velocity=self.calibration.velocities(velocity),
            current=current,
            load=load / 1000.0,
            temperature=temperature,
            voltage=voltage,
            status=status.astype(np.int64) | error.astype(np.int64),
        )

    async def write(self, goal: Vector) -> None:
        """Send joint angles (6,) [rad], kept within the calibrated ranges, in one transaction.

        Raises:
            GoalError: not six finite numbers.
        """
        if goal.shape != (6,) or not np.isfinite(goal).all():
            raise GoalError(self.bus.port, str(goal))
        counts = self.calibration.counts(goal).tolist()
        await self.bus.sync_write(Register.GOAL_POSITION, dict(zip(self._ids, counts, strict=True)))

    async def enable_torque(self) -> None:
        """Torque on where the arm is: no motor moves."""
        await self.hold()

    async def disable_torque(self) -> None:
        """Torque off; the arm falls."""
        await _each(self._ids, lambda motor: self.bus.write(motor, Register.TORQUE_ENABLE, 0))

    async def hold(self) -> None:
        """Stop where the arm is, torque on; a gripper that holds something goes on squeezing."""
        await _hold(self.bus, self._ids)

    async def close(self) -> None:
        """Close the port; idempotent."""
        await self.bus.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # start-up

    async def _prepare(self) -> None:
        await self._check_motors()
        await self._check_calibration()
        for register, value in _SETTINGS.items():
            await self._set(register, dict.fromkeys(self._ids, value))
        for register, value in _JOINT_SETTINGS.items():
            await self._set(register, dict.fromkeys(self._ids[:-1], value))
        for register, value in _GRIPPER_SETTINGS.items():
            await self._set(register, {self._ids[-1]: value})
        phases = await self.bus.sync_read(Register.PHASE, self._ids)
        await self._set(Register.PHASE, {m: v & ~_MULTI_TURN for m, v in phases.items()})

    async def _check_motors(self) -> None:
        models: dict[int, int] = {}
        for motor in self._ids:
            try:
                models[motor] = await self.bus.ping(motor)
            except BusTimeoutError:
                continue
        if missing := {m: name for m, name in self._names.items() if m not in models}:
            found = {m: name for m, name in self._names.items() if m in models}
            raise MotorMissingError(self.bus.port, missing, found, self.bus.baudrate)
        for motor, model in models.items():
            name = self._names[motor]
            if model != MODEL_STS3215:
                raise WrongModelError(self.bus.port, motor, name, model, MODEL_STS3215)
            if error := self.bus.errors[motor]:
                raise ServoFaultError(self.bus.port, motor, name, Fault.describe(error))

    async def _check_calibration(self) -> None:
        differences = []
        for field, register in (
            ("homing_offset", Register.HOMING_OFFSET),
            ("range_min", Register.MIN_POSITION_LIMIT),
            ("range_max", Register.MAX_POSITION_LIMIT),
        ):
            held = await self.bus.sync_read(register, self._ids)
            for name, entry in self.calibration.motors.items():
                wanted = getattr(entry, field)
                if held[entry.id] != wanted:
                    differences.append(f"{name} {field} is {held[entry.id]}, not {wanted}")
        if differences:
            raise CalibrationMismatchError(self.bus.port, self.calibration.path, differences)

    async def _set(self, register: Register, wanted: dict[int, int]) -> None:
        """Write what differs, and only that: EEPROM wears."""
        held = await self.bus.sync_read(register, tuple(wanted))
        changed = {motor: value for motor, value in wanted.items() if held[motor] != value}
        for motor, value in changed.items():
            await self._write_setting(motor, register, value)

    async def _write_setting(self, motor: int, register: Register, value: int) -> None:
        if register.eeprom:
            # A control setting that changes under torque could make the motor jump.
            await self.bus.write(motor, Register.TORQUE_ENABLE, 0)
            await self.bus.write(motor, Register.LOCK, 0)
        await self.bus.write(motor, register, value)
        if register.eeprom:
            await self.bus.write(motor, Register.LOCK, 1)
        if (found := await self.bus.read(motor, register)) != value:
            name = self._names[motor]
            raise SettingRefusedError(self.bus.port, motor, name, register.name, value, found)


async def hold_arm(port: str, motors: Sequence[int]) -> None:
    """Make an arm hold its pose after the program that drove it has died.

    Motors that do not answer do not keep the others from holding; the error comes at the end.

    Args:
        port: serial device.
        motors: bus ids in the order of `MOTORS`.
    """
    names = dict(zip(motors, MOTORS, strict=True))
    async with await Bus.open(port, deadline_s=HOLD_DEADLINE_S, names=names) as bus:
        await _hold(bus, motors)


async def release_arm(port: str, motors: Sequence[int]) -> None:
    """Let an arm sink after the program that drove it has died: torque down in steps, then off.

    Motors that do not answer do not keep the others from sinking; the error comes at the end.

    Args:
        port: serial device.
        motors: bus ids in the order of `MOTORS`.
    """
    names = dict(zip(motors, MOTORS, strict=True))
    async with await Bus.open(port, deadline_s=HOLD_DEADLINE_S, names=names) as bus:
        try:
            await _hold(bus, motors)
        finally:
            for share in RELEASE_SHARES:
                await bus.sync_write(Register.TORQUE_LIMIT, dict.fromkeys(motors, round(1000 * share)))
                await asyncio.sleep(RELEASE_STEP_S)
            await _each(motors, lambda motor: bus.write(motor, Register.TORQUE_ENABLE, 0))


async def _hold(bus: Bus, motors: Sequence[int]) -> None:
    await _each(motors, lambda motor: _hold_one(bus, motor, gripper=motor == motors[-1]))


async def _hold_one(bus: Bus, motor: int, *, gripper: bool) -> None:
    """Goal to where the motor is, acknowledged, and only then torque: with an old goal it would jump."""
    present = (await bus.read_telemetry([motor]))[motor]
    if not (gripper and abs(present.velocity) < AT_REST and await bus.read(motor, Register.TORQUE_ENABLE)):
        await bus.write(motor, Register.GOAL_POSITION, present.position)
        await bus.write(motor, Register.TORQUE_ENABLE, 1)


async def _each(motors: Iterable[int], action: Callable[[int], Awaitable[None]]) -> None:
    """Do something with every motor; one that does not answer does not keep the others waiting."""
    failed: BusTimeoutError | None = None
    for motor in motors:
        try:
            await action(motor)
        except BusTimeoutError as error:
            failed = failed or error
    if failed is not None:
        raise failed
