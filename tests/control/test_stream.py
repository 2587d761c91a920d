"""Goals between two ticks, on a simulated arm: what a joint's speed really is."""

import asyncio

import numpy as np
import pytest
import recorded
from armbench import Bench
from cellbench import make_cell
from rig import Rig, load

from hilrt.config import SimArm
from hilrt.control.reset import ResetMove
from hilrt.control.stream import Stream
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.sim.world import START_POSE_DEG, World
from hilrt.step.record import GripperCommand

HOME = np.radians(START_POSE_DEG)
AWAY = np.radians((-30.0, 10.0, -15.0, 60.0, -40.0, 20.0))

GRIPPER = (GripperCommand.CLOSE, GripperCommand.STAY, GripperCommand.OPEN)


class Cell:
    """A stream to one arm, tick by tick."""

    def __init__(self, bench, config):
        limit = float(np.deg2rad(config.safety.max_joint_velocity_deg_s))
        self.bench, self.period_s = bench, 1 / config.env.fps
        self.max_step = limit * self.period_s
        self.stream = Stream([bench.arm], config.goals_per_tick, self.period_s, limit)

    async def tick(self, goal):
        """Send a goal, and let the period pass as lockstep does."""
        await self.stream.aim(goal[None])
        while self.stream.moves:
            await self.bench.go_on(self.period_s / self.stream.parts)
            await self.stream.send(self.stream.sent + 1)
        await self.bench.go_on(self.period_s / self.stream.parts)

    async def reset(self, start, goal):
        """The way to a start pose; the fastest that a joint went [deg/s], and where the arm is."""
        move = ResetMove(start[None], goal[None], self.max_step, 10, lambda *_: None)
        self.bench.speeds.clear()
        for _ in range(round(1.5 / self.period_s)):
            await self.tick(move.advance()[0])
        return np.rad2deg(np.max(self.bench.speeds)), self.bench.world.positions()


def on_a_bench(config, work):
    """What `work` gives, done with an arm that stands at HOME with torque on."""
    calibration = Calibration.load(config.robot.calibration_path(""))

    async def main():
        with World("pick_lift", 0) as world:
            async with Bench(world, calibration) as bench:
                await bench.arm.enable_torque()
                return await work(Cell(bench, config))

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("fps", "limit", "promised"), [(10, 180, 60), (10, 30, 10), (30, 180, 60), (100, 180, 60)]
)
def test_a_reset_keeps_its_speed_between_the_ticks(fps, limit, promised):
    """What it promises is the speed, not its mean, with a third of the limit; and it arrives."""
    config = load(f"env.fps={fps}", f"safety.max_joint_velocity_deg_s={limit}.0")

    async def work(cell):
        fastest, there = await cell.reset(HOME, AWAY if limit == 180 else HOME + 0.15)
        return fastest, there

    fastest, there = on_a_bench(config, work)
    assert fastest < 1.1 * promised + 0.5
    assert there == pytest.approx(AWAY if limit == 180 else HOME + 0.15, abs=0.06)


@pytest.mark.parametrize("fps", [10, 30, 100])
def test_no_joint_exceeds_the_limit(fps):
    """Goals that go as far as a tick may, and back, at a limit of 30 degrees/s: a start or a turn swings by 5 %."""
    config = load(f"env.fps={fps}", "safety.max_joint_velocity_deg_s=30.0")

    async def work(cell):
        goal, way = HOME.copy(), cell.max_step * np.array((1, -1, -1, -1, 1, 1))
        for sign in np.repeat((1, -1, 1), round(0.4 * fps)):
            goal = goal + sign * way
            await cell.tick(goal)
        behind = np.abs(goal - cell.bench.world.positions()).max()
        return np.rad2deg(np.max(cell.bench.speeds)), np.rad2deg(behind)

    fastest, behind = on_a_bench(config, work)
    assert 28.0 < fastest < 31.6
    assert behind < 2.8


def test_a_speed_that_another_program_left_behind_has_no_effect():
    """Servos that may go at 40 counts/s, or have 700 ms for it, arrive in the tick as others do."""
    config = load()

    async def work(cell):
        for servo in cell.bench.follower._bank.servos:
            servo.put(Register.GOAL_VELOCITY, 40)
            servo.put(Register.GOAL_TIME, 700)
        _, there = await cell.reset(HOME, AWAY)
        return there, cell.bench.follower._bank.servos[0].get(Register.GOAL_TIME)

    there, time = on_a_bench(config, work)
    assert there == pytest.approx(AWAY, abs=0.06)
    assert time == 0


def written(bench):
    """All goals that the arm will be sent, as a list that grows."""
    told, send = [], bench.arm.write

    async def write(goal, speed):
        told.append(goal)
        await send(goal, speed)

    bench.arm.write = write
    return told


def test_ways_are_blended_into_each_other():
    """A way begins and ends little by little, nowhere leaves the line of its goals, and standing arms are told once."""
    config = load()

    async def work(cell):
        goal = HOME + 0.1
        told = written(cell.bench)
        for _ in range(3):
            await cell.tick(goal)
        return np.array(told)

    told = on_a_bench(config, work)
    shares = (1 / 15, 3 / 15, 6 / 15, 9 / 15, 12 / 15, 14 / 15, 1, 1, 1, 1, 1)
    assert told == pytest.approx(HOME + 0.1 * np.array(shares)[:, None], abs=2e-3)


@pytest.mark.parametrize(("hz", "parts"), [(50, 3), (10, 1)])
def test_velocity_changes_little_by_little(hz, parts):
    """From one goal to the next by a third of what changes between two ticks at most; by all of it without parts."""
    rng = np.random.default_rng(0)

    async def work(cell):
        told, goals = written(cell.bench), [HOME] * 2
        for _ in range(20):
            goals.append(goals[-1] + rng.uniform(-1, 1, 6) * cell.max_step)
            await cell.tick(goals[-1])
        return np.diff(goals, 2, axis=0) / cell.period_s, np.diff([HOME, HOME, *told], 2, axis=0) * hz

    turns, changes = on_a_bench(load(f"robot.command_hz={hz}"), work)
    assert len(changes) == 2 * hz
    assert np.abs(changes).max(axis=0) == pytest.approx(np.abs(turns).max(axis=0) / parts, rel=0.05)


def wandered(hz, nature):
    """Action and joint goal of each of 24 steps of the same wishes, and how many goals the arm was sent."""
    rig = Rig(f"robot.command_hz={hz}")
    calibration = Calibration.load(rig.config.robot.calibration_path(""))
    steps = []

    async def main():
        with World("pick_lift", 0, nature=nature) as world:
            async with Bench(world, calibration, nature) as bench:
                await bench.arm.enable_torque()
                cell, told = make_cell(rig, bench), written(bench)
                for step, action in enumerate(recorded.steps(24)[0]):
                    tick = await cell.sense(step)
                    tick.policy_action, tick.policy_gripper = action, (GRIPPER[step // 8],)
                    rig.pipelines.grip.see(tick.readings, rig.setpoint.sent)
                    rig.pipelines.action.run(tick)
                    await cell.act(tick)
                    steps.append((tick.action.ravel(), tick.joint_goal.ravel()))
                return len(told)

    sent = asyncio.run(main())
    return [np.array(column) for column in zip(*steps, strict=True)], sent


@pytest.mark.parametrize("preset", ["so100", "stiff"])
def test_what_is_recorded_does_not_depend_on_the_parts(preset):
    """The same wishes give the same actions and joint goals, to the bit, whether a tick is one goal or five.

    But for the gripper's, which never leads its jaw far: it is as near as the jaw is to where it would be.
    """
    nature = SimArm(preset=preset)
    ((actions, goals), one), ((same, apart), five) = wandered(10, nature), wandered(50, nature)
    assert five > 4 * one
    assert len(actions) == 24
    np.testing.assert_array_equal(actions, same)
    np.testing.assert_array_equal(goals[:, :5], apart[:, :5])
    np.testing.assert_allclose(goals[:, 5], apart[:, 5], atol=np.radians(0.5))
    assert np.ptp(goals, axis=0).min() > 0.05


def test_the_jerk_of_a_way_is_that_of_its_goals():
    """Looked at 50 times a second, whatever the rate: velocity steps at 10 Hz, and is spread over three parts at 50."""

    async def work(cell):
        goal = HOME + 0.1
        await cell.tick(goal)
        first = cell.stream.jerk[:, 0, 0].copy()
        await cell.tick(goal)
        return np.concatenate((first, cell.stream.jerk[:, 0, 0]))

    step = 1.0 / 0.02**2  # 1 rad/s, from one look to the next
    sudden = [step, -step, 0, 0, 0, -step, step, 0, 0, 0]
    blended = np.array([1, 0, 0, -1, 0, -1, 0, 0, 1, 0]) * step / 3
    for hz, wanted in ((10, sudden), (50, blended)):
        jerk = on_a_bench(load(f"robot.command_hz={hz}"), work)
        assert jerk == pytest.approx(wanted, abs=0.02 * step)


def test_a_stream_that_is_stopped_says_no_more():
    """The arm stays at the last part, and the next way begins there."""
    config = load()

    async def work(cell):
        await cell.stream.aim(HOME[None] + 0.1)
        cell.stream.stop()
        assert not cell.stream.moves
        return cell.bench.arm.told

    assert on_a_bench(config, work) == pytest.approx(HOME + 0.02 / 3, abs=2e-3)
