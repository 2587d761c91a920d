"""Each effect of the simulated servos, beside the figure that is known of real ones."""

import asyncio

import numpy as np
import pytest
from armbench import Bench
from drive import ALL, Driver

from hilrt.config import SimArm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.sim.model import STALL_TORQUE
from hilrt.sim.world import START_POSE_DEG, World

START = np.radians(START_POSE_DEG)
SO100 = SimArm(preset="so100")
PAN, LIFT = 0, 1
FRICTION = 0.052  # [N m], of the gears
SIM = "configs/calibration/robots/so100_follower/sim.json"


def push(world, torque):
    """By hand against the shoulder pan, which bears no weight [N m]."""
    world._data.qfrc_applied[PAN] = torque


def behind(torque, p_gain):
    """How far a loaded servo rests from its goal [rad]."""
    with World("pick_lift", 0, nature=SO100) as world:
        world.set_goals(START, ALL, p_gain=p_gain)
        push(world, torque)
        world.step(3.0)
        assert np.abs(world.velocities()).max() < 0.01
        return world.positions()[PAN] - START[PAN]


def test_a_weight_pulls_a_servo_as_far_from_its_goal_as_was_measured():
    """1.5 kg at 10 cm: 1.8 to 2.6 degrees and about a degree of play at the factory's P; half as stiff at ours."""
    factory, ours = behind(1.5, 2.0), behind(1.5, 1.0)
    assert 1.8 - 0.5 < np.degrees(factory) < 2.6 + 0.5
    assert 23.0 < 1.5 / factory < 47.0
    dead = np.radians(0.5)
    assert (ours - dead) / (factory - dead) == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize("reach", [0.22, 0.30])
def test_an_arm_hangs_as_low_as_was_found(reach):
    """Shoulder 1.7 to 2.8 degrees and tool 7 to 16 mm below their goals, in the middle of the patch and beyond it."""
    with World("pick_lift", 0, nature=SO100) as world:
        driver = Driver(world)
        way = np.inf
        while np.abs(way).max() > 0.002:
            way = (reach, 0.0, 0.05) - driver.pose[:3, 3]
            driver.act(way / 0.02, 1)
        world.step(2.0)
        assert 1.7 < np.degrees(world.positions() - driver.goals)[LIFT] < 2.8
        assert 0.007 < driver.pose[2, 3] - driver.ee[2] < 0.016


def test_the_stiffness_is_that_of_the_register(request):
    """A servo whose P_COEFFICIENT is doubled hangs half as far below its goal, its dead zone aside."""
    calibration = Calibration.load(request.config.rootpath / SIM)
    sags = []

    async def check():
        with World("pick_lift", 0, nature=SO100) as world:
            async with Bench(world, calibration, SO100) as bench:
                await bench.arm.enable_torque()
                await bench.arm.write(START, np.full(6, 5.0))
                for p in (16, 32):
                    for servo in bench.follower._bank.servos:
                        servo.put(Register.P_COEFFICIENT, p)
                    await bench.go_on(2.0)
                    sags.append(np.degrees(world.positions() - START)[LIFT] - 0.5)

    asyncio.run(check())
    assert sags[0] > 1.0
    assert sags[0] / sags[1] == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize(("change", "free"), [({}, 1.0), ({"play_deg": 2.0}, 2.0), ({"play_deg": 0.0}, 0.0)])
def test_a_joint_is_free_within_its_play(change, free):
    """A force that the gears' friction would bear moves a limp joint by the play, about a degree, and no further."""
    nature = SimArm(preset="so100", **change)
    with World("pick_lift", 0, nature=nature) as world:
        world.set_goals(START, [False, *ALL[1:]])
        world.step(1.0)
        ends = []
        for torque in (0.25 * FRICTION, -0.25 * FRICTION):
            push(world, torque)
            world.step(3.0)
            ends.append(np.degrees(world.positions()[PAN]))
        assert ends[0] - ends[1] == pytest.approx(free, abs=0.2)


@pytest.mark.parametrize(("off", "left"), [(0.4, 0.4), (3.0, 0.3), (-3.0, -0.3)])
def test_a_servo_does_nothing_within_its_dead_zone(off, left):
    """0.4 degrees from its goal a servo stays, without load; from 3 degrees it comes to half a degree or less."""
    with World("pick_lift", 0, nature=SO100) as world:
        world.set_goals(START, ALL)
        world._data.qpos[PAN] = START[PAN] + np.radians(off)
        world.step(3.0)
        assert np.degrees(world.positions() - START)[PAN] == pytest.approx(left, abs=0.25)
        assert world.loads()[PAN] == 0.0


def top_speed(load=0.0, **orders):
    """At which the pan runs to a goal far away, against a load [rad/s]."""
    with World("pick_lift", 0, nature=SO100) as world:
        push(world, -load)
        world._data.qpos[PAN] = -1.9
        world.set_goals(np.add(START, (20.0, 0, 0, 0, 0, 0)), ALL, **orders)
        speeds = []
        for _ in range(60):
            world.step(0.01)
            speeds.append(world.velocities()[PAN])
        return max(speeds)


def test_speed_falls_with_load_and_voltage():
    """5.2 rad/s at 12 V without load, about half at half the stall torque or half the voltage, none at all of it."""
    free = top_speed()
    assert free == pytest.approx(5.2, rel=0.1)
    assert top_speed(STALL_TORQUE / 2) == pytest.approx(free / 2, rel=0.1)
    assert top_speed(supply=0.5) == pytest.approx(free / 2, rel=0.1)
    assert top_speed(STALL_TORQUE) < 0.05


def trails(lag_s):
    """How far behind a goal that moves at 0.2 rad/s [s]."""
    with World("pick_lift", 0, nature=SimArm(preset="worn", lag_s=lag_s)) as world:
        goal = START.copy()
        for _ in range(200):
            goal[PAN] += 0.2 * 0.02
            world.set_goals(goal, ALL)
            world.step(0.02)
        return (goal - world.positions())[PAN] / 0.2


def test_a_worn_arm_comes_later():
    """A goal is followed 0.3 s later than without the lag, and reached all the same."""
    assert trails(None) - trails(0.0) == pytest.approx(0.3, abs=0.03)
    with World("pick_lift", 0, nature=SimArm(preset="worn")) as world:
        world.set_goals(START + 0.3, ALL)
        world.step(3.0)
        assert np.degrees(START + 0.3 - world.positions())[PAN] == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("preset", ["so100", "worn"])
def test_same_calls_same_bits(preset):
    """Two soft arms with the same goals end in bit-identical states."""
    states = []
    for _ in range(2):
        rng = np.random.default_rng(1)
        with World("push", 7, arms=2, nature=SimArm(preset=preset)) as world:
            for _ in range(20):
                world.set_goals(START + rng.uniform(-0.4, 0.4, 6), ALL, velocity_limit=3.0, arm=1)
                world.step(0.033)
            states.append(np.concatenate([world._data.qpos, world._data.qvel]))
    np.testing.assert_array_equal(states[0], states[1])


@pytest.mark.parametrize("piece_s", [0.004, 0.02, 0.1])
def test_a_camera_shows_what_was(piece_s):
    """Its picture is 60 ms old, a look at the servos more at most; a new scene is there at once."""
    with World("pick_lift", 0, nature=SO100) as world, World("pick_lift", 0) as copy:
        world.set_goals(START + 0.5, ALL, velocity_limit=1.0)
        times, angles = [], []
        for _ in range(round(0.4 / piece_s)):
            world.step(piece_s)
            times.append(world.time)
            angles.append(world.positions()[PAN])
        copy.mirror(world)
        seen = np.interp(copy.positions()[PAN], angles, times)
        assert 0.059 < world.time - seen < 0.071
        world.place(5)
        copy.mirror(world)
        np.testing.assert_array_equal(copy.object_pose(), world.object_pose())
