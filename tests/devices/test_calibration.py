import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import on_disk, survey

from hilrt.config import MOTORS
from hilrt.devices.calibration import (
    Calibration,
    MotorCalibration,
    radians_from_units,
    units_from_radians,
)
from hilrt.errors import CalibrationFileError

WRITTEN_BY_OTHERS = """{
    "shoulder_pan": {
        "id": 1,
        "drive_mode": 0,
        "homing_offset": -1429,
        "range_min": 751,
        "range_max": 3475
    },
    "shoulder_lift": {"id": 2, "drive_mode": 0, "homing_offset": 1016, "range_min": 845, "range_max": 3188},
    "elbow_flex": {"id": 3, "drive_mode": 0, "homing_offset": -1371, "range_min": 885, "range_max": 3095},
    "wrist_flex": {"id": 4, "drive_mode": 0, "homing_offset": -2032, "range_min": 889, "range_max": 3211},
    "wrist_roll": {"id": 5, "drive_mode": 0, "homing_offset": -1153, "range_min": 0, "range_max": 4095},
    "gripper": {"id": 6, "drive_mode": 0, "homing_offset": 1500, "range_min": 2000, "range_max": 3500}
}"""

ENTRY = '{"id": 7, "drive_mode": 0, "homing_offset": 0, "range_min": 0, "range_max": 1}'

entries = st.builds(
    lambda ends, offset: MotorCalibration(1, 0, offset, min(ends), max(ends)),
    st.tuples(st.integers(0, 2000), st.integers(2001, 4095)),
    st.integers(-2047, 2047),
)


def six(entries, **changes):
    """A whole file's worth of entries, ids 1..6."""
    motors = {
        name: MotorCalibration(i + 1, 0, e.homing_offset, e.range_min, e.range_max)
        for i, (name, e) in enumerate(zip(MOTORS, entries, strict=True))
    }
    return {**motors, **changes}


@pytest.fixture
def file(tmp_path):
    """A calibration file as the reference workflow writes it."""
    path = tmp_path / "arm.json"
    path.write_text(WRITTEN_BY_OTHERS)
    return path


def test_a_file_written_by_others_loads(file):
    """All fields of all six motors arrive, in the order of the bus."""
    calibration = Calibration.load(file)
    assert calibration.ids == (1, 2, 3, 4, 5, 6)
    assert calibration.motors["shoulder_pan"] == MotorCalibration(1, 0, -1429, 751, 3475)


def test_a_saved_file_has_the_same_fields(file, tmp_path):
    """What hilrt writes is, as JSON, what others wrote."""
    copy = tmp_path / "new" / "copy.json"
    Calibration.load(file).save(copy)
    assert json.loads(copy.read_text()) == json.loads(WRITTEN_BY_OTHERS)
    assert list(copy.parent.iterdir()) == [copy]


def test_angles_worked_out_by_hand(file):
    """Zero is mid-range; 360 degrees are 4095 counts; the gripper goes from closed to open."""
    calibration = Calibration.load(file)
    middle = [2113, 2016.5, 1990, 2050, 2047.5, 2000]
    assert units_from_radians(calibration.radians(middle)) == pytest.approx([0] * 6, abs=1e-12)
    units = units_from_radians(calibration.radians([3475, 3188, 3095, 3211, 4095, 3500]))
    assert units == pytest.approx([119.736264, 102.989011, 97.142857, 102.065934, 180.0, 100.0])
    assert calibration.radians([2113] * 5 + [2000])[5] == pytest.approx(-0.174533)
    assert calibration.radians([2113] * 5 + [3500])[5] == pytest.approx(1.74533)
    assert calibration.velocities([4095, 0, 0, 0, 0, -1500]) == pytest.approx(
        [2 * np.pi, 0, 0, 0, 0, -1.919863]
    )


def test_a_gripper_mounted_the_other_way_closes_at_its_high_end(file):
    """With drive_mode 1 the gripper's scale is turned round."""
    motors = Calibration.load(file).motors
    turned = Calibration({**motors, "gripper": MotorCalibration(6, 1, 1500, 2000, 3500)})
    assert units_from_radians(turned.radians([0] * 5 + [3500]))[5] == pytest.approx(0.0)
    assert units_from_radians(turned.radians([0] * 5 + [2300]))[5] == pytest.approx(80.0)


@given(st.tuples(*[entries] * 6), st.tuples(*[st.floats(0, 1)] * 6))
def test_counts_and_radians_are_inverse(motors, at):
    """Every position within range comes back from radians as the same count."""
    calibration = Calibration(six(motors))
    counts = [m.range_min + round(x * (m.range_max - m.range_min)) for m, x in zip(motors, at, strict=True)]
    assert calibration.counts(calibration.radians(counts)).tolist() == counts


@given(st.tuples(*[entries] * 6), st.tuples(*[st.floats(-1e6, 1e6)] * 6))
def test_goals_stay_within_the_calibrated_range(motors, goal):
    """No finite goal leaves the range that the operator swept."""
    calibration = Calibration(six(motors))
    counts = calibration.counts(np.array(goal))
    for motor, count in zip(motors, counts, strict=True):
        assert motor.range_min <= count <= motor.range_max
    low, high = calibration.limits
    assert (low < high).all()
    assert (calibration.radians(counts) >= low - 1e-9).all()
    assert (calibration.radians(counts) <= high + 1e-9).all()


@given(st.tuples(*[st.floats(-180, 180)] * 6))
def test_user_units_and_radians_are_inverse(units):
    """Degrees and gripper percent survive the way to radians and back."""
    assert units_from_radians(radians_from_units(units)) == pytest.approx(units, abs=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"gripper"', '"hand"', "no entry for gripper"),
        ('    "gripper"', f'"hand": {ENTRY}, "gripper"', "unknown motor hand; there are: shoulder_pan, "),
        ('"range_max": 3475', '"range_max": 751', "shoulder_pan: range_min 751 and range_max 751"),
        ('"range_max": 3475', '"range_max": 4096', r"shoulder_pan: .* <= 4095"),
        ('"range_max": 3475', '"range_max": "x"', "shoulder_pan: Expected a whole number, got text"),
        ("-1429", "-2048", "shoulder_pan: homing_offset -2048 is not in -2047..2047"),
        ('"id": 1', '"id": 2', r"two motors share an id: \[2, 2, 3, 4, 5, 6\]"),
        ('"id": 1', '"id": 254', "shoulder_pan: id 254 is not in 0..253"),
        ('"drive_mode": 0', '"drive_mode": 1', "shoulder_pan: drive_mode 1 is not supported"),
        ('"id": 1,', "", "`id` is missing"),
        ('"id": 1,', '"id": 1, "model": 3,', "unknown key `model`"),
        ("}", "", "Input data was truncated"),
        (WRITTEN_BY_OTHERS, "[]", "Expected a table, got a list"),
    ],
)  # fmt: skip
def test_a_broken_file_says_what_and_where(file, old, new, message):
    """Each mistake is named together with the file's path."""
    file.write_text(WRITTEN_BY_OTHERS.replace(old, new, 1))
    with pytest.raises(CalibrationFileError, match=message) as caught:
        Calibration.load(file)
    assert str(caught.value).startswith(f"{file}: ")


def test_an_absent_file_says_so(tmp_path):
    """No file is an error with its path."""
    with pytest.raises(
        CalibrationFileError,
        match=rf"arm\.json: there is no such file.*hilrt calibrate CONFIG`.*{re.escape(str(Path.cwd()))}",
    ):
        Calibration.load(tmp_path / "arm.json")


def test_damage_never_ends_in_a_traceback(file):
    """Whatever happens to the file, it is one of six motors with values that can be, or refused by name."""

    def read():
        calibration = Calibration.load(file)
        return (
            list(calibration.motors) == list(MOTORS) and (calibration.limits[0] < calibration.limits[1]).all()
        )

    assert survey(file.read_bytes(), on_disk(file, read), CalibrationFileError).refused
