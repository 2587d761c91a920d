"""How well an arm's joints move: each goes to and fro a few degrees, slowly, near the start pose, and is measured."""

import asyncio
import time
from typing import Protocol

import numpy as np

from hilrt.config import MOTORS, Config
from hilrt.control.collision import Collisions
from hilrt.control.guards import CLEARANCE
from hilrt.devices.arm import Arm, ArmReading
from hilrt.devices.beside import today
from hilrt.devices.calibration import Calibration, Vector, radians_from_units
from hilrt.errors import CollisionError, JointBlockedError
from hilrt.robots import SO100_URDF
from hilrt.setup.console import Console, Table
from hilrt.setup.motionfile import FirstTime
from hilrt.setup.motionfit import Figures, Sample, figures
from hilrt.setup.place import Place

AMPLITUDE_DEG = 4.0
FAST_DEG_S, SLOW_DEG_S, SLOW_DEG = 8.0, 1.5, 1.5
"""The way between two rests: fast, but for the last of it."""
REST_S = 1.0
REPEATS = 2
PERIOD_S = 0.02
LONGEST_S = 0.05
"""A goal goes no further on than that after a time in which this computer was busy."""
NEAR_DEG = 15.0
"""How far from the start pose the arm may be when it takes itself there."""
BLOCKED_DEG = 12.0
"""A joint further behind than any that is soft and late."""
SPEED = np.full(6, np.deg2rad(60.0))
INSIDE = np.deg2rad(AMPLITUDE_DEG + 1.0)
DEADLINE_S = 1.0


class Clock(Protocol):
    """Time, as the arm has it."""

    def now(self) -> float:
        """[s]."""
        ...

    async def wait(self, seconds: float) -> None:
        """Let so much pass."""
        ...


class WallClock:
    """The time of day's."""

    def now(self) -> float:
        """[s]."""
        return time.monotonic()

    async def wait(self, seconds: float) -> None:
        """Let so much pass."""
        await asyncio.sleep(seconds)


async def examine_motion(
    console: Console, config: Config, side: str = "", *, yes: bool = False, clock: Clock | None = None
) -> bool:
    """Measure each joint of an arm, and say what has become worse since the first time; whether all is well.

    `yes`: do not ask before an arm moves that holds itself near its start pose.

    Raises:
        CollisionError: there is no room; nothing has moved.
        JointBlockedError: a joint does not follow; the arm holds.
        ConfigError, UnknownNameError, and what else `Arm.connect` raises.
    """
    place = Place.of(config, side)
    calibration = Calibration.load(place.calibration_path)
    pose = _pose(config, side, calibration)
    collisions = _collisions(config, calibration)
    _require_room(collisions, pose)
    async with await Arm.connect(place.port, calibration, deadline_s=DEADLINE_S) as arm:
        await _bring_near(console, arm, pose)
        minutes = len(MOTORS) * (2 * REPEATS + 1) * 3 // 60 + 1
        console.say(
            f"The arm goes to its start pose; then each joint moves {AMPLITUDE_DEG:g} degrees to and fro, one after "
            f"the other, for {minutes} minutes. Keep away, the gripper empty; Ctrl-C stops the arm where it is."
        )
        if not yes:
            await console.ask("Press Enter to start.")
        mover = Mover(arm, clock or WallClock(), collisions)
        try:
            await mover.go(pose)
            joints = {name: await mover.measure(motor, pose) for motor, name in enumerate(MOTORS)}
        finally:
            await arm.leave()
    degrees = tuple(np.degrees(pose).round(1).tolist())
    now = FirstTime(calibration=calibration.digest, found=today(), pose_deg=degrees, joints=joints)
    return _compare(console, place, now)


class Mover:
    """Moves an arm that holds itself, slowly, and looks at it."""

    def __init__(self, arm: Arm, clock: Clock, collisions: Collisions) -> None:
        self._arm, self._clock, self._collisions = arm, clock, collisions

    async def go(self, pose: Vector) -> None:
        """All joints straight to a pose near by, shape (6,) [rad]."""
        told, step = self._arm.told, np.deg2rad(FAST_DEG_S) * PERIOD_S
        while np.abs(pose - told).max() > 0.0:
            before, told = told, told + np.clip(pose - told, -step, step)
            there = self._collisions.clearance(told)
            if there.distance < min(CLEARANCE, self._collisions.clearance(before).distance):
                raise CollisionError("on the way to the start pose", there.first, there.second)
            await self.tick(told)
        for _ in range(round(REST_S / PERIOD_S)):
            await self.tick(told)

    async def measure(self, motor: int, middle: Vector) -> Figures:
        """One joint to and fro about the pose `middle`, shape (6,) [rad]; the others hold."""
        swing = _Swing(self, motor, middle)
        for end in [AMPLITUDE_DEG] + [-AMPLITUDE_DEG, AMPLITUDE_DEG] * REPEATS:
            await swing.move(end)
        await self.go(middle)
        return figures(swing.samples)

    async def tick(self, goal: Vector) -> ArmReading:
        """Send a goal, shape (6,) [rad], let a period pass, and look.

        Raises:
            JointBlockedError: a joint does not follow.
        """
        await self._arm.write(goal, SPEED)
        await self._clock.wait(PERIOD_S)
        reading = await self._arm.read()
        behind = np.degrees(self._arm.told - reading.position)
        worst = int(np.argmax(np.abs(behind)))
        if abs(behind[worst]) > BLOCKED_DEG:
            raise JointBlockedError(MOTORS[worst], abs(float(behind[worst])))
        return reading

    def now(self) -> float:
        """[s]."""
        return self._clock.now()

    def told(self, motor: int) -> float:
        """Where a joint is told to be [rad]."""
        return float(self._arm.told[motor])


class _Swing:
    """One joint's way to and fro, and what was seen of it."""

    def __init__(self, mover: Mover, motor: int, middle: Vector) -> None:
        self._mover, self._motor, self._middle = mover, motor, middle
        self._at = 0.0  # [deg] from the middle
        self._moves = 0
        self.samples: list[Sample] = []

    async def move(self, end: float) -> None:
        """From rest to rest; `end`: from the middle [deg].

        Raises:
            JointBlockedError: it has not gone half of the way.
        """
        way, begun = abs(end - self._at), len(self.samples)
        await self._ramp(end - np.sign(end - self._at) * SLOW_DEG, FAST_DEG_S)
        await self._ramp(end, SLOW_DEG_S)
        for _ in range(round(REST_S / PERIOD_S)):
            await self._look(rests=True)
        first, last = self.samples[begun], self.samples[-1]
        if abs(last.position - first.position) < way / 2:
            raise JointBlockedError(MOTORS[self._motor], abs(last.goal - last.position))
        self._moves += 1

    async def _ramp(self, end: float, speed: float) -> None:
        passed = PERIOD_S
        while self._at != end:
            step = speed * min(passed, LONGEST_S)
            self._at = min(end, self._at + step) if end > self._at else max(end, self._at - step)
            before = self._mover.now()
            await self._look()
            passed = self._mover.now() - before

    async def _look(self, *, rests: bool = False) -> None:
        goal = self._middle.copy()
        goal[self._motor] += np.deg2rad(self._at)
        reading = await self._mover.tick(goal)
        joint, middle = self._motor, self._middle[self._motor]
        told, position = (
            float(np.degrees(q - middle)) for q in (self._mover.told(joint), reading.position[joint])
        )
        load = float(reading.load[joint])
        self.samples.append(Sample(self._mover.now(), told, position, load, self._moves, rests))


async def _bring_near(console: Console, arm: Arm, pose: Vector) -> None:
    """Have the arm hold itself near the start pose: led there by hand, unless it does already."""
    reading = await arm.read(torque=True)
    joints = reading.position

    def far(joints: Vector) -> bool:
        return bool(np.degrees(np.abs(joints - pose)).max() > NEAR_DEG)

    async def look() -> Table:
        nonlocal joints
        joints = (await arm.read()).position
        rows = [
            (name, f"{here:.0f}", f"{there:.0f}", "ok" if abs(here - there) < NEAR_DEG else "")
            for name, here, there in zip(MOTORS, np.degrees(joints), np.degrees(pose), strict=True)
        ]
        return Table("Start pose", ("joint", "is at [deg]", "wanted", ""), tuple(rows))

    if reading.limp or far(joints):
        await console.ask("The motors let go now: hold the arm, then press Enter.")
        await arm.disable_torque()
        await console.watch(
            look, "Bring the arm near its start pose, with room all round; hold it, press Enter."
        )
        while far(joints):
            await console.watch(
                look, "A joint is still more than 15 degrees away; bring it nearer, press Enter."
            )
        console.say("The arm holds itself from here on: let go of it.")
    await arm.enable_torque()


def _pose(config: Config, side: str, calibration: Calibration) -> Vector:
    """The start pose, each joint so far inside its range that it can go to and fro, shape (6,) [rad]."""
    low, high = calibration.limits
    pose: Vector = np.clip(radians_from_units(config.reset_pose(side)), low + INSIDE, high - INSIDE)
    return pose


def _collisions(config: Config, calibration: Calibration) -> Collisions:
    """The check of an arm on its table, which is at its foot where nobody says otherwise."""
    ik = config.processor.inverse_kinematics
    table = config.safety.table_height_m or 0.0
    return Collisions((ik and ik.urdf_path) or SO100_URDF, table_height=table, zeros=calibration.zeros)


def _require_room(collisions: Collisions, pose: Vector) -> None:
    """See that each joint can go to and fro.

    Raises:
        CollisionError: it would meet something.
    """
    for motor, name in enumerate(MOTORS):
        for way in (-AMPLITUDE_DEG, AMPLITUDE_DEG):
            there = collisions.clearance(pose + np.deg2rad(way) * np.eye(6)[motor])
            if there.distance < CLEARANCE:
                where = f"{way:+g} degrees from the start pose at {name}"
                raise CollisionError(where, there.first, there.second)


def _compare(console: Console, place: Place, now: FirstTime) -> bool:
    """Say what was measured, and beside the first time; keep it where it is the first."""
    first = FirstTime.usable(place.calibration_path, now.calibration)
    well = True
    for name, found in now.joints.items():
        console.say(f"{name}: {_in_words(found)}")
        for worse in first.worse(now, name) if first else ():
            console.say(f"BAD  {name}: {worse}")
            well = False
    if first:
        console.say("Nothing has become worse." if well else "See to what is marked BAD, then measure again.")
    else:
        console.say(f"This is what later measurements are compared with: {now.save(place.calibration_path)}")
    return well


def _in_words(found: Figures) -> str:
    weight = "its weight hides play and dead zone"
    hidden = found.play_deg is None or found.dead_zone_deg is None
    seen = (
        weight
        if hidden
        else f"play {found.play_deg:.1f} degrees, dead zone {found.dead_zone_deg:.1f} degrees"
    )
    return f"{seen}; lag {found.lag_s:.2f} s; load at rest {100 * found.load:+.0f} %"
