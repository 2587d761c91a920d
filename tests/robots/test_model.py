"""A description with zero offsets in it computes what the plain one does at the true angles."""

import numpy as np
import pinocchio as pin
import pytest

from hilrt.control.collision import Collisions
from hilrt.errors import RobotModelError
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.robots.model import load_model

ZEROS = np.radians([1.0, -2.0, 12.5, 3.0, -4.0, 0.0])
SLANTED = (
    '<robot name="r"><link name="a"/><link name="b"/><joint name="j" type="revolute"><parent link="a"/>'
    '<child link="b"/><origin xyz="0.1 0 0.2" rpy="0.3 0.4 0.5"/><axis xyz="0 0.6 0.8"/>'
    '<limit lower="-1" upper="2" effort="1" velocity="1"/></joint></robot>'
)


def poses():
    """Random joint angles within the description's limits [rad]."""
    plain = load_model(SO100_URDF)
    low, high = plain.lowerPositionLimit, plain.upperPositionLimit
    return np.random.default_rng(0).uniform(low, high, (50, len(low)))


def test_forward_and_inverse_kinematics_have_them():
    """The pose of shown angles is that of the true ones; inverse kinematics gives shown ones, within shifted limits."""
    plain, shifted = Kinematics(SO100_URDF), Kinematics(SO100_URDF, zeros=ZEROS)
    assert shifted.lower == pytest.approx(plain.lower - ZEROS[:5])
    assert shifted.upper == pytest.approx(plain.upper - ZEROS[:5])
    for q in poses():
        true = plain.forward(q)
        assert shifted.forward(q - ZEROS) == pytest.approx(true, abs=1e-12)
        solved = shifted.inverse(q - ZEROS, true)
        assert solved.converged
        assert plain.forward(solved.q + ZEROS[:5])[:3, 3] == pytest.approx(true[:3, 3], abs=1e-3)


def test_the_collision_check_has_them():
    """Distances of shown angles are those of the true ones."""
    plain, shifted = (
        Collisions(SO100_URDF, table_height=0.0),
        Collisions(SO100_URDF, table_height=0.0, zeros=ZEROS),
    )
    for q in poses():
        assert shifted.clearance(q - ZEROS).distance == pytest.approx(plain.clearance(q).distance, abs=1e-6)


def test_any_axis_and_no_offset(tmp_path):
    """A joint may turn about any axis; without offsets the description is untouched."""
    path = tmp_path / "slanted.urdf"
    path.write_text(SLANTED)
    plain, shifted = load_model(path), load_model(path, [0.3])
    for q in (-0.5, 0.0, 1.1):
        places = []
        for model, angle in ((plain, q + 0.3), (shifted, q)):
            data = model.createData()
            pin.forwardKinematics(model, data, np.array([angle]))
            places.append(data.oMi[1].homogeneous)
        assert places[0] == pytest.approx(places[1], abs=1e-12)
    assert load_model(path, np.zeros(6)) == plain
    with pytest.raises(RobotModelError):
        load_model(tmp_path / "absent.urdf")
