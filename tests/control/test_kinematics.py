"""Forward and inverse kinematics, against MuJoCo's, against themselves, at limits and out of reach."""

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilrt.control.kinematics import POSITION_TOLERANCE, Kinematics
from hilrt.errors import RobotModelError, UnknownNameError
from hilrt.robots import SO100_URDF
from hilrt.sim.model import build_spec
from hilrt.sim.world import START_POSE_DEG

START = np.radians(START_POSE_DEG)
KINEMATICS = Kinematics(SO100_URDF)
LOWER, UPPER = KINEMATICS.lower, KINEMATICS.upper

shares = st.lists(st.floats(0.0, 1.0), min_size=5, max_size=5).map(np.array)
points = st.tuples(*[st.floats(-0.6, 0.6)] * 3).map(np.array)


def joints(share: np.ndarray) -> np.ndarray:
    """Angles at these shares of their ranges [rad]."""
    return LOWER + share * (UPPER - LOWER)


def down_at(position) -> np.ndarray:
    """The start pose's orientation at another position."""
    target = KINEMATICS.forward(START)
    target[:3, 3] = position
    return target


def test_agrees_with_mujoco():
    """Both engines put the end effector at the same place, to 0.1 mm and 0.1 mrad, over random poses."""
    model = build_spec().compile()
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    for _ in range(200):
        q = np.append(rng.uniform(LOWER, UPPER), rng.uniform(-0.17, 1.7))
        data.qpos[:6] = q
        mujoco.mj_kinematics(model, data)
        body = data.body("gripper_frame_link")
        pose = KINEMATICS.forward(q)
        np.testing.assert_allclose(pose[:3, 3], body.xpos, atol=1e-4)
        np.testing.assert_allclose(pose[:3, :3], body.xmat.reshape(3, 3), atol=1e-4)


def test_zero_pose_is_as_published():
    """At zero the arm points forward with the tool level, where its makers' drawing puts it."""
    pose = KINEMATICS.forward(np.zeros(6))
    np.testing.assert_allclose(pose[:3, 3], (0.3914, 0.0, 0.2265), atol=1e-4)
    np.testing.assert_allclose(pose[:3, 2], (1.0, 0.0, 0.0), atol=1e-4)


@settings(max_examples=200, deadline=None)
@given(share=shares, nudge=st.lists(st.floats(-0.2, 0.2), min_size=5, max_size=5).map(np.array))
def test_inverse_undoes_forward(share, nudge):
    """From a start within 0.2 rad, a pose the arm can take is found to half a millimetre."""
    target = KINEMATICS.forward(joints(share))
    result = KINEMATICS.inverse(joints(share) + nudge, target)
    reached = np.linalg.norm(KINEMATICS.forward(result.q)[:3, 3] - target[:3, 3])
    assert result.converged
    assert reached < POSITION_TOLERANCE
    assert reached == pytest.approx(result.position_error, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(share=shares, position=points, max_step=st.floats(0.01, 1.0))
def test_limits_always_hold(share, position, max_step):
    """Wherever the target, no joint leaves its range or moves further than one step."""
    kinematics = Kinematics(SO100_URDF, max_step=max_step)
    q = kinematics.inverse(joints(share), down_at(position)).q
    assert (q >= LOWER).all()
    assert (q <= UPPER).all()
    assert np.abs(q - joints(share)).max() <= max_step + 1e-9


def test_start_outside_the_limits_is_brought_inside():
    """A measured angle a little beyond its range is no error: the answer is inside."""
    q_start = START.copy()
    q_start[3] = UPPER[3] + 0.05
    q = KINEMATICS.inverse(q_start, down_at((0.2, 0.0, 0.05))).q
    assert (q <= UPPER).all()


def test_a_blocked_joint_does_not_stall_the_solve():
    """High above the table the wrist is at its limit; the position is reached all the same, tool tilted."""
    target = down_at((0.29, 0.0, 0.15))
    result = KINEMATICS.inverse(START, target)
    assert result.q[3] == pytest.approx(UPPER[3])
    assert result.converged
    assert KINEMATICS.forward(result.q)[2, 2] > -0.99


def test_position_comes_before_orientation():
    """A tool direction that five joints cannot give costs less than half a millimetre of position."""
    target = down_at((0.22, 0.05, 0.05))
    tilt = 0.5
    target[:3, :3] = (
        np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
        @ target[:3, :3]
    )
    assert KINEMATICS.inverse(START, target).position_error < POSITION_TOLERANCE


def test_zero_weight_ignores_orientation():
    """With orientation weight 0, the wanted rotation does not change the answer."""
    kinematics = Kinematics(SO100_URDF, orientation_weight=0.0)
    target = down_at((0.22, 0.05, 0.05))
    turned = target.copy()
    turned[:3, :3] = np.eye(3)
    np.testing.assert_array_equal(kinematics.inverse(START, target).q, kinematics.inverse(START, turned).q)


def test_out_of_reach_degrades_smoothly():
    """Led out of reach and back, the arm stretches towards the target, never jumps, and comes back."""
    kinematics = Kinematics(SO100_URDF, max_step=np.pi / 10)
    begin = np.array((0.22, 0.0, 0.08))
    out = np.linspace(begin, (0.55, 0.2, 0.15), 40)
    q = first = kinematics.inverse(START, down_at(begin)).q
    moves, results = [], []
    for position in (*out, *out[::-1]):
        results.append(kinematics.inverse(q, down_at(position)))
        moves.append(np.abs(results[-1].q - q).max())
        q = results[-1].q
    assert max(moves) <= np.pi / 10 + 1e-9
    far = results[39]
    assert not far.converged
    shortfall = np.linalg.norm(out[-1] - (0.0388, 0.0, 0.1166)) - 0.45  # reach from the shoulder's axis
    assert far.position_error == pytest.approx(shortfall, abs=0.06)
    assert results[-1].converged
    np.testing.assert_allclose(q, first, atol=0.01)


def test_two_centimetre_steps_stay_exact_in_the_workspace():
    """A random walk of 2 cm steps through the workspace is followed to half a millimetre at every step."""
    kinematics = Kinematics(SO100_URDF, max_step=np.pi / 10)
    rng = np.random.default_rng(0)
    q, position = START, KINEMATICS.forward(START)[:3, 3].copy()
    for _ in range(300):
        position = np.clip(position + rng.uniform(-0.02, 0.02, 3), (0.17, -0.11, 0.005), (0.31, 0.17, 0.10))
        result = kinematics.inverse(q, down_at(position))
        assert result.converged
        q = result.q


def test_missing_file_is_named(tmp_path):
    """A URDF that is not there gives one error with its path."""
    path = tmp_path / "none.urdf"
    with pytest.raises(RobotModelError, match=r"none\.urdf"):
        Kinematics(path)


def test_unknown_frame_lists_known():
    """A frame that the URDF lacks is refused with the names of those it has."""
    with pytest.raises(UnknownNameError, match=r"no frame 'tool0'.*gripper_frame_link"):
        Kinematics(SO100_URDF, "tool0")
