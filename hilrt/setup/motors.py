"""Giving each motor its id and the bus's baud rate: one motor at a time, in any order, now or later."""

from contextlib import suppress

from hilrt.config import MOTORS
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.eeprom import have_acknowledged
from hilrt.devices.feetech.registers import BAUD_RATES, MODEL_STS3215, Register
from hilrt.errors import (
    BusTimeoutError,
    MotorsTogetherError,
    NoMotorError,
    SettingRefusedError,
    WrongModelError,
)
from hilrt.setup.console import Console
from hilrt.setup.place import DEADLINE_S, IDS, Place
from hilrt.setup.scan import Found, find_one, present

FACTORY_ID = 1
STOP = "stop"
CURABLE = (NoMotorError, MotorsTogetherError, WrongModelError, SettingRefusedError, BusTimeoutError)
"""Failures after which another motor, or the same one again, can be connected."""


async def setup_motors(console: Console, place: Place) -> list[str]:
    """Set ids and baud rates with the operator, who connects the motors one by one; names of those done.

    Raises:
        PortNotFoundError, PortBusyError, PortUnusableError, BusLostError: the adapter cannot be used.
    """
    done = await _set_already(console, place.port)
    while rest := [name for name in reversed(MOTORS) if name not in done]:
        console.say("Connect one motor alone to the adapter, and switch the power on.")
        name = await console.ask("Which joint is it for?", (*rest, STOP), rest[0])
        if name == STOP:
            console.say(f"Left to do: {', '.join(rest)}. Start setup-motors again for these.")
            return done
        try:
            if await _set_one(console, place.port, name):
                done.append(name)
        except CURABLE as error:
            console.say(str(error))
    console.say(f"All six motors are set. Connect them in a chain, then: hilrt calibrate{place.options}")
    return done


async def _set_already(console: Console, port: str) -> list[str]:
    """Joints of the motors connected now that have been set up before; an id of 1 may be a new motor's."""
    try:
        motors = await present(port, BAUD_RATES[0])
    except MotorsTogetherError:
        return []
    done = [name for name, number in IDS.items() if number in motors and motors != [FACTORY_ID]]
    if done:
        console.say(f"Set already: {', '.join(done)}.")
    return done


async def _set_one(console: Console, port: str, name: str) -> bool:
    """Set the connected motor; False when it is another joint's and should stay so."""
    console.say("Looking for it ...")
    found = await find_one(port)
    await _check_model(port, found, name)
    wanted = Found(IDS[name], BAUD_RATES[0])
    if found.id not in {wanted.id, FACTORY_ID} and found.id in IDS.values():
        question = f"This motor has id {found.id}, {MOTORS[found.id - 1]}. Make it {name}?"
        if await console.ask(question, ("yes", "no"), "no") == "no":
            return False
    await _change(port, found, wanted, name)
    console.say(f"{name}: {_text(found)} {'already' if found == wanted else f'-> {_text(wanted)}'}.")
    return True


def _text(motor: Found) -> str:
    return f"id {motor.id} at {motor.baudrate} baud"


async def _check_model(port: str, found: Found, name: str) -> None:
    async with await Bus.open(port, found.baudrate, deadline_s=DEADLINE_S) as bus:
        if (model := await bus.read(found.id, Register.MODEL)) != MODEL_STS3215:
            raise WrongModelError(port, found.id, name, model, MODEL_STS3215)


async def _change(port: str, found: Found, wanted: Found, name: str) -> None:
    """Change id, then rate: interrupted anywhere, the motor is found again by the next scan.

    The acknowledgement of either may come from the new id, or at the new rate, and be lost; what counts is
    what the motor holds afterwards.
    """
    async with await Bus.open(port, found.baudrate, deadline_s=DEADLINE_S) as bus:
        await have_acknowledged(bus, [found.id])
        await bus.write(found.id, Register.TORQUE_ENABLE, 0)
        await bus.write(found.id, Register.LOCK, int(found == wanted))
        if found.id != wanted.id:
            with suppress(BusTimeoutError):
                await bus.write(found.id, Register.ID, wanted.id)
        if found.baudrate != wanted.baudrate:
            with suppress(BusTimeoutError):
                await bus.write(wanted.id, Register.BAUD_RATE, BAUD_RATES.index(wanted.baudrate))
    async with await Bus.open(port, wanted.baudrate, deadline_s=DEADLINE_S) as bus:
        await bus.write(wanted.id, Register.LOCK, 1)
        kept = {Register.ID: wanted.id, Register.BAUD_RATE: BAUD_RATES.index(wanted.baudrate)}
        for register, value in kept.items():
            if (held := await bus.read(wanted.id, register)) != value:
                raise SettingRefusedError(port, wanted.id, name, register.name, value, held)
