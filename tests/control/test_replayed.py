"""The largest deviation, and whose it was."""

import numpy as np

from hilrt.control.replayed import Replayed


def test_largest_deviation_is_named():
    """Arm, joint, step and degrees of the worst; the gripper by itself."""
    result, still = Replayed(episode=4, steps=10, played=10), np.zeros((2, 6))
    for step, off in enumerate(np.deg2rad([1.0, 3.0, 2.0])):
        moved = still.copy()
        moved[1, 2] = -off
        moved[0, 5] = off
        result.see(moved, still, step, ("left", "right"))
    assert (round(result.joint_deg, 3), result.joint, result.at_step) == (3.0, "right elbow_flex", 1)
    assert result.gripper > 0
    assert "episode 4, 10 of 10 steps" in str(result)
    assert "3.00 deg (right elbow_flex at step 1)" in str(result)


def test_without_deviation_no_joint_is_named():
    """A replay to the bit blames nobody."""
    result = Replayed(episode=0, steps=1)
    result.see(np.ones((1, 6)), np.ones((1, 6)), 0, ("",))
    result.see_goal(np.ones((1, 6)), np.ones((1, 6)))
    assert "measured joints 0.00 deg, " in str(result)
