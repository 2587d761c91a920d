"""What motors remember of their calibration, and changing it: compare, unlock, write, lock, read back."""

from collections.abc import Mapping
from contextlib import suppress

from hilrt.config import MOTORS
from hilrt.devices.calibration import Calibration, MotorCalibration
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.eeprom import have_acknowledged, write_eeprom
from hilrt.devices.feetech.registers import CALIBRATED, MODEL_STS3215, Register
from hilrt.errors import BusTimeoutError, HilrtError, MotorMissingError, WrongModelError
from hilrt.setup.place import IDS

Memory = dict[int, dict[Register, int]]
"""Calibration registers by motor id."""


def memory_of(calibration: Calibration) -> Memory:
    """What motors hold that are calibrated so."""
    return {
        entry.id: {register: getattr(entry, field) for field, register in CALIBRATED.items()}
        for entry in calibration.motors.values()
    }


async def read_memory(bus: Bus, calibration_ids: tuple[int, ...] = tuple(IDS.values())) -> Memory:
    """What the motors hold."""
    memory: Memory = {motor: {} for motor in calibration_ids}
    for register in CALIBRATED.values():
        for motor, value in (await bus.sync_read(register, calibration_ids)).items():
            memory[motor][register] = value
    return memory


def entries_of(memory: Memory, like: Calibration) -> dict[str, MotorCalibration]:
    """A memory as a file would say it; what is not in it is as in `like`."""
    return {
        name: MotorCalibration(
            id=entry.id,
            drive_mode=entry.drive_mode,
            **{field: memory[entry.id][register] for field, register in CALIBRATED.items()},
        )
        for name, entry in like.motors.items()
    }


async def write_memory(bus: Bus, wanted: Memory) -> None:
    """Bring motors to hold `wanted`; all of it, or what they held before.

    Raises:
        BusTimeoutError, BusLostError, SettingRefusedError: motors have been restored as far as they answer.
    """
    before = await read_memory(bus, tuple(wanted))
    try:
        for motor, values in wanted.items():
            await write_settings(bus, motor, {r: v for r, v in values.items() if before[motor][r] != v})
    except HilrtError:
        for motor, values in before.items():
            with suppress(HilrtError):
                await write_settings(bus, motor, values)
        raise


async def write_settings(bus: Bus, motor: int, values: Mapping[Register, int]) -> None:
    """Write registers of one motor's EEPROM, torque off."""
    if values:
        await bus.write(motor, Register.TORQUE_ENABLE, 0)
        await write_eeprom(bus, motor, values)


async def check_motors(bus: Bus) -> None:
    """See that all six motors are there, are what they should be, and acknowledge what is written.

    Raises:
        MotorMissingError, WrongModelError.
    """
    models: dict[int, int] = {}
    for motor in IDS.values():
        with suppress(BusTimeoutError):
            models[motor] = await bus.ping(motor)
    if missing := {IDS[name]: name for name in MOTORS if IDS[name] not in models}:
        raise MotorMissingError(bus.port, missing, {m: bus.names[m] for m in models}, bus.baudrate)
    for motor, model in models.items():
        if model != MODEL_STS3215:
            raise WrongModelError(bus.port, motor, bus.names[motor], model, MODEL_STS3215)
    await have_acknowledged(bus, tuple(IDS.values()))


async def release(bus: Bus) -> None:
    """Torque off, every motor."""
    for motor in IDS.values():
        await bus.write(motor, Register.TORQUE_ENABLE, 0)
