"""Learning how far an empty gripper shuts."""

from pathlib import Path

import pytest
from desk import Operator
from test_doctor_motion import Room

from hilrt.devices.calibration import Calibration
from hilrt.devices.shutfile import ShutGripper
from hilrt.errors import FindingStaleError, ShutError
from hilrt.setup.shut import learn_shut

SHIPPED = Path(__file__).parents[2] / "configs/calibration/robots"


def learn(room):
    """What is found of the arm in a room, and what its operator was told."""
    operator = Operator([""])
    return room.run(learn_shut(operator, room.config, clock=room)), operator


@pytest.mark.parametrize("preset", ["so100", "stiff", "worn"])
def test_the_opening_is_found_and_kept(tmp_path, preset):
    """Each kind of simulated arm shuts as far as the file that ships for it says; the file is read back."""
    room = Room(tmp_path, preset)
    found, operator = learn(room)
    shipped = ShutGripper.of(SHIPPED / "so100_follower/sim.json", Calibration.read(room.path).digest)
    assert found.opening == pytest.approx(shipped.opening, abs=1.0)
    assert ShutGripper.of(room.path, found.calibration) == found
    assert any(str(found) in said for said in operator.said)


def test_a_gripper_with_something_in_it_teaches_nothing(tmp_path):
    """It is said where it stopped, and nothing is written."""
    room = Room(tmp_path, "so100")
    low, _ = room.world._model.joint("gripper").range
    room.world._model.joint("gripper").range[0] = low + 0.4  # as a block between the jaws would
    with pytest.raises(
        ShutError, match=r"stopped at \d+ of 100: something keeps it open.*Nothing was written"
    ):
        learn(room)
    assert not ShutGripper.path(room.path).exists()


def test_another_calibration_makes_it_stale(tmp_path):
    """What was learnt belongs to the range it was learnt in."""
    room = Room(tmp_path, "so100")
    learn(room)
    with pytest.raises(
        FindingStaleError, match=r"opening of the empty, shut gripper.*hilrt calibrate --shut"
    ):
        ShutGripper.of(room.path, "another")
