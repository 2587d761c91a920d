"""Limits of the joints."""

import numpy as np
import pytest
from rig import STAY, Rig

from hilrt.devices.calibration import Calibration
from hilrt.devices.zerofile import ZeroOffsets


def test_margin_and_speed():
    """`joint_margin_deg` is kept free at both ends of the joints' ranges; the speed limit is per tick."""
    wide, narrow = Rig("safety.joint_margin_deg=0"), Rig("safety.joint_margin_deg=5")
    assert np.rad2deg(narrow.limits.lower - wide.limits.lower)[0] == pytest.approx([5] * 5 + [0])
    assert np.rad2deg(wide.limits.upper - narrow.limits.upper)[0] == pytest.approx([5] * 5 + [0])
    slow = Rig("safety.max_joint_velocity_deg_s=30", "env.fps=20")
    assert np.rad2deg(slow.limits.max_step) == pytest.approx(1.5)


def test_zero_offsets_are_in_kinematics_and_limits_and_not_in_the_angles(tmp_path):
    """The start pose keeps its angles, and is taken to be where the arm really is; the URDF's ranges are shifted."""
    plain = Rig()
    path = plain.config.robot.calibration_path("")
    there = tmp_path / "robots" / path.parent.name / path.name
    calibration = Calibration.read(path)
    calibration.save(there)
    offsets = ZeroOffsets(
        calibration=calibration.digest, zero_offsets_deg={"elbow_flex": 4.0}, rms_mm=1.0, found=""
    )
    offsets.save(there)
    off = Rig(f"robot.calibration_dir={tmp_path}")
    assert off.home == pytest.approx(plain.home)
    true = plain.home + np.radians([0, 0, 4.0, 0, 0, 0])
    assert off.position(off.home) == pytest.approx(plain.position(true), abs=1e-9)
    assert np.linalg.norm(off.position(off.home) - plain.position(plain.home)) > 0.01
    shifted = np.rad2deg(off.limits.upper - plain.limits.upper)
    assert shifted[0] == pytest.approx([0, 0, -4.0, 0, 0, 0], abs=0.3)
    off.act((1.0, 0.0, 0.0), STAY)
    moved = off.position(off.setpoint.joints) - off.position(off.home)
    assert moved == pytest.approx([0.02, 0, 0], abs=1e-3)
