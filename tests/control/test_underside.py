"""The workspace box's floor holds for the lowest corner of a gripper that is tilted."""

import numpy as np
import pytest
from rig import Rig

from hilrt.control.collision import Collisions
from hilrt.control.underside import SLACK, Underside
from hilrt.devices.calibration import radians_from_units
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.step.record import Limit

IK = "processor.inverse_kinematics"
TILTS = f"{IK}.end_effector_step_sizes={{x=0.02,y=0.02,z=0.02,pitch=0.1,roll=0.1}}"
FLOOR = 0.005
GRIPPER = ("gripper_link", "moving_jaw_link")
TABLE = Collisions(SO100_URDF, table_height=0.0, itself=False)
UPRIGHT = radians_from_units((2.7, -14.8, 27.0, 77.8, -84.5, 50.0))
TILTED = radians_from_units((1.3, 56.7, -68.5, 71.5, -87.4, 50.0))


@pytest.mark.parametrize("frame", [SO100_FRAME, "gripper_link"])
def test_upright_nothing_is_added_wherever_the_frame_is(frame):
    """A frame 10 cm above the tips has its own floor already."""
    assert Underside(SO100_URDF, frame).below(UPRIGHT) == 0.0


def test_it_is_the_corner_that_a_collision_check_sees():
    """Of random joints with the gripper lowest, to 0.2 mm."""
    side, (kinematics,) = Underside(SO100_URDF, SO100_FRAME), Rig().kinematics
    random, seen = np.random.default_rng(0), 0
    for _ in range(300):
        joints = TILTED + random.uniform(-0.5, 0.5, 6)
        clearance = TABLE.clearance(joints)
        if (added := side.below(joints)) and clearance.first in GRIPPER:
            below = kinematics.forward(joints)[2, 3] - clearance.distance
            assert added == pytest.approx(below - SLACK, abs=2e-4)
            seen += 1
    assert seen > 100


def test_zero_offsets_tilt_it():
    """An arm whose wrist is turned beyond what it shows reaches lower."""
    zeros = np.radians([0.0, 0.0, 0.0, -15.0, 0.0, 0.0])
    turned, shown = Underside(SO100_URDF, SO100_FRAME, zeros), Underside(SO100_URDF, SO100_FRAME)
    assert turned.below(TILTED) == pytest.approx(shown.below(TILTED + zeros))
    assert turned.below(TILTED) > shown.below(TILTED) + 0.001


def test_a_description_without_shapes_tells_nothing(tmp_path):
    """Then the box guards its end effector alone, as ever."""
    text = SO100_URDF.read_text()
    own = tmp_path / "own.urdf"
    own.write_text(text)
    assert "<collision" not in text
    assert Underside(own, SO100_FRAME).below(TILTED) == 0.0


@pytest.mark.parametrize(("axis", "way"), [("pitch", 1), ("pitch", -1), ("roll", 1)])
def test_a_tool_that_tilts_at_the_floor_rises(axis, way):
    """Pitched by 6 degrees a tick, its corner is told to be below the floor by the slack and what a tick adds."""
    rig = Rig(TILTS)
    down, turn = np.eye(5)[2] * -1, np.eye(5)[["pitch", "roll"].index(axis) + 3] * way
    for action in [down] * 15 + [down + turn] * 8 + [down] * 10:
        tick = rig.act(action)
        lowest = TABLE.clearance(tick.joint_goal[0]).distance
        assert lowest > FLOOR - SLACK - 0.0025
    assert tick.limits & Limit.BOX
    assert lowest == pytest.approx(FLOOR - SLACK * (axis == "pitch"), abs=5e-4)
    height = rig.position(tick.joint_goal)[2]
    assert height > FLOOR + 0.002 if axis == "pitch" else height == pytest.approx(FLOOR, abs=5e-4)


def test_an_open_jaw_counts():
    """With the jaw on the lower side of a tilted tool, it reaches lower the more it opens; above, it does not count."""
    side = Underside(SO100_URDF, SO100_FRAME)
    for roll_deg, more in ((160.0, 0.01), (0.0, 0.0)):
        closed, opened = (
            side.below(np.array([*TILTED[:4], np.radians(roll_deg), jaw])) for jaw in (0.0, 0.5)
        )
        assert opened - closed >= more if more else opened == closed
