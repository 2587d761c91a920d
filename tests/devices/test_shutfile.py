"""How far the empty gripper shuts, beside a calibration: what damage does."""

from pathlib import Path

from mutations import on_disk, survey

from hilrt.devices.calibration import Calibration
from hilrt.devices.shutfile import ShutGripper
from hilrt.errors import FindingFileError

SIM = Path(__file__).parents[2] / "configs/calibration/robots/so100_follower/sim.json"


def test_damage_never_makes_another_opening(tmp_path):
    """Whatever happens to the file, the opening is the one that was found, or it is refused."""
    path = tmp_path / "arm.json"
    calibration = Calibration.read(SIM)
    calibration.save(path)
    found = ShutGripper(calibration=calibration.digest, opening=3.25, found="2026-03-01")
    file = found.save(path)
    read = on_disk(file, lambda: ShutGripper.of(path, calibration.digest))
    assert read(file.read_bytes()) == found
    assert survey(file.read_bytes(), read, FindingFileError).refused
