"""Limits of the joints."""

import numpy as np
import pytest
from rig import Rig


def test_margin_and_speed():
    """`joint_margin_deg` is kept free at both ends of the joints' ranges; the speed limit is per tick."""
    wide, narrow = Rig("safety.joint_margin_deg=0"), Rig("safety.joint_margin_deg=5")
    assert np.rad2deg(narrow.limits.lower - wide.limits.lower)[0] == pytest.approx([5] * 5 + [0])
    assert np.rad2deg(wide.limits.upper - narrow.limits.upper)[0] == pytest.approx([5] * 5 + [0])
    slow = Rig("safety.max_joint_velocity_deg_s=30", "env.fps=20")
    assert np.rad2deg(slow.limits.max_step) == pytest.approx(1.5)
