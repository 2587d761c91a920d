"""Goals that are sent higher by what a soft arm hangs lower."""

import asyncio

import numpy as np
import pytest
from armbench import Bench
from cellbench import make_cell
from rig import Rig

from hilrt.config import SimArm
from hilrt.control.collision import Clearance
from hilrt.control.feedforward import MOST, Feedforward
from hilrt.control.reset import go
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.devices.feetech.registers import Register
from hilrt.sim.world import World

ON = "robot.gravity_compensation=true"
POSES = {
    20: (2.7, -14.8, 27.0, 77.8, -84.5, 50.0),
    30: (1.7, 36.6, -42.4, 93.0, -85.6, 50.0),
    39: (1.3, 56.7, -68.5, 71.5, -87.4, 50.0),
}
"""By reach [cm], 5 cm above the table."""


def on_a_bench(work, *overrides, stiffness=17.8):
    """What `work` gives, done with a simulated arm that has come to rest at its start pose."""
    rig = Rig(*overrides)
    calibration, nature = (
        Calibration.load(rig.config.robot.calibration_path("")),
        SimArm(preset="stiff", stiffness=stiffness),
    )

    async def main():
        with World("pick_lift", 0, nature=nature) as world:
            async with Bench(world, calibration, nature) as bench:
                await bench.arm.enable_torque()
                cell = make_cell(rig, bench)
                await go(cell, rig.home, await cell.sense(), bool)
                return await work(rig, bench, cell)

    return asyncio.run(main())


async def sags(rig, bench, cell):
    """How far below where it is told to be the end effector comes to rest, by reach [mm]."""
    low = {}
    for reach, pose in POSES.items():
        goal = radians_from_units(pose)[None]
        await go(cell, goal, await cell.sense(), bool)
        for _ in range(20):
            tick = await cell.sense()
        low[reach] = 1e3 * (rig.position(goal) - tick.pose[0, :3, 3])[2]
        assert cell.told == pytest.approx(goal, abs=2e-3), "what it is told is on the record as it was meant"
    return low


@pytest.mark.parametrize("stiffness", [11.0, 17.8, 24.0])
def test_it_takes_away_most_of_the_sag(stiffness):
    """What is left is a third at the most, at any reach, and the arm is not sent higher than it was meant to be."""
    without = on_a_bench(sags, stiffness=stiffness)
    left = on_a_bench(sags, ON, stiffness=stiffness)
    for reach, low in without.items():
        assert -1.5 < left[reach] < max(0.35 * low, 2.0)


def test_a_held_arm_keeps_its_compensation():
    """Told to hold, it neither sinks nor forgets where it was meant to be: what comes next begins there."""

    async def work(rig, bench, cell):
        goals = [servo.get(Register.GOAL_POSITION) for servo in bench.follower._bank.servos]
        before = cell.told
        await bench.arm.hold()
        after = [servo.get(Register.GOAL_POSITION) for servo in bench.follower._bank.servos]
        return goals, after, before, cell.told, rig.home

    goals, after, before, told, home = on_a_bench(work, ON)
    assert goals[:5] == after[:5]
    assert told[:, :5] == pytest.approx(before[:, :5])
    assert np.rad2deg(bench_off(goals, home)).max() > 0.5, "they are higher than meant"


def bench_off(goals, home):
    """How far goals of servos [counts] are from a pose [rad]."""
    calibration = Calibration.load(Rig().config.robot.calibration_path(""))
    return np.abs(calibration.radians(np.array(goals, float)) - home[0])[:5]


class Learnt:
    """A compensation of arms that are known to be soft, without the arms."""

    def __init__(self, compliance, meets=lambda *_: None):
        self.rig = Rig()
        self.feedforward = Feedforward(self.rig.pipelines.sag, self.rig.limits, meets, 0.1)
        self.rig.pipelines.sag.compliance[:] = compliance
        self.feedforward.learn()

    def after(self, goal, ticks):
        """What is added to a goal that has been sent for so long."""
        for _ in range(ticks):
            added = self.feedforward.of(goal)
        return added


def test_it_comes_slowly_and_is_bounded():
    """A degree in a tenth of a second, to 5 degrees at the most, upwards, and nothing at the gripper."""
    far = radians_from_units(POSES[39])[None]
    soft = Learnt(0.2)
    assert np.rad2deg(soft.after(far, 1)[0, 1]) == pytest.approx(-1.0)
    assert soft.after(far, 20)[0, 1] == pytest.approx(-MOST)
    assert soft.after(far, 1)[0, 5] == 0.0


def test_no_joint_is_sent_beyond_its_limits():
    """At the end of its range a goal stays there."""
    soft = Learnt(0.1)
    end = soft.rig.home.copy()
    end[0, 2] = soft.rig.limits.lower[0, 2]
    assert soft.after(end, 20)[0, 2] == 0.0
    assert soft.after(end, 20)[0, 1] < 0.0


def test_no_arm_is_sent_where_it_would_collide():
    """What the collision check sees there is not risked for a millimetre."""
    soft = Learnt(0.1, meets=lambda *_: Clearance(0.001, "gripper_link", "upper_arm_link"))
    assert not soft.after(soft.rig.home, 20).any()


def test_it_is_learnt_once():
    """Before the arm has come to rest nothing is added; afterwards the sag that is left is what counts as sag."""
    rig = Rig(ON)
    assert not rig.pipelines.feedforward.of(rig.home).any()
    assert Rig().pipelines.feedforward is None
    soft = Learnt(0.05)
    assert soft.rig.pipelines.sag.compliance == 0.0
    assert soft.feedforward.compliance == 0.05
