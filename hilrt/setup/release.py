"""Letting an arm down that is under torque: what a crash or another program has left stiff."""

from hilrt.devices.holding import sink
from hilrt.setup.console import Console
from hilrt.setup.eeprom import check_motors
from hilrt.setup.place import IDS, Place


async def release(console: Console, place: Place) -> None:
    """Torque down in steps, then off, once somebody holds the arm.

    Raises:
        MotorMissingError, WrongModelError: see `check_motors`.
    """
    async with await place.open() as bus:
        await check_motors(bus)
        await console.ask(
            f"The {place.name} goes down now: hold it and what its gripper has, then press Enter."
        )
        await sink(bus, tuple(IDS.values()))
    console.say("The motors are limp.")
