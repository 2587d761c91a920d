"""Zero offsets beside a calibration: whose they are, when they are none, and what damage does."""

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from mutations import on_disk, survey

from hilrt.devices.calibration import Calibration
from hilrt.devices.zerofile import ZeroOffsets
from hilrt.errors import FindingFileError, FindingStaleError
from hilrt.step.sealed import sealed

SIM = Path(__file__).parents[2] / "configs/calibration/robots/so100_follower/sim.json"
FOUND = {"shoulder_pan": 0.5, "elbow_flex": -12.5}


@pytest.fixture
def path(tmp_path):
    """A calibration file with zero offsets beside it."""
    path = tmp_path / "arm.v2.json"
    calibration = Calibration.read(SIM)
    calibration.save(path)
    ZeroOffsets(calibration=calibration.digest, zero_offsets_deg=FOUND, rms_mm=1.2, found="2026-03-01").save(
        path
    )
    return path


def test_they_come_with_the_calibration_and_change_no_angle(path):
    """The arm's model gets them; joint angles are what they are in other tools."""
    plain, whole = Calibration.read(path), Calibration.load(path)
    assert ZeroOffsets.path(path).name == "arm.v2.zeros.json"
    assert np.degrees(whole.zeros) == pytest.approx([0.5, 0, -12.5, 0, 0, 0])
    assert plain.zeros.tolist() == [0] * 6
    counts = [1500, 1600, 1700, 1800, 1900, 2000]
    assert whole.radians(counts).tolist() == plain.radians(counts).tolist()
    assert Calibration.load(SIM).zeros.tolist() == [0] * 6


def test_another_calibration_makes_them_stale(path):
    """They are refused by name, and put aside on request; the same calibration written otherwise is still theirs."""
    entries = json.loads(path.read_text())
    path.write_text(json.dumps(entries))
    assert Calibration.load(path).zeros.any()
    assert ZeroOffsets.put_aside(path, Calibration.read(path).digest) is None
    entries["elbow_flex"]["homing_offset"] += 1
    path.write_text(json.dumps(entries))
    with pytest.raises(
        FindingStaleError, match=r"found on 2026-03-01 belong to another calibration.*hilrt calibrate --touch"
    ):
        Calibration.load(path)
    aside = ZeroOffsets.put_aside(path, Calibration.read(path).digest)
    assert aside == path.with_name("arm.v2.zeros.json.bak")
    assert aside.exists()
    assert Calibration.load(path).zeros.tolist() == [0] * 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"zero_offsets_deg": {"elbow": 1.0}}, "unknown motor elbow"),
        ({"zero_offsets_deg": {"elbow_flex": 20.5}}, "Expected a number <= 20.0"),
        ({"rms_mm": "much"}, "Expected a number, got text"),
        ({"more": 1}, "unknown key `more`"),
    ],
)
def test_a_damaged_file_is_refused_by_name(path, change, message):
    """What cannot be is said, with where and what to do."""
    entries = json.loads(ZeroOffsets.path(path).read_text())["content"]
    ZeroOffsets.path(path).write_bytes(sealed({**entries, **change}, 1))
    with pytest.raises(FindingFileError, match=re.escape(message)) as caught:
        Calibration.load(path)
    assert str(caught.value).startswith(f"{ZeroOffsets.path(path)}: ")
    assert ZeroOffsets.put_aside(path, Calibration.read(path).digest)


def test_damage_never_makes_other_offsets(path):
    """Whatever happens to the file, its offsets are those that were found, or it is refused."""
    file = ZeroOffsets.path(path)
    read = on_disk(file, lambda: str(ZeroOffsets.of(path, Calibration.read(path).digest)))
    assert survey(file.read_bytes(), read, FindingFileError).refused


def test_saving_leaves_the_older_ones_beside(path):
    """As the calibration's own file does."""
    first = ZeroOffsets.of(path, Calibration.read(path).digest)
    msgspec.structs.replace(first, rms_mm=0.7).save(path)
    assert json.loads((path.parent / "arm.v2.zeros.json.bak").read_text())["content"]["rms_mm"] == 1.2
    assert ZeroOffsets.of(path, first.calibration).rms_mm == 0.7
    assert str(first) == "zero offsets of 2026-03-01 [deg]: shoulder_pan +0.5, elbow_flex -12.5"
