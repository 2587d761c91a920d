"""What is told of how the arms follow."""

import uuid

import numpy as np
import pytest
from rig import Rig

from hilrt.control.smoothness import Smoothness
from hilrt.shm.status import Status


@pytest.fixture
def status():
    """Control's figures, all zeros."""
    with Status.create(f"test-{uuid.uuid4().hex[:12]}") as block:
        yield block.control
        block.unlink()


def test_arms_are_behind_by_joint_and_by_end_effector(status):
    """Root mean square over joints and ticks, and the worst; a gripper that holds something does not count."""
    rig, smoothness = Rig(), Smoothness()
    away = np.zeros((1, 6))
    for joint, degrees in ((0, 3.0), (1, -4.0), (5, 60.0)):
        away[0, joint] = np.deg2rad(degrees)
    smoothness.measured(rig.observe(), rig.setpoint)
    smoothness.measured(rig.observe(joints=rig.home + away), rig.setpoint)
    smoothness.report(status)
    assert status.behind_rms_deg == pytest.approx(np.sqrt((3.0**2 + 4.0**2) / 10))
    assert status.behind_worst_deg == pytest.approx(4.0)
    off = 1e3 * np.linalg.norm(rig.position(rig.home + away) - rig.position(rig.home))
    assert status.behind_worst_mm == pytest.approx(off)
    assert status.behind_rms_mm == pytest.approx(off / np.sqrt(2))


def test_an_episode_begins_anew(status):
    """What one was like says nothing of the next."""
    smoothness = Smoothness()
    smoothness.jerk.add(np.array([[3.0, -4.0]]))
    smoothness.report(status)
    assert status.jerk_rms == pytest.approx(np.sqrt(12.5))
    smoothness.begin()
    smoothness.report(status)
    assert status.jerk_rms == 0.0
