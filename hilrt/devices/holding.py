"""Holding, letting go, sinking: what a bus can do with an arm without knowing its calibration file.

It is also what is left to do when the program that drove an arm has died.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from time import monotonic

from hilrt.config import MOTORS
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import COUNTS_PER_TURN, LATCHED, Register, Telemetry
from hilrt.errors import BusTimeoutError, JointOutsideError

COUNTS_PER_DEGREE = COUNTS_PER_TURN / 360
HOLD_DEADLINE_S = 0.05  # room to ask twice over the slowest adapter; nothing else waits for the bus then
RELEASE_SHARES = (0.6, 0.4, 0.25, 0.15, 0.08)
RELEASE_STEP_S = 0.2
LOWERED = round(1000 * max(RELEASE_SHARES))
"""A joint that may use no more torque than this is being let go [0.1 %]."""
SAG_DEG = 15.0
SAG = round(SAG_DEG * COUNTS_PER_DEGREE)
"""A joint under torque that is no further from its goal hangs there, or is about to arrive [counts]."""
PUSHING = 0.7
"""Of the torque it may use; a joint with more load does not hang, it pushes against something."""
GRIP_LEAD = round(1.5 * COUNTS_PER_DEGREE)
"""How far beyond its opening a gripper's goal may stay: of a measured servo 10 to 20 % of its torque, less than the
25 % from which it takes itself for overloaded [counts]."""
GRIP_TORQUE = 200
"""With how much of its torque a gripper holds on to something, below those 25 % however stiff it is [0.1 %]."""
HOLDS = 50
"""A gripper with more load has something between its jaws; friction alone is less [0.1 %]."""
OUTSIDE = round(10 * COUNTS_PER_DEGREE)
"""How far beyond its range a limp joint is brought back by itself, slowly; a servo cuts off a goal there [counts]."""
SLOW = 100
"""The speed of that [counts/s], 9 deg/s."""
INSIDE_S = 2.0
"""How long that may take; a soft arm hangs below the end of its range for ever."""
INSIDE = round(1 * COUNTS_PER_DEGREE)
LOOK_S = 0.02


async def hold(bus: Bus, motors: Sequence[int]) -> dict[int, int]:
    """Stay where the arm is told to be, or else where it is, torque on; the goals held, by motor [counts].

    A goal that is kept lets nothing sink: the goal is where the arm should be, the position where it hangs. A gripper,
    the last motor, keeps hold of what it has, but stalls on it no longer.

    Raises:
        BusTimeoutError, JointOutsideError: of the first motor that cannot be held; the others hold all the same.
    """
    goals: dict[int, int] = {}
    outside: dict[int, int] = {}

    async def hold_one(motor: int) -> None:
        present = (await bus.read_telemetry([motor], drive=True))[motor]
        gripper = motor == motors[-1]
        if bus.drives[motor].torque_limit <= LOWERED and not gripper:
            await _stiffen(bus, motor, present.position)
        if bus.drives[motor].torque:
            latched = (present.status | present.error) & LATCHED
            settle = rearm if latched else ease
            goals[motor] = await settle(bus, motor, present, gripper=gripper)
            return
        goals[motor] = await _goal_at_rest(bus, motor, present.position)
        if goals[motor] != present.position:
            outside[motor] = goals[motor]
            await bus.write(motor, Register.GOAL_VELOCITY, SLOW)
        # Acknowledged, and only then torque: with an old goal it would jump.
        await bus.write(motor, Register.GOAL_POSITION, goals[motor])
        await bus.write(motor, Register.TORQUE_ENABLE, 1)

    try:
        await _each(motors, hold_one)
    finally:
        if outside:
            await _come_inside(bus, outside)
    return goals


async def ease(bus: Bus, motor: int, present: Telemetry, *, gripper: bool) -> int:
    """Have a motor under torque strain for nothing: its goal after that [counts]; its drive has just been read."""
    _, told, limit = bus.drives[motor]
    if gripper:
        limited = abs(present.load) > GRIP_TORQUE or limit < GRIP_TORQUE
        return await ease_grip(bus, motor, present, told, limited=limited)
    goal = told
    if limit <= LOWERED or abs(told - present.position) > SAG or abs(present.load) > PUSHING * limit:
        goal = present.position
    if goal != told:
        await bus.write(motor, Register.GOAL_POSITION, goal)
    return goal


async def _stiffen(bus: Bus, motor: int, position: int) -> None:
    """Give a joint all of its torque back whose program died as it was let go: it stays where it has sunk to."""
    full = await bus.read(motor, Register.MAX_TORQUE_LIMIT)
    if bus.drives[motor].torque:
        await bus.write(motor, Register.GOAL_POSITION, position)
    await bus.write(motor, Register.TORQUE_LIMIT, full)


async def ease_grip(bus: Bus, motor: int, present: Telemetry, told: int, *, limited: bool = True) -> int:
    """Hold on with a goal just beyond the opening, and with no more torque than a servo can give for hours."""
    goal = min(max(told, present.position - GRIP_LEAD), present.position + GRIP_LEAD)
    if limited:
        await bus.write(motor, Register.TORQUE_LIMIT, GRIP_TORQUE)
    await bus.write(motor, Register.GOAL_POSITION, goal)
    return goal


async def rearm(bus: Bus, motor: int, present: Telemetry, *, gripper: bool) -> int:
    """Clear an overload: a motor under torque stays where it is, one without stays so; its goal after that [counts].

    A gripper under torque keeps hold of what it has. The motor's drive has just been read.
    """
    torque, told, _ = bus.drives[motor]
    if torque:
        await bus.write(motor, Register.GOAL_POSITION, present.position)
    await bus.write(motor, Register.TORQUE_ENABLE, int(torque))
    return await ease_grip(bus, motor, present, told) if torque and gripper else present.position


async def require_inside(bus: Bus, motors: Sequence[int]) -> None:
    """See that no limp joint rests so far beyond its range that it would have to go a long way as torque comes on.

    Raises:
        JointOutsideError: one does.
    """
    for motor, present in (await bus.read_telemetry(motors, drive=True)).items():
        if not bus.drives[motor].torque:
            await _goal_at_rest(bus, motor, present.position)


async def let_go(bus: Bus, motors: Sequence[int]) -> None:
    """Torque off."""
    await _each(motors, lambda motor: bus.write(motor, Register.TORQUE_ENABLE, 0))


async def sink(bus: Bus, motors: Sequence[int]) -> None:
    """Torque down in steps, then off; after that the motors may use all of it again, as when power comes on."""
    full = dict.fromkeys(motors, 1000)

    async def look(motor: int) -> None:
        full[motor] = await bus.read(motor, Register.MAX_TORQUE_LIMIT)

    async def release(motor: int) -> None:
        await bus.write(motor, Register.TORQUE_ENABLE, 0)
        await bus.write(motor, Register.TORQUE_LIMIT, full[motor])

    try:
        await _each(motors, look)
    finally:
        for share in RELEASE_SHARES:
            await bus.sync_write(Register.TORQUE_LIMIT, {m: round(share * most) for m, most in full.items()})
            await asyncio.sleep(RELEASE_STEP_S)
        await _each(motors, release)


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


async def _goal_at_rest(bus: Bus, motor: int, position: int) -> int:
    """Where a limp motor is told to be as its torque comes on: where it is, or at the nearer end of its range."""
    low = await bus.read(motor, Register.MIN_POSITION_LIMIT)
    high = await bus.read(motor, Register.MAX_POSITION_LIMIT)
    goal = min(max(position, low), high)
    if abs(position - goal) > OUTSIDE:
        beyond_deg = (position - goal) / COUNTS_PER_DEGREE
        raise JointOutsideError(bus.port, motor, bus.names.get(motor, ""), beyond_deg)
    return goal


async def _come_inside(bus: Bus, goals: Mapping[int, int]) -> None:
    """Wait until joints are back in their range, then let them go at their own speed again."""
    until = monotonic() + INSIDE_S
    with suppress(BusTimeoutError):
        while monotonic() < until:
            present = await bus.sync_read(Register.PRESENT_POSITION, tuple(goals))
            if all(abs(present[motor] - goal) <= INSIDE for motor, goal in goals.items()):
                break
            await asyncio.sleep(LOOK_S)
    await _each(goals, lambda motor: bus.write(motor, Register.GOAL_VELOCITY, 0))


async def _each(motors: Iterable[int], action: Callable[[int], Awaitable[None]]) -> None:
    """Do something with every motor; one that cannot does not keep the others waiting."""
    failed: BusTimeoutError | JointOutsideError | None = None
    for motor in motors:
        try:
            await action(motor)
        except (BusTimeoutError, JointOutsideError) as error:
            failed = failed or error
    if failed is not None:
        raise failed
