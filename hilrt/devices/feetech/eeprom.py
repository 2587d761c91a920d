"""Writing what servos keep without power: unlocked, read back, and locked again on every way out."""

from collections.abc import Mapping, Sequence

from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import Register
from hilrt.errors import SettingRefusedError


async def held(bus: Bus, register: Register, expected: Mapping[int, int]) -> dict[int, int]:
    """What motors hold in a register; what is not as expected, by motor, is read again: one reply may be wrong."""
    values = await bus.sync_read(register, tuple(expected))
    if odd := [motor for motor, value in values.items() if value != expected[motor]]:
        values |= await bus.sync_read(register, odd)
    return values


async def write_eeprom(bus: Bus, motor: int, values: Mapping[Register, int]) -> None:
    """Write registers of one motor's EEPROM.

    Raises:
        SettingRefusedError: it does not keep a value.
    """
    try:
        await bus.write(motor, Register.LOCK, 0)
        for register, value in values.items():
            await bus.write(motor, register, value)
    finally:
        await bus.write(motor, Register.LOCK, 1)
    for register, value in values.items():
        if (found := (await held(bus, register, {motor: value}))[motor]) != value:
            name = bus.names.get(motor, "")
            raise SettingRefusedError(bus.port, motor, name, register.name, value, found)


async def have_acknowledged(bus: Bus, motors: Sequence[int]) -> None:
    """Have motors that answer questions alone acknowledge what is written, too: without, they seem to be dead.

    Raises:
        SettingRefusedError: one will not.
    """
    level = Register.RESPONSE_STATUS_LEVEL
    silent = [motor for motor, value in (await bus.sync_read(level, motors)).items() if value == 0]
    if silent:
        for register, value in ((Register.LOCK, 0), (level, 1)):
            await bus.sync_write(register, dict.fromkeys(silent, value))
        await bus.sync_read(level, silent)  # an answer proves that it was taken in
        await bus.sync_write(Register.LOCK, dict.fromkeys(silent, 1))
    for motor in silent:
        if (found := (await held(bus, level, {motor: 1}))[motor]) != 1:
            raise SettingRefusedError(bus.port, motor, bus.names.get(motor, ""), level.name, 1, found)
