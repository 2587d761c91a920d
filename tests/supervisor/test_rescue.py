"""What becomes of the arms after a crash, and what a control that takes over must wait for."""

import uuid
from pathlib import Path

import pytest
from armbench import PATIENT_S
from servoline import Line

from hilrt.config import taskfile
from hilrt.devices import holding
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.run.job import Pause
from hilrt.shm.status import Status
from hilrt.sim.servos import ServoBank
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


@pytest.fixture
def arms():
    """Two arms' servos, limp."""
    calibration = Calibration.load(CONFIGS / "calibration/robots/so100_follower/sim.json")
    lines = [Line(ServoBank.calibrated(calibration)) for _ in range(2)]
    yield lines
    for line in lines:
        line.unplug()


@pytest.fixture
def status():
    """The status block of a run that nothing belongs to."""
    with Status.create(f"test-{uuid.uuid4().hex[:12]}") as status:
        yield status
        status.unlink()


def torques(arm):
    """Torque_Enable of the six servos."""
    return [servo.get(Register.TORQUE_ENABLE) for servo in arm.bank.servos]


def wipe(status):
    """All that any process has said of itself is overwritten."""
    for region in (status.supervisor, status.control, status.sim):
        region.memory[:] = b"\xa5" * region.size


def test_simulated_arms_are_made_safe_whatever_is_damaged(monkeypatch, arms, status):
    """With the status block overwritten when control dies, both arms hold all the same."""
    monkeypatch.setattr(holding, "HOLD_DEADLINE_S", PATIENT_S)
    config = taskfile.load(CONFIGS / "sim_bimanual.toml", [f"robot.calibration_dir={CONFIGS}/calibration"])
    rescue = Rescue(config, driven=False)
    status.sim.ports = "\n".join(arm.path for arm in arms)
    rescue.remember(status.sim)
    wipe(status)
    assert [torques(arm) for arm in arms] == [[0] * 6] * 2
    rescue.make_safe(status)
    assert [torques(arm) for arm in arms] == [[1] * 6] * 2


def test_real_arm_is_made_safe_whatever_is_damaged(monkeypatch, arms, status):
    """So does a real one, whose port is in the task file."""
    monkeypatch.setattr(holding, "HOLD_DEADLINE_S", PATIENT_S)
    overrides = [f"robot.calibration_dir={CONFIGS}/calibration", "robot.id=sim", f"robot.port={arms[0].path}"]
    rescue = Rescue(taskfile.load(CONFIGS / "so100.toml", overrides), driven=False)
    wipe(status)
    rescue.make_safe(status)
    assert torques(arms[0]) == [1] * 6
