"""Where an episode begins."""

import numpy as np
import pytest
from rig import Rig

from hilrt.control.route import REACHED

RANGE = (0.03, 0.04, 0.02)


def places(rig, count=30, arm=0):
    """Where draws put the tool, shape (count, 3) [m]."""
    return np.array([rig.position(rig.pipelines.starts.draw(seed), arm) for seed in range(count)])


@pytest.fixture(scope="module")
def rig():
    """An arm whose episodes begin around its start pose."""
    return Rig(f"processor.reset.start_range_m={list(RANGE)}")


def test_without_a_range_it_is_the_start_pose():
    """To the bit: nothing is solved."""
    rig = Rig()
    assert rig.pipelines.starts.draw(3) is rig.home


def test_equal_seeds_give_equal_starts(rig):
    """And others other ones."""
    draw = rig.pipelines.starts.draw
    assert (draw(5) == draw(5)).all()
    assert np.abs(draw(5) - draw(6)).max() > 1e-3


def test_starts_are_in_range_and_in_the_box(rig):
    """To either side along each axis, and as much of that as the box has; the tool is where it was drawn."""
    middle, box = rig.position(rig.home), rig.config.bounds("")
    drawn = places(rig)
    assert (np.abs(drawn - middle) <= np.array(RANGE) + REACHED).all()
    assert (drawn >= np.array(box.min) - REACHED).all()
    assert (drawn <= np.array(box.max) + REACHED).all()
    assert (np.ptp(drawn, axis=0) > 0.5 * np.array(RANGE)).all()


def test_the_gripper_is_as_in_the_start_pose(rig):
    """What is drawn is where the tool is."""
    assert rig.pipelines.starts.draw(1)[0, 5] == rig.home[0, 5]


def test_none_is_in_a_collision():
    """With a table as high as the lower half of the range, all starts are above it."""
    plain = Rig()
    height = plain.position(plain.home)[2] - 0.05
    rig = Rig(
        "processor.reset.start_range_m=[0.0, 0.0, 0.08]",
        f"safety.table_height_m={height}",
        "processor.inverse_kinematics.end_effector_bounds={min = [0.1, -0.2, -0.1], max = [0.4, 0.2, 0.3]}",
    )
    drawn = [rig.pipelines.starts.draw(seed) for seed in range(20)]
    assert all(rig.pipelines._guard.free(0, joints[0]) for joints in drawn)
    assert min(rig.position(joints)[2] for joints in drawn) > height


def test_out_of_reach_it_is_the_start_pose():
    """A range that the arm cannot fill ends there after some tries."""
    rig = Rig("processor.reset.start_range_m=[0.0, 0.0, 40.0]", by_joint=True)
    assert (rig.pipelines.starts.draw(0) == rig.home).all()


def test_each_of_two_arms_has_its_own():
    """What one draws the other does not."""
    rig = Rig(f"processor.reset.start_range_m={list(RANGE)}", name="sim_bimanual.toml")
    drawn = rig.pipelines.starts.draw(0)
    assert np.abs(drawn[0] - drawn[1]).max() > 1e-3
