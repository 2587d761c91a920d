"""Servos that have switched themselves off: what each reports, in words, cleared where that can be done from here."""

from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct

from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import LATCHED, Fault, Telemetry
from hilrt.devices.holding import ease_grip, hold, let_go
from hilrt.errors import BusTimeoutError, JointOutsideError
from hilrt.setup.console import Console
from hilrt.setup.place import IDS, Place

CURES = {
    Fault.OVERLOAD: "free the joint; what it held was too heavy, or held too tightly",
    Fault.CURRENT: "free the joint, and look at its cable",
    Fault.TEMPERATURE: "let it cool for some minutes, with its torque off: hilrt release",
    Fault.VOLTAGE: "check the power supply and its plug",
    Fault.ANGLE: "bring the joint back into its range by hand",
    Fault.SENSOR: "switch the arm's power off and on; if it comes back, replace the motor",
}


class Seen(Struct, frozen=True):
    """One servo as it answered."""

    motor: int
    torque: bool
    faults: Fault
    present: Telemetry


async def unfault(console: Console, place: Place) -> bool:
    """Say what each servo reports, and clear it; whether all six are well afterwards.

    A servo that is cleared has its torque switched off, and on again where it was on, told to be where it then is; a
    gripper holds on to what it has.
    """
    async with await place.open() as bus:
        seen = [await _look(bus, motor) for motor in IDS.values()]
        for name, servo in zip(IDS, seen, strict=True):
            console.say(f"{place.name}, {name}: {_words(servo)}")
        found = [servo for servo in seen if servo is not None and servo.faults]
        if latched := [servo for servo in found if servo.faults & LATCHED]:
            if any(servo is not None and servo.torque for servo in seen):
                await console.ask(f"The {place.name} may sink now: hold it, then press Enter.")
            for servo in latched:
                try:
                    await _clear(bus, servo)
                except JointOutsideError as error:  # its torque stays off
                    console.say(str(error))
        left = [after for servo in found if (after := await _look(bus, servo.motor)) and after.faults]
        _report(console, bus, found, left)
    return not left and None not in seen


async def _look(bus: Bus, motor: int) -> Seen | None:
    """None where it does not answer."""
    with suppress(BusTimeoutError):
        present = (await bus.read_telemetry([motor], drive=True))[motor]
        return Seen(motor, bus.drives[motor].torque, Fault(present.status | present.error), present)
    return None


def _words(servo: Seen | None) -> str:
    if servo is None:
        return "does not answer; check its cable and the power"
    if not servo.faults:
        return "ok"
    present = servo.present
    return f"{Fault.describe(servo.faults)} ({present.voltage:.1f} V, {present.temperature} degC)"


async def _clear(bus: Bus, servo: Seen) -> None:
    """Its old goal is where it pushed: limp, it is told to be where it is before it may push again.

    A gripper then keeps hold of what it has.
    """
    told = bus.drives[servo.motor].goal
    await let_go(bus, [servo.motor])
    await hold(bus, [servo.motor])
    if not servo.torque:
        await let_go(bus, [servo.motor])
    elif servo.motor == IDS["gripper"]:
        await ease_grip(bus, servo.motor, servo.present, told)


def _report(console: Console, bus: Bus, found: Sequence[Seen], left: Sequence[Seen]) -> None:
    faulty = {servo.motor: servo for servo in left}
    for servo in found:
        name = bus.names[servo.motor]
        if after := faulty.get(servo.motor):
            cures = "; ".join(cure for fault, cure in CURES.items() if after.faults & fault)
            console.say(f"{name} still reports {Fault.describe(after.faults)}: {cures}.")
        else:
            console.say(f"{name} is clear.")
