"""Which motors are on a wire, at whatever id and baud rate, and whether one of them is alone there."""

import asyncio

from msgspec import Struct

from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.link import Counters, Link
from hilrt.devices.feetech.packets import MAX_ID, OVERHEAD, Parser, encode_read
from hilrt.devices.feetech.registers import BAUD_RATES, Register
from hilrt.errors import BusTimeoutError, MotorsTogetherError, NoMotorError
from hilrt.setup.place import DEADLINE_S

SPACING_S = 0.002
"""Between two pings: a factory-new servo answers after 0.5 ms, and its answer must not meet the next ping."""
LAST_S = 0.05
PROOFS = 8
"""Readings that tell one motor from two with the same id."""


class Found(Struct, frozen=True):
    """One motor, alone on the wire."""

    id: int
    baudrate: int


async def find_one(port: str) -> Found:
    """The one motor that is connected.

    The rate of motors that are set up is always looked at: one that sits there would share it with the new one.

    Raises:
        PortNotFoundError, PortBusyError, PortUnusableError: see `Bus.open`.
        NoMotorError: none answers at any rate.
        MotorsTogetherError: more than one does.
    """
    for baudrate in BAUD_RATES:
        if motors := await present(port, baudrate):
            if len(motors) > 1:
                raise MotorsTogetherError(port, motors)
            return Found(motors[0], baudrate)
    raise NoMotorError(port, BAUD_RATES)


async def present(port: str, baudrate: int) -> list[int]:
    """Ids of the motors that answer at this rate.

    Raises:
        MotorsTogetherError: two share an id.
    """
    answered, garbled = await _ping_all(port, baudrate)
    async with await Bus.open(port, baudrate, deadline_s=DEADLINE_S) as bus:
        return [motor for motor in sorted(answered | garbled) if await _alone(bus, motor)]


async def _ping_all(port: str, baudrate: int) -> tuple[set[int], set[int]]:
    """Ids that answered, however late, and those whose ping was followed by noise."""
    parser, garbled = Parser(), set()
    link = await Link.open(port, baudrate, parser, Counters())
    model = Register.MODEL
    spacing_s = SPACING_S + 2 * (OVERHEAD + model.size) * 10 / baudrate
    everybody = range(MAX_ID + 1)
    try:
        for motor in everybody:
            noise = parser.checksum_errors + parser.garbage
            link.send(encode_read(motor, model.address, model.size), everybody, model.size)
            await asyncio.sleep(spacing_s)
            if parser.checksum_errors + parser.garbage > noise:
                garbled.add(motor)
        await asyncio.sleep(LAST_S)
        return set(link.forget()), garbled
    finally:
        await link.close()


async def _alone(bus: Bus, motor: int) -> bool:
    """Whether one motor has this id; False for none.

    Two that answer a ping in step look like one, so they are asked for what they measure: there they differ.
    """
    clean = noisy = 0
    for _ in range(PROOFS):
        before = _noise(bus)
        try:
            await bus.read_telemetry([motor])
            clean += 1
        except BusTimeoutError:
            noisy += _noise(bus) > before
    if noisy > clean:
        raise MotorsTogetherError(bus.port, [motor, motor])
    return clean > 0


def _noise(bus: Bus) -> int:
    seen = bus.statistics()
    return seen.checksum_errors + seen.garbage_bytes + seen.unexpected
