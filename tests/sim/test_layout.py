"""Where the simulated arms stand."""

import numpy as np

from hilrt.sim.layout import bases


def test_a_single_arm_stands_at_the_origin():
    """With one arm the world's frame is the arm's base frame, to the bit."""
    np.testing.assert_array_equal(bases(1), [[0.0, 0.0, 0.0]])


def test_two_arms_stand_side_by_side_with_the_first_on_the_left():
    """Two bases lie opposite each other on the y axis, on the table, too far apart to share a patch."""
    left, right = bases(2)
    np.testing.assert_array_equal(left, -right)
    assert left[0] == left[2] == 0.0
    assert left[1] - right[1] >= 0.25
