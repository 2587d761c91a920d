"""The way back to the start pose."""

import asyncio

import numpy as np
import pytest
from armbench import Bench
from cellbench import make_cell
from rig import Rig

from hilrt.control.collision import Clearance
from hilrt.control.reset import ResetMove, stay
from hilrt.devices.calibration import Calibration
from hilrt.errors import CollisionError
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


def test_an_arm_that_is_pushed_aside_goes_back_before_the_episode():
    """The scene is ready while the arm is away from where the episode begins: it begins once the arm is back."""
    rig = Rig()
    calibration = Calibration.load(rig.config.robot.calibration_path(""))
    seen = []

    def ready(tick):
        seen.append(tick.joints)
        return len(seen) > 2

    async def main():
        with World("pick_lift", 0) as world:
            async with Bench(world, calibration) as bench:
                await bench.arm.enable_torque()
                cell = make_cell(rig, bench, (0, PUSH), ticks=5)
                await stay(cell, rig.home, ready, bool)
                return cell._ticker.count

    assert asyncio.run(main()) > 5
    assert len(seen) == 4
    away = np.rad2deg(np.abs(np.array(seen)[:, 0] - rig.home[0])[:, :5].max(axis=1))
    assert away[2] > 8.0, "it is away as the scene is ready"
    assert away[3] < 1.0
