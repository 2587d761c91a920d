"""Motion between two poses is what the action pipeline makes of an action, the other way round."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import Rig

from hilrt.control.motion import Motion
from hilrt.control.rotation import tilted, tool_angles
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics

KINEMATICS = Kinematics(SO100_URDF)
ANGLE = st.floats(-0.3, 0.3)
HOME = np.radians([2.5, -7.5, 9.0, 60.0, -84.7])


@given(st.tuples(*[ANGLE] * 5), st.tuples(*[st.floats(-0.05, 0.05)] * 3), ANGLE, ANGLE)
@settings(max_examples=200, deadline=None)
def test_tool_angles_change_by_what_tilted_is_asked_for(joints, move, pitch, roll):
    """Wherever the arm is and wherever it moves meanwhile, pitch and roll come out as they went in."""
    before = KINEMATICS.forward(HOME + joints)
    after = before.copy()
    after[:3, 3] += move
    after[:3, :3] = tilted(before, after[:3, 3], KINEMATICS.root, pitch, roll)
    change = np.subtract(tool_angles(after, KINEMATICS.root), tool_angles(before, KINEMATICS.root))
    assert (change + np.pi) % (2 * np.pi) - np.pi == pytest.approx([pitch, roll], abs=0.02)


@pytest.mark.parametrize(
    "axes", [("x", "y", "z"), ("x", "z", "pitch", "roll"), ("x", "y", "z", "pitch", "roll"), ("y",)]
)
def test_an_action_is_found_again(axes):
    """What an arm did is, axis by axis, the action it was given, where it could do it."""
    sizes = ", ".join(f"{axis}={0.02 if axis in 'xyz' else 0.1}" for axis in axes)
    rig = Rig(
        f"processor.inverse_kinematics.end_effector_step_sizes={{{sizes}}}",
        "processor.reset.fixed_reset_joint_positions=[2.5, -40.0, 40.0, 55.0, -84.7, 50.0]",
    )
    motion = Motion(rig.kinematics[0], axes)
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(200):
        rig.pipelines.begin()
        before = rig.setpoint.joints[0].copy()
        action = rng.uniform(-0.5, 0.5, len(axes))
        tick = rig.act(action)
        way = motion.between(before, rig.setpoint.joints[0]) / np.array(rig.config.action_scale)
        if (
            np.allclose(rig.kinematics[0].forward(tick.joint_goal[0]), tick.target[0], atol=6e-3)
            and not tick.limits
        ):
            found += 1
            assert way == pytest.approx(action, abs=0.1)
    assert found > 10


def test_joints_are_their_own_motion():
    """With joint control it is the difference of five joints; a turn past half a circle is not cut short."""
    start, end = np.zeros(6), np.array([0.1, -0.2, 0.3, 3.5, -0.5, 9.0])
    assert Motion(KINEMATICS, ()).between(start, end).tolist() == [0.1, -0.2, 0.3, 3.5, -0.5]


def test_a_roll_goes_the_short_way_round():
    """From just below half a turn to just above it is a little, not a whole turn back."""
    motion = Motion(KINEMATICS, ("roll",))
    rolls = np.arange(-2.7, 2.7, 0.1)
    poses = [np.append(np.append(HOME[:4], roll), 0.0) for roll in rolls]
    steps = [motion.between(a, b)[0] for a, b in zip(poses, poses[1:], strict=False)]
    assert np.abs(steps) == pytest.approx(np.full(len(steps), 0.1), abs=0.005)
