"""What a control that takes over after a crash must wait for."""

from pathlib import Path

import pytest

from hilrt.config import taskfile
from hilrt.run.job import Pause
from hilrt.supervisor.rescue import Rescue

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize(
    ("name", "on_crash", "seconds"),
    [
        ("sim_so100.toml", "hold", 3.0),
        ("sim_so100.toml", "release", 3.0),
        ("so100.toml", "hold", 3.0),
        ("so100.toml", "release", None),
    ],
)
def test_only_a_real_arm_that_was_let_go_waits_for_ever(name, on_crash, seconds):
    """Somebody may have it in her hands; every other one goes on after the time that the task file gives."""
    overrides = [f"robot.calibration_dir={CONFIGS}/calibration", "robot.id=sim", "safety.resume_after_s=3"]
    rescue = Rescue(taskfile.load(CONFIGS / name, [*overrides, f"safety.on_crash={on_crash}"]), driven=False)
    for asks in (True, False):
        assert rescue.pause(asks=asks) == Pause(limp=on_crash == "release", asks=asks, seconds=seconds)
