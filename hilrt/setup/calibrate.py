"""Calibrating an arm with its operator: middle pose, sweep, and only then, in one go, motors and file.

Nothing is written before everything is known, so an operator who stops leaves motors and file as they were.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from hilrt.config import MOTORS
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import Register
from hilrt.devices.shutfile import ShutGripper
from hilrt.devices.zerofile import ZeroOffsets
from hilrt.errors import BusTimeoutError, CalibrationFileError, PortsSwappedError
from hilrt.errors.plain import plain
from hilrt.setup.console import Console, Table
from hilrt.setup.eeprom import check_motors, entries_of, memory_of, read_memory, release, write_memory
from hilrt.setup.place import IDS, Place
from hilrt.setup.sweep import SWEPT, Sweep

DEG_PER_COUNT = 360 / 4095
PATIENCE = 5
"""Readings in a row that may fail while the operator moves the arm, and with it a loose plug."""


async def calibrate(console: Console, place: Place) -> Calibration:
    """Find each joint's middle and range, write them to the motors and to the calibration file.

    Where there is a file that the motors do not hold, the operator may have it written to them instead. Where they hold
    another arm's, she is asked whether the ports are swapped.

    Raises:
        PortsSwappedError: they are.
        MotorMissingError, WrongModelError: see `check_motors`.
        SweepError: a joint was moved in a way that says nothing.
        SettingRefusedError, BusTimeoutError, BusLostError: the motors were restored as far as they answer.
    """
    async with await place.open() as bus:
        await check_motors(bus)
        await _require_own(console, bus, place)
        known = await _known(bus, place)
        if known and not await _restore(console, place):
            known = None
        await console.ask("The motors let go now: hold the arm, then press Enter.")
        await release(bus)
        new = known or await _by_hand(console, bus, place)
        await _finish(_commit(bus, new, place))
    console.say(f"Calibrated; saved in {place.calibration_path}")
    for finding in (ZeroOffsets, ShutGripper):
        if aside := finding.put_aside(place.calibration_path, new.digest):
            console.say(
                f"{finding.WHAT.capitalize()} found for the calibration before mean nothing now; they lie in {aside}. "
                f"Find new ones: {finding.COMMAND}"
            )
    return new


async def check_calibration(say: Callable[[str], None], place: Place) -> None:
    """Compare file and motors; nothing is written.

    Raises:
        CalibrationFileError: no usable file.
        CalibrationMismatchError, PortsSwappedError: they differ.
    """
    calibration = Calibration.read(place.calibration_path)
    async with await place.open() as bus:
        await check_motors(bus)
        calibration.require(entries_of(await read_memory(bus, calibration.ids), calibration), place.port)
    say(f"The motors hold what {place.calibration_path} says.")


async def _require_own(console: Console, bus: Bus, place: Place) -> None:
    """See that it is not another arm that is known, unless the operator says so."""
    here = Calibration.nominal(str(place.calibration_path))
    owners = here.owners(entries_of(await read_memory(bus), here))
    if not owners or str(place.calibration_path.absolute()) in owners:
        return
    question = (
        f"The motors on {place.port} hold the calibration of {', '.join(owners)}: most likely the ports are swapped. "
        "Stop, or calibrate this arm all the same?"
    )
    if await console.ask(question, ("stop", "calibrate"), "stop") == "stop":
        raise PortsSwappedError(place.port, str(place.calibration_path), owners)


async def _differences(bus: Bus, calibration: Calibration) -> list[str]:
    memory = await read_memory(bus, calibration.ids)
    return calibration.differences(entries_of(memory, calibration))


async def _known(bus: Bus, place: Place) -> Calibration | None:
    """The file, where it is usable and the motors hold something else."""
    with suppress(CalibrationFileError):
        calibration = Calibration.read(place.calibration_path)
        if set(calibration.ids) == set(IDS.values()) and await _differences(bus, calibration):
            return calibration
    return None


async def _restore(console: Console, place: Place) -> bool:
    """Whether the motors are to get what the file says, rather than both something new."""
    question = (
        f"{place.calibration_path} is not what the motors hold. Calibrate anew, or write it to the motors?"
    )
    return await console.ask(question, ("anew", "write"), "anew") == "write"


async def _by_hand(console: Console, bus: Bus, place: Place) -> Calibration:
    await console.ask("Put every joint in the middle of its range, gripper half open, then press Enter.")
    offsets = await bus.sync_read(Register.HOMING_OFFSET, tuple(IDS.values()))
    sweep = Sweep(await _raw(bus, offsets))
    await _sweep(console, bus, offsets, sweep)
    turned = await _gripper_turned(console, bus, offsets, sweep)
    for name in sweep.recentred():
        console.say(f"{name} was not near its middle; its range is right all the same.")
    return Calibration(
        {name: sweep.calibration(name, int(turned and name == "gripper")) for name in MOTORS},
        str(place.calibration_path),
    )


async def _sweep(console: Console, bus: Bus, offsets: dict[int, int], sweep: Sweep) -> None:
    """Follow the joints until each has been moved from end to end."""
    failed = 0

    async def look() -> Table:
        nonlocal failed
        try:
            sweep.see(await _raw(bus, offsets))
            failed = 0
        except BusTimeoutError:
            failed += 1
            if failed >= PATIENCE:
                raise
        return _table(sweep)

    prompt = "Move every joint but wrist_roll slowly to both of its ends, the gripper too; then press Enter."
    while True:
        await console.watch(look, prompt)
        if not (unmoved := sweep.unmoved()):
            return
        console.say(f"Not moved from end to end yet: {', '.join(unmoved)}.")


async def _gripper_turned(console: Console, bus: Bus, offsets: dict[int, int], sweep: Sweep) -> bool:
    """Whether the gripper closes towards its high end."""
    while True:
        await console.ask("Close the gripper, then press Enter.")
        sweep.see(await _raw(bus, offsets))
        track = sweep.tracks["gripper"]
        share = (track.now - track.low) / track.span
        if not 0.25 < share < 0.75:
            return share > 0.5
        console.say("The gripper is in the middle of the range it was moved through.")


async def _raw(bus: Bus, offsets: dict[int, int]) -> dict[str, int]:
    """Encoder positions by joint [raw counts]: what motors show depends on the offset they hold."""
    seen = await bus.read_telemetry(tuple(IDS.values()))
    return {name: seen[motor].position + offsets[motor] for name, motor in IDS.items()}


def _table(sweep: Sweep) -> Table:
    rows = []
    for name in SWEPT:
        low, now, high = sweep.tracks[name].shown()
        done = "" if name in sweep.unmoved() else "ok"
        rows.append((name, str(low), str(now), str(high), f"{DEG_PER_COUNT * (high - low):.0f}", done))
    return Table("Sweep", ("joint", "min", "position", "max", "range [deg]", ""), tuple(rows))


async def _commit(bus: Bus, new: Calibration, place: Place) -> None:
    """Motors first: a file is only saved when they hold it."""
    before = await read_memory(bus, new.ids)
    await write_memory(bus, memory_of(new))
    try:
        new.save(place.calibration_path)
    except OSError as error:
        await write_memory(bus, before)
        raise CalibrationFileError(
            str(place.calibration_path), f"cannot be written: {plain(error)}"
        ) from error


async def _finish(work: Coroutine[object, object, None]) -> None:
    """Carry out what must not be left half done; Ctrl-C takes effect afterwards."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
