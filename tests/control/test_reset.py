"""The way back to the start pose."""

import asyncio

import numpy as np
import pytest
from armbench import Bench
from rig import Rig

from hilrt.control.cell import Cell
from hilrt.control.collision import Clearance
from hilrt.control.reset import SETTLE_TICKS, ResetMove, near, stay
from hilrt.control.scene import RealScene
from hilrt.control.stream import Stream
from hilrt.control.ticker import Tick
from hilrt.devices.calibration import Calibration
from hilrt.errors import ArmBlockedError, CollisionError
from hilrt.shm.status import ControlStatus
from hilrt.sim.world import World

HOME = np.array([[0.0, -0.1, 0.1, 1.5, -1.5, 0.8]] * 2)
STEP, PATIENCE = 0.1, 10
PUSH = 6.0
"""More than a servo holds [N m]."""
LIMIT = 3 * STEP  # a reset runs at a third of the joint velocity limit


def free(arm, goal, before):
    """Nothing is in the way."""


def moved(far=1.0):
    """A move from a pose that is `far` away in two joints of the second arm."""
    start = HOME.copy()
    start[1, 0] += far
    start[1, 5] -= far
    return start, ResetMove(start, HOME, LIMIT, PATIENCE, free)


def test_no_joint_exceeds_the_step():
    """From wherever the arms are, each command is at most a step from the last, and the last one is the start pose."""
    before, move = moved()
    for _ in range(10):
        goal = move.advance().copy()
        assert np.abs(goal - before).max() <= STEP + 1e-12
        before = goal
    assert before == pytest.approx(HOME)


def test_start_is_not_changed():
    """The move works on a copy: the measurement that it begins with stays what it was."""
    start, move = moved()
    move.advance()
    assert start[1, 0] == HOME[1, 0] + 1.0


def test_arrives_when_there_and_settled():
    """Arms at the start pose have arrived once they have been told so for some ticks; near is near enough."""
    _, move = moved(far=0.0)
    near = HOME + np.deg2rad(2.0)
    seen = []
    for _ in range(SETTLE_TICKS + 1):
        seen.append(move.arrived(near))
        move.advance()
    assert seen == [False] * (SETTLE_TICKS + 1)
    assert move.arrived(near)
    assert not move.arrived(HOME + np.deg2rad(4.0))


def test_blocked_arm_is_named():
    """An arm that does not get there, long after it was told to, ends the run with the motor and what is missing."""
    _, move = moved(far=0.0)
    held = HOME.copy()
    held[1, 2] += np.deg2rad(20.0)
    for _ in range(PATIENCE):
        move.advance()
        assert not move.arrived(held)
    move.advance()
    with pytest.raises(ArmBlockedError, match=r"elbow_flex.*20"):
        move.arrived(held)


def test_a_gripper_that_holds_something_is_no_obstacle():
    """A start pose with a closed gripper is reached though an object keeps the jaws apart."""
    _, move = moved(far=0.0)
    holding = HOME.copy()
    holding[0, 5] += 0.5
    for _ in range(SETTLE_TICKS + 1):
        move.advance()
    assert move.arrived(holding)


def test_joints_go_one_by_one_where_the_straight_way_is_barred():
    """Where all joints at once would meet something, those go that may, and the rest follow when they may."""
    start = HOME.copy()
    start[0, 0] += 0.5
    start[0, 1] -= 0.5

    def meets(arm, goal, before):
        """The shoulder must not turn while it is stretched out."""
        turns, out = goal[0] != before[0], goal[1] < HOME[0, 1] - 0.05
        return Clearance(-0.01, "wrist", "base") if arm == 0 and turns and out else None

    move = ResetMove(start, HOME, LIMIT, PATIENCE, meets)
    poses = [move.advance().copy() for _ in range(20)]
    assert poses[-1] == pytest.approx(HOME)
    assert poses[2][0, 0] == start[0, 0]
    assert poses[2][0, 1] > start[0, 1]


def test_no_way_on_is_an_error():
    """An arm that can move no joint without meeting something is left where it is, and the run ends with what it is."""
    _, move = moved()
    move._meets = lambda arm, *_: Clearance(-0.01, "wrist_link", "the table") if arm == 1 else None
    for _ in range(PATIENCE):
        assert move.advance()[1, 0] == HOME[1, 0] + 1.0
    with pytest.raises(
        CollisionError, match="on the way to the start pose, wrist_link would be too near the table"
    ):
        move.advance()


class Ticks:
    """Time of a bench, tick by tick; somebody pushes the base aside on the first five."""

    simulated = True

    def __init__(self, bench, stream, period_s):
        self.bench, self.stream, self.period_s, self.count = bench, stream, period_s, 0

    async def wait(self):
        self.count += 1
        self.bench.world._data.qfrc_applied[0] = PUSH if self.count <= 5 else 0.0
        for _ in range(self.stream.parts):
            await self.bench.go_on(self.period_s / self.stream.parts)
            if self.stream.moves:
                await self.stream.send(self.stream.sent + 1)
        return Tick(round(self.count * self.period_s * 1e9), 0, 0)

    async def until_act(self):
        """At once."""


def test_an_arm_that_is_pushed_aside_goes_back_before_the_episode():
    """The scene is ready while the arm is away from where the episode begins: it begins once the arm is back."""
    rig = Rig()
    period_s, limit = 1 / rig.config.env.fps, rig.limits.max_step * rig.config.env.fps
    calibration = Calibration.load(rig.config.robot.calibration_path(""))
    status = ControlStatus(memoryview(bytearray(ControlStatus.size)))
    seen = []

    def ready(tick):
        seen.append(tick.joints)
        return len(seen) > 2

    async def main():
        with World("pick_lift", 0) as world:
            async with Bench(world, calibration) as bench:
                await bench.arm.enable_torque()
                stream = Stream([bench.arm], rig.config.goals_per_tick, period_s, limit)
                ticks = Ticks(bench, stream, period_s)
                scene = RealScene(0.0)
                cell = Cell(
                    rig.config, ticks, stream, [bench.arm], None, scene, rig.pipelines, status, bool, bool
                )
                await stay(cell, rig.home, ready, bool)
                return ticks.count

    assert asyncio.run(main()) > 5
    assert len(seen) == 4
    assert not near(seen[2], rig.home), "it is away as the scene is ready"
    assert near(seen[3], rig.home)
