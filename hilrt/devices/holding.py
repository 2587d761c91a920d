"""Holding a pose, letting go, sinking: what a bus can do with an arm without knowing its calibration.

It is also what is left to do when the program that drove an arm has died.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from hilrt.config import MOTORS
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import Register
from hilrt.errors import BusTimeoutError

HOLD_DEADLINE_S = 0.02  # nothing else waits for the bus then, and every motor should get its chance
RELEASE_SHARES = (0.6, 0.4, 0.25, 0.15, 0.08)
RELEASE_STEP_S = 0.2
AT_REST = 50  # [counts/s], about 4 deg/s: slower than this a gripper is holding, not closing


async def hold(bus: Bus, motors: Sequence[int]) -> None:
    """Stop where the arm is, torque on; a gripper, the last motor, goes on squeezing what it holds."""
    await _each(motors, lambda motor: _hold_one(bus, motor, gripper=motor == motors[-1]))


async def let_go(bus: Bus, motors: Sequence[int]) -> None:
    """Torque off."""
    await _each(motors, lambda motor: bus.write(motor, Register.TORQUE_ENABLE, 0))


async def sink(bus: Bus, motors: Sequence[int]) -> None:
    """Torque down in steps, then off; the start-up settings give it back."""
    for share in RELEASE_SHARES:
        await bus.sync_write(Register.TORQUE_LIMIT, dict.fromkeys(motors, round(1000 * share)))
        await asyncio.sleep(RELEASE_STEP_S)
    await let_go(bus, motors)


async def hold_arm(port: str, motors: Sequence[int]) -> None:
    """Make an arm hold its pose after the program that drove it has died.

    Motors that do not answer do not keep the others from holding; the error comes at the end.

    Args:
        port: serial device.
        motors: bus ids in the order of `MOTORS`.
    """
    async with await _open(port, motors) as bus:
        await hold(bus, motors)


async def release_arm(port: str, motors: Sequence[int]) -> None:
    """Let an arm sink after the program that drove it has died; arguments and errors as `hold_arm`."""
    async with await _open(port, motors) as bus:
        try:
            await hold(bus, motors)
        finally:
            await sink(bus, motors)


async def sink_arm(port: str, motors: Sequence[int]) -> None:
    """The same of a leader, which does not stiffen before: a hand may be on it."""
    async with await _open(port, motors) as bus:
        await sink(bus, motors)


async def _open(port: str, motors: Sequence[int]) -> Bus:
    names = dict(zip(motors, MOTORS, strict=True))
    return await Bus.open(port, deadline_s=HOLD_DEADLINE_S, names=names)


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
