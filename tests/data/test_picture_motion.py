"""Where something moves."""

import numpy as np
import pytest
from pictured import COLUMNS, HEIGHT, ROWS, WIDTH, picture

from hilrt.data.motion import MARGIN, Motion


def watched(*episodes):
    motion, rng = Motion(), np.random.default_rng(1)
    for shares in episodes:
        motion.begin()
        for share in shares:
            motion.see(picture(share, rng))
    return motion.region()


def test_region_holds_the_motion_with_a_margin():
    """It is the box around all places of the block, and a twentieth of the frame on each side."""
    top, left, height, width = watched(np.linspace(0, 1, 20))
    rows, columns = MARGIN * HEIGHT, MARGIN * WIDTH
    assert (top, top + height) == pytest.approx((ROWS[0] - rows, ROWS[1] + rows), abs=4)
    assert (left, left + width) == pytest.approx((COLUMNS[0] - columns, COLUMNS[1] + columns), abs=4)


def test_noise_is_no_motion():
    """A still scene through a noisy camera gives no region."""
    assert watched([0.5] * 20) is None


def test_what_is_put_back_between_episodes_is_no_motion():
    """A block that lies elsewhere in each episode, but never moves in one, gives no region."""
    assert watched([0.0] * 5, [1.0] * 5) is None
    assert watched([0.0] * 5 + [1.0] * 5) is not None  # positive control


def test_region_stays_inside_the_frame():
    """Motion at the border gives a region up to the border, not beyond."""
    motion = Motion()
    for grey in (0, 250):
        motion.see(np.full((40, 60, 3), grey, np.uint8))
    assert motion.region() == (0, 0, 40, 60)
