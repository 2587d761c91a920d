import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilrt.config import MOTORS
from hilrt.errors import SweepError
from hilrt.setup.sweep import Sweep


@given(st.integers(0, 4095), st.integers(-3000, 0), st.integers(0, 3000), st.integers(0, 600))
def test_a_calibrated_motor_shows_the_range_it_was_moved_through(middle, low, high, step):
    """Wherever the encoder's end lies, the ends come back within one count, in one turn and in order."""
    sweep = Sweep(dict.fromkeys(MOTORS, middle))
    path = [*range(0, low, -1 - step), low, *range(low, high, 1 + step), high]
    for x in path:
        sweep.see(dict.fromkeys(MOTORS, (middle + x) % 4096))
    if not 400 <= high - low <= 4095:
        with pytest.raises(SweepError):
            sweep.calibration("elbow_flex")
        return
    entry = sweep.calibration("elbow_flex")
    assert -2047 <= entry.homing_offset <= 2047
    assert 0 <= entry.range_min < entry.range_max <= 4095
    shown = [(middle + x - entry.homing_offset) % 4096 for x in (low, high)]
    # over exactly a whole turn the offset's missing count leaves one end outside
    assert abs(shown[0] - entry.range_min) == 0
    assert abs(shown[1] - entry.range_max) == 0 or high - low == 4095


@given(st.integers(0, 4095))
def test_the_free_joint_has_its_whole_turn(middle):
    """wrist_roll needs no sweep."""
    entry = Sweep(dict.fromkeys(MOTORS, middle)).calibration("wrist_roll")
    assert (entry.range_min, entry.range_max) == (0, 4095)
    assert (middle - entry.homing_offset) % 4096 in {2047, 2048}


def test_an_unmoved_joint_is_an_error():
    """A range of nothing is never written."""
    with pytest.raises(SweepError, match="gripper moved by 0 counts only"):
        Sweep(dict.fromkeys(MOTORS, 7)).calibration("gripper")
