"""The way by way of a lift."""

import numpy as np
import pytest
from rig import Rig

from hilrt.control.collision import Collisions
from hilrt.control.route import NEAR, RISE, ahead
from hilrt.robots import SO100_URDF

REST_DEG = (0.0, -95.0, 85.0, 75.0, 0.0, 10.0)
LOWER = 0.003
"""By which a tool between two points of a way may be lower than planned [m]."""


@pytest.fixture(scope="module")
def rig():
    """The simulated arm, with a rest pose."""
    return Rig(f"safety.park_pose={list(REST_DEG)}")


def somewhere(rig, rng):
    """Joints of a place in the workspace box, shape (1, 6) [rad]."""
    box, (solver,) = rig.config.bounds(""), rig.kinematics
    target, joints = rig.setpoint.pose_of(rig.home)[0], rig.home[0]
    target[:3, 3] = rng.uniform(box.min, box.max)
    for _ in range(20):
        joints = np.append(
            solver.inverse(joints, target).q, rng.uniform(rig.limits.lower[0, 5], rig.limits.upper[0, 5])
        )
    return joints[None]


def walked(way, start, reach=0.02):
    """All set-points on a way."""
    here, points, poses = start, way, [start]
    while points:
        here, points = ahead(here, points, reach)
        poses.append(here)
    return np.array(poses)


def ends(rig, count=40):
    """Pairs of poses: between places in the box, to the rest pose, and from there."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        here = somewhere(rig, rng)
        yield here, rig.home
        yield here, rig.pipelines.park
        yield rig.pipelines.park, here


def test_the_tool_passes_over_the_scene(rig):
    """Away from both ends it is as high as the box, or as the arm gets; nowhere is it lower than its lower end."""
    top = rig.config.bounds("").max[2]
    for start, goal in ends(rig):
        poses = walked(rig.pipelines.lift(start, goal), start)
        places = np.array([rig.position(pose) for pose in poses])
        assert poses[-1] == pytest.approx(goal)
        low = min(places[0, 2], places[-1, 2])
        assert places[:, 2].min() > min(low, top) - LOWER
        away = [np.hypot(*(places[:, :2] - place[:2]).T) > NEAR for place in (places[0], places[-1])]
        between = places[away[0] & away[1], 2]
        assert (between > min(top, max(low, 0.06)) - LOWER).all(), (between.min(), start, goal)


def test_no_link_gets_below_the_table(rig):
    """The lowest link is nowhere nearer to it than at the nearer of the two ends."""
    table = Collisions(SO100_URDF, table_height=0.0, itself=False)
    for start, goal in ends(rig):
        poses = walked(rig.pipelines.lift(start, goal), start)
        clear = [table.clearance(pose[0]).distance for pose in poses]
        assert min(clear) > min(clear[0], clear[-1]) - LOWER


def test_joints_stay_in_their_limits(rig):
    """On the whole way, and no joint goes further between two set-points than it may."""
    for start, goal in ends(rig, 10):
        poses = walked(rig.pipelines.lift(start, goal), start, reach=0.02)
        assert (poses >= rig.limits.lower - 1e-9).all()
        assert (poses <= rig.limits.upper + 1e-9).all()
        assert np.abs(np.diff(poses, axis=0)).max() <= 0.02 + 1e-9


@pytest.mark.parametrize("closes", [False, True])
def test_a_gripper_opens_first_and_closes_last(rig, closes):
    """What it holds is let go where it is, and what it is to close on is closed on at the end."""
    rng = np.random.default_rng(1)
    start, goal = somewhere(rig, rng), rig.home.copy()
    closed, opened = rig.limits.lower[0, 5], rig.limits.upper[0, 5]
    start[0, 5], goal[0, 5] = (opened, closed) if closes else (closed, opened)
    poses = walked(rig.pipelines.lift(start, goal), start)
    moves = np.abs(np.diff(poses, axis=0)) > 1e-6
    arm, gripper = np.flatnonzero(moves[:, 0, :5].any(axis=1)), np.flatnonzero(moves[:, 0, 5])
    first, then = (arm, gripper) if closes else (gripper, arm)
    assert first[-1] <= then[0] + 1


def test_a_short_way_is_straight(rig):
    """An arm that was pushed aside by a finger's breadth needs no lift to go back."""
    start = rig.home.copy()
    start[0, 0] += 0.05
    assert len(rig.pipelines.lift(start, rig.home)) == 1


def test_without_a_box_it_rises_above_both_ends():
    """Joint control has no box that says how far up is."""
    rig = Rig(by_joint=True)
    start = rig.home.copy()
    start[0, 0] += 0.8
    heights = [rig.position(pose)[2] for pose in rig.pipelines.lift(start, rig.home)]
    assert max(heights) == pytest.approx(rig.position(rig.home)[2] + RISE, abs=LOWER)


def test_two_arms_go_each_their_way():
    """The one that is there sooner waits for the other."""
    rig = Rig(name="sim_bimanual.toml")
    start = rig.home.copy()
    start[1, 0] += 0.8
    poses = np.array(rig.pipelines.lift(start, rig.home))
    assert np.abs(poses[:, 0] - rig.home[0]).max() == 0.0
    assert rig.position(poses[len(poses) // 2], arm=1)[2] > 0.1


def test_resets_go_as_the_task_file_says():
    """With `via = "straight"` a reset plans nothing."""
    assert Rig("processor.reset.via=lift").pipelines.way
    assert Rig("processor.reset.via=straight").pipelines.way is None
