"""Telling a grasp by gripper and height alone, on ticks made by hand; jobs with it: tests/test_grasp_jobs.py."""

import shutil

import pytest
from hand import Hand
from rig import ROOT, Rig, load

from hilrt.devices.shutfile import ShutGripper
from hilrt.errors import ConfigError, ShutUnknownError
from hilrt.step.record import GripperCommand

GRASP = 'reward.type="grasp"'
TICKS_OF_HOLD = 6
CLOSE, OPEN, STAY = GripperCommand.CLOSE, GripperCommand.OPEN, GripperCommand.STAY


def holding(width=0.3):
    """A gripper with an object of that width between its jaws."""
    return Hand(Rig(GRASP), width)


def test_something_that_is_raised_is_grasped():
    """It is said after half a second at the height, not before, whatever the task itself says."""
    hand = holding()
    hand.go(20, CLOSE)
    hand.go(TICKS_OF_HOLD - 1, STAY, 0.06)
    assert not any(hand.done)
    hand.go(1, STAY, 0.06)
    assert hand.done[-1]


@pytest.mark.parametrize(
    ("width", "height"), [(0.0, 0.06), (0.02, 0.06), (0.3, 0.04)], ids=["empty", "within margin", "low"]
)
def test_what_is_no_grasp_is_none(width, height):
    """An empty gripper, one that shuts as far as an empty one may, and one that is not raised far enough."""
    hand = holding(width=width)
    hand.go(20, CLOSE)
    hand.go(20, STAY, height)
    assert not any(hand.done)


def test_a_gripper_that_was_told_to_stop_holds_nothing():
    """Half shut, raised, and nothing between its jaws."""
    hand = holding(width=0.0)
    hand.go(1, CLOSE)
    hand.go(20, STAY, 0.06)
    assert hand.joints[0, 5] > hand.rig.limits._closed[0] + 0.2
    assert not any(hand.done)


def test_what_slips_out_counts_from_its_next_grasp():
    """The height is counted from where the gripper last stopped on something."""
    hand = holding()
    hand.go(20, CLOSE)
    hand.go(2, STAY, 0.06)
    hand.width = 0.0
    hand.go(10, CLOSE, 0.06)
    hand.go(20, OPEN, 0.06)
    hand.width = 0.3
    hand.go(30, CLOSE, 0.06)
    assert not any(hand.done)


def test_a_new_episode_begins_anew():
    """What was raised before is no success of the next episode until it has been so for as long again."""
    hand = holding()
    hand.go(20, CLOSE)
    hand.go(TICKS_OF_HOLD, STAY, 0.06)
    assert hand.done[-1]
    hand.rig.pipelines.outcome.begin()
    hand.go(20, STAY, 0.06)
    assert not hand.done[-1]


def test_an_arm_whose_empty_gripper_was_never_shut_is_refused(tmp_path):
    """With the file that is missing and the command that makes it."""
    root = tmp_path / "calibration"
    shutil.copytree(ROOT / "configs/calibration", root)
    ShutGripper.path(root / "robots/so100_follower/sim.json").unlink()
    here = f"robot.calibration_dir={root}"
    with pytest.raises(ShutUnknownError, match=r"sim\.shut\.json is missing.*hilrt calibrate --shut CONFIG"):
        Rig(GRASP, here)
    Rig(here)


def test_without_a_gripper_there_is_no_grasp():
    """The task file says so."""
    with pytest.raises(ConfigError, match="nothing tells it to shut"):
        Rig(GRASP, "processor.gripper={use_gripper=false}")


@pytest.mark.parametrize("reward", [GRASP, 'reward.all_of=["grasp", "classifier"]'])
def test_a_height_that_the_box_has_no_room_for_is_refused(reward):
    """It could never be reached; with what is too high, in which box, and what to do."""
    cameras = "robot.cameras.front={type='sim', width=80, height=64}"
    words = (
        r"\$\.reward\.height_m: is 0\.115 m, but \$\.processor\.inverse_kinematics\.end_effector_bounds is 0\.115 m "
        r"high.*Make height_m smaller, or the box higher"
    )
    with pytest.raises(ConfigError, match=words):
        load(reward, cameras, "reward.height_m=0.115")
    load(reward, cameras, "reward.height_m=0.114")
    load("reward.height_m=0.115")
    load(GRASP, "reward.height_m=0.115", by_joint=True)


def test_each_arm_has_a_box_of_its_own():
    """One that is too flat for a grasp is refused by its own name, whatever the others have room for."""
    flat = "robot.arms.right.end_effector_bounds={min=[0.15, -0.11, 0.005], max=[0.31, 0.17, 0.05]}"
    two = {"name": "sim_bimanual.toml"}
    with pytest.raises(ConfigError, match=r"\$\.robot\.arms\.right\.end_effector_bounds is 0\.045 m high"):
        load(GRASP, flat, **two)
    load(GRASP, flat, "reward.height_m=0.04", **two)
    with pytest.raises(
        ConfigError, match=r"\$\.processor\.inverse_kinematics\.end_effector_bounds is 0\.115 m high"
    ):
        load(GRASP, "reward.height_m=0.2", **two)
