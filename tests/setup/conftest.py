"""What tests of the set-up share."""

import pytest
from desk import Desk

from hilrt.setup.place import Place


@pytest.fixture
def desk():
    """A desk with an adapter and no motor on it."""
    made = Desk()
    yield made
    made.close()


@pytest.fixture
def where(desk, tmp_path):
    """The arm that is being set up there."""
    return Place(desk.port, tmp_path / "calibration" / "robots" / "so100_follower" / "follower.json")


@pytest.fixture
def lerobot(tmp_path, monkeypatch):
    """Where LeRobot keeps calibrations; nothing there yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_LEROBOT_HOME", str(tmp_path / "lerobot"))
    monkeypatch.delenv("HF_LEROBOT_CALIBRATION", raising=False)
    return tmp_path / "lerobot" / "calibration"
