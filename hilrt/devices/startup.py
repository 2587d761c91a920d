"""Taking an arm into service: are these its motors, is this its calibration, are they set as they should be?"""

from collections.abc import Mapping

import msgspec

from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import MODEL_STS3215, Fault, Register
from hilrt.errors import (
    BusTimeoutError,
    CalibrationMismatchError,
    MotorMissingError,
    ServoFaultError,
    SettingRefusedError,
    WrongModelError,
)


class Settings(msgspec.Struct, frozen=True):
    """Registers of the motors at start-up; what is not named stays as it is."""

    every: Mapping[Register, int]
    joints: Mapping[Register, int]
    """Of all but the gripper."""
    gripper: Mapping[Register, int]


_COMMON = {
    Register.RETURN_DELAY_TIME: 0,
    Register.MAXIMUM_ACCELERATION: 254,
    Register.ACCELERATION: 254,
    Register.OPERATING_MODE: 0,
    Register.P_COEFFICIENT: 16,
    Register.I_COEFFICIENT: 0,
}
FOLLOWER = Settings(
    every={**_COMMON, Register.D_COEFFICIENT: 32},
    joints={Register.TORQUE_LIMIT: 1000},
    gripper={
        Register.MAX_TORQUE_LIMIT: 500,
        Register.TORQUE_LIMIT: 500,
        Register.PROTECTION_CURRENT: 250,
        Register.OVERLOAD_TORQUE: 25,
    },
)
LEADER = Settings(
    every={**_COMMON, Register.D_COEFFICIENT: 16},  # lighter gearing has less to damp
    joints={Register.TORQUE_LIMIT: 1000},
    gripper={Register.TORQUE_LIMIT: 500},  # a finger is in it
)
_MULTI_TURN = 0x10  # bit of PHASE; cleared, positions stay within one turn


async def prepare(bus: Bus, calibration: Calibration, settings: Settings) -> None:
    """Check the motors and their calibration, then write what differs from `settings`, and only that: EEPROM wears.

    Raises:
        MotorMissingError, WrongModelError, ServoFaultError: a motor is not as it must be.
        CalibrationMismatchError: the servos hold another calibration.
        SettingRefusedError: a servo does not keep what is written.
    """
    await _check_motors(bus, calibration)
    await _check_calibration(bus, calibration)
    ids = calibration.ids
    for motors, values in (
        (ids, settings.every),
        (ids[:-1], settings.joints),
        (ids[-1:], settings.gripper),
    ):
        for register, value in values.items():
            await _set(bus, register, dict.fromkeys(motors, value))
    phases = await bus.sync_read(Register.PHASE, ids)
    await _set(bus, Register.PHASE, {motor: phase & ~_MULTI_TURN for motor, phase in phases.items()})


async def _check_motors(bus: Bus, calibration: Calibration) -> None:
    models: dict[int, int] = {}
    for motor in calibration.ids:
        try:
            models[motor] = await bus.ping(motor)
        except BusTimeoutError:
            continue
    if missing := {m: name for m, name in bus.names.items() if m not in models}:
        found = {m: name for m, name in bus.names.items() if m in models}
        raise MotorMissingError(bus.port, missing, found, bus.baudrate)
    for motor, model in models.items():
        name = bus.names[motor]
        if model != MODEL_STS3215:
            raise WrongModelError(bus.port, motor, name, model, MODEL_STS3215)
        if error := bus.errors[motor]:
            raise ServoFaultError(bus.port, motor, name, Fault.describe(error))


async def _check_calibration(bus: Bus, calibration: Calibration) -> None:
    differences = []
    for field, register in (
        ("homing_offset", Register.HOMING_OFFSET),
        ("range_min", Register.MIN_POSITION_LIMIT),
        ("range_max", Register.MAX_POSITION_LIMIT),
    ):
        held = await bus.sync_read(register, calibration.ids)
        for name, entry in calibration.motors.items():
            wanted = getattr(entry, field)
            if held[entry.id] != wanted:
                differences.append(f"{name} {field} is {held[entry.id]}, not {wanted}")
    if differences:
        raise CalibrationMismatchError(bus.port, calibration.path, differences)


async def _set(bus: Bus, register: Register, wanted: Mapping[int, int]) -> None:
    held = await bus.sync_read(register, tuple(wanted))
    for motor, value in wanted.items():
        if held[motor] != value:
            await _write(bus, motor, register, value)


async def _write(bus: Bus, motor: int, register: Register, value: int) -> None:
    if register.eeprom:
        # A control setting that changes under torque could make the motor jump.
        await bus.write(motor, Register.TORQUE_ENABLE, 0)
        await bus.write(motor, Register.LOCK, 0)
    await bus.write(motor, register, value)
    if register.eeprom:
        await bus.write(motor, Register.LOCK, 1)
    if (found := await bus.read(motor, register)) != value:
        raise SettingRefusedError(bus.port, motor, bus.names[motor], register.name, value, found)
