"""Rest: the way to the park pose, and the arm there, in the simulated world."""

import asyncio
from types import SimpleNamespace

import mujoco
import numpy as np
import pytest
from armbench import Bench
from drive import put_cube
from rig import Rig

from hilrt.control.cell import Cell
from hilrt.control.ending import Ending
from hilrt.control.phase import Phase
from hilrt.control.reset import go
from hilrt.control.rest import Rest
from hilrt.control.scene import RealScene
from hilrt.control.stream import Stream
from hilrt.control.ticker import Tick
from hilrt.control.walk import SPEED
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.devices.holding import GRIP_LEAD
from hilrt.errors import BusTimeoutError, CameraLostError, OverheatError
from hilrt.shm.status import ControlStatus
from hilrt.sim.world import World

PARK = "safety.park_pose=[0.0, -95.0, 85.0, 75.0, 0.0, 10.0]"
RELEASE = "safety.park_torque=release"
OUT_OF_THE_WAY = (-0.3, 0.0, 0.0125)
"""Of a cube that an arm would otherwise come down on [m]."""


def near(joints, pose):
    """Whether an arm is at a pose, but for its gripper; shape (arms, 6) [rad]."""
    return bool(np.rad2deg(np.abs(joints - pose)[:, :5].max()) < 3.0)


class Time:
    """Passes tick by tick; sees how low and how fast the arm is."""

    simulated = True

    def __init__(self, bench, stream, period_s):
        self.bench, self.stream, self.period_s, self.count = bench, stream, period_s, 0
        self.lowest = np.inf

    async def wait(self):
        self.count += 1
        for _ in range(self.stream.parts):
            await self.bench.go_on(self.period_s / self.stream.parts)
            self.lowest = min(self.lowest, lowest(self.bench.world))
            if self.stream.moves:
                await self.stream.send(self.stream.sent + 1)
        return Tick(round(self.count * self.period_s * 1e9), 0, 0)

    async def until_act(self):
        """At once."""


def lowest(world):
    """How far the arm is from the table, by MuJoCo's own geometry; negative: in it [m]."""
    model, data = world._model, world._data
    table = model.geom("table").id
    distances = [
        mujoco.mj_geomDistance(model, data, geom, table, 0.2, None)
        for geom in range(model.ngeom)
        if model.geom_bodyid[geom] > 0
        and "base" not in model.body(model.geom_bodyid[geom]).name
        and model.geom_contype[geom]
        and model.body(model.geom_bodyid[geom]).name != "cube"
    ]
    return min(distances)


class Station:
    """An arm in its world, with a cell that drives it, and the way to rest."""

    def __init__(self, *overrides, began=None):
        self.rig = Rig(PARK, *overrides)
        self.began = self.rig.home if began is None else began
        self.words = SimpleNamespace(stop=0, stop_asks=0)
        self.ending = Ending(self.words)
        self.status = ControlStatus(memoryview(bytearray(ControlStatus.blank())))

    async def __aenter__(self):
        config = self.rig.config
        period_s, limit = 1 / config.env.fps, self.rig.limits.max_step * config.env.fps
        calibration = Calibration.load(config.robot.calibration_path(""))
        self.world = World("pick_lift", 0)
        put_cube(self.world, OUT_OF_THE_WAY)
        self.bench = await Bench(self.world, calibration).__aenter__()
        self.arm = self.bench.arm
        await self.arm.enable_torque()
        stream = Stream([self.arm], config.goals_per_tick, period_s, limit)
        self.time = Time(self.bench, stream, period_s)
        self.cell = Cell(
            config,
            self.time,
            stream,
            [self.arm],
            None,
            RealScene(0.0),
            self.rig.pipelines,
            self.status,
            bool,
            bool,
        )
        self.rest = Rest(config, self.cell, self.status, self.ending, lambda _: None)
        await self.go(self.began)
        self.time.lowest = np.inf
        self.bench.speeds.clear()
        return self

    async def __aexit__(self, *_):
        self.cell.close()
        await self.bench.__aexit__()
        self.world.close()

    async def go(self, pose):
        await go(self.cell, pose, await self.cell.sense(), bool)

    async def pass_time(self, ticks):
        for _ in range(ticks):
            tick = await self.cell.sense()
        return tick

    def held(self, register):
        return [servo.get(register) for servo in self.bench.follower._bank.servos]

    @property
    def parked(self):
        return near(self.world.positions()[None], self.rig.pipelines.park)


def play(story, *overrides, **station):
    """Run it at a station."""

    async def main():
        async with Station(*overrides, **station) as there:
            await story(there)

    asyncio.run(main())


def test_parked_and_held():
    """At the end of a run the arm goes to its park pose, no faster than a reset, and holds there."""

    async def story(at):
        await at.rest.at_end(None, None, None)
        await at.pass_time(5)
        assert at.parked
        assert at.held(Register.TORQUE_ENABLE) == [1] * 6
        assert at.status.phase == Phase.PARKED
        limit = SPEED * at.rig.limits.max_step * at.rig.config.env.fps
        assert np.max(at.bench.speeds) < 1.5 * limit
        assert at.time.lowest > 0.0

    play(story)


def test_parked_and_released():
    """Let go gently, it stays where it lies, and stays limp whatever else holds arms at the end."""

    async def story(at):
        await at.rest.at_end(None, None, None)
        await at.arm.leave()
        assert at.held(Register.TORQUE_ENABLE) == [0] * 6
        tick = await at.pass_time(5)
        assert tick.cut is False
        assert at.time.lowest > -0.002

    play(story, RELEASE)


def test_it_comes_back_under_torque_without_a_jump():
    """An arm that was let go is told to be where it is, and then goes to its start pose."""

    async def story(at):
        await at.rest.at_end(None, None, None)
        await at.pass_time(5)
        before = at.world.positions()
        await at.cell.rise()
        assert at.held(Register.TORQUE_ENABLE) == [1] * 6
        assert np.abs(at.world.positions() - before).max() < np.deg2rad(2.0)
        await at.go(at.rig.home)
        assert near(at.world.positions()[None], at.rig.home)

    play(story, RELEASE)


def test_asked_again_it_stops_on_the_way():
    """The arm holds where it is then, and says so."""

    async def story(at):
        at.words.stop, at.words.stop_asks = 2, 1
        wait = at.time.wait

        async def wait_and_ask():
            at.words.stop_asks += at.time.count == 30
            return await wait()

        at.time.wait, at.time.count = wait_and_ask, 20
        await at.rest.at_end(None, None, None)
        assert not at.parked
        assert "was stopped on the way" in at.status.message
        before = at.world.positions()
        await at.pass_time(5)
        assert np.abs(at.world.positions() - before).max() < np.deg2rad(2.0)
        assert at.held(Register.TORQUE_ENABLE) == [1] * 6

    play(story, RELEASE)


@pytest.mark.parametrize(
    ("error", "parks"),
    [
        (CameraLostError("front", 11.0), True),
        (OverheatError("elbow_flex", 70.0, 65.0), False),
        (BusTimeoutError("port", {3: "elbow_flex"}, "read", 3, 0.1, None), True),
        (RuntimeError("a bug"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_after_an_error(error, parks):
    """After one that is not the arm's own it goes to rest; after one of a motor, or a bug, it holds where it is."""

    async def story(at):
        ticks = at.time.count
        await at.rest.at_end(type(error), error, None)
        assert at.parked is parks
        assert (at.time.count > ticks) is parks

    play(story)


def test_without_a_park_pose_nothing_moves():
    """As ever."""

    async def story(at):
        at.rest._pose = None
        ticks = at.time.count
        await at.rest.at_end(None, None, None)
        assert at.time.count == ticks

    play(story)


def test_a_gripper_that_holds_something_does_not_squeeze():
    """At rest its goal is hardly beyond its opening, though the park pose has it shut."""

    async def story(at):
        finger = at.world._model.joint("gripper")
        stuck = at.world.positions()[5]
        at.world._model.jnt_range[finger.id] = (stuck - 0.02, at.world._model.jnt_range[finger.id][1])
        await at.rest.at_end(None, None, None)
        lead = at.held(Register.GOAL_POSITION)[5] - at.held(Register.PRESENT_POSITION)[5]
        assert 0 < abs(lead) <= GRIP_LEAD

    play(story)


@pytest.mark.parametrize("seed", range(6))
def test_from_anywhere_it_stays_off_the_table(seed):
    """From places all over the workspace box no part of the arm comes to the table on its way."""
    rig, rng = Rig(), np.random.default_rng(seed)
    box, (solver,) = rig.config.bounds(""), rig.kinematics
    target, joints = rig.setpoint.pose_of(rig.home)[0], rig.home[0]
    target[:3, 3] = rng.uniform(box.min, box.max)
    for _ in range(20):
        joints = np.append(solver.inverse(joints, target).q, joints[5])

    async def story(at):
        began = lowest(at.world)
        await at.rest.at_end(None, None, None)
        assert at.parked
        assert at.time.lowest > min(began, 0.0) - 0.002

    play(story, began=joints[None])
