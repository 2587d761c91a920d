"""Home folders in task files."""

from pathlib import Path

import pytest

from hilrt.config.paths import PATHS
from hilrt.config.taskfile import load
from hilrt.errors import ConfigError

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"
HOMES = [
    "runs_dir=~/runs",
    "dataset.root=~/demonstrations",
    "robot.calibration_dir=~/calibration",
    "policy.weights=~/e.safetensors",
    "processor.inverse_kinematics.urdf_path=~/so101.urdf",
    "robot.cameras.front={type = 'sim', index_or_path = '~/frames'}",
]


def test_home_is_meant_by_a_tilde(monkeypatch):
    """Every option that names a file or a folder may start with `~`; other text may have one anywhere."""
    monkeypatch.setenv("HOME", "/home/her")
    config = load(SIM, [*HOMES, "env.name=so100"])
    ik = config.processor.inverse_kinematics
    found = [
        config.runs_dir, config.dataset.root, config.robot.calibration_dir, config.policy.weights,
        ik.urdf_path, config.robot.cameras["front"].index_or_path,
    ]  # fmt: skip
    assert [path.startswith("/home/her/") for path in found] == [True] * len(found)
    assert len(found) == len(PATHS) - 4, "ports are devices"


def test_home_of_nobody():
    """A user that is not there is named with the option."""
    with pytest.raises(ConfigError, match=r"\$\.dataset\.root: ~nobody-here/x: there is no such user"):
        load(SIM, ["dataset.root=~nobody-here/x"])
