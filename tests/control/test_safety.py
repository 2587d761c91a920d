"""Limits and health."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from hilrt import taskfile
from hilrt.control.safety import Health
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault
from hilrt.errors import OverheatError, ServoFaultError

ROOT = Path(__file__).parents[2]
WELL = ArmReading(
    monotonic_ns=0,
    position=np.zeros(6),
    velocity=np.zeros(6),
    current=np.zeros(6),
    load=np.zeros(6),
    temperature=np.full(6, 35.0),
    voltage=np.full(6, 12.0),
    status=np.zeros(6, np.int64),
)


@pytest.fixture
def health():
    calibration = Calibration.load(ROOT / "configs/calibration/robots/so100_follower/sim.json")
    return Health(taskfile.load(ROOT / "configs" / "sim_so100.toml"), calibration, "/dev/arm")


def reading(**changes):
    return msgspec.structs.replace(WELL, **changes)


def test_heat(health):
    """A servo above the limit is named with both temperatures."""
    with pytest.raises(OverheatError, match=r"elbow_flex is at 70 degC, above safety.max_temperature_c = 65"):
        health.check(reading(temperature=np.array([35, 35, 70, 35, 35, 35.0])))


def test_lasting_fault(health):
    """A fault that lasts three readings ends the run; a shorter one does not."""
    overloaded = reading(status=np.array([0, Fault.OVERLOAD, 0, 0, 0, 0]))
    for _ in range(3):
        health.check(overloaded)
        health.check(overloaded)
        health.check(WELL)
    health.check(overloaded)
    health.check(overloaded)
    with pytest.raises(ServoFaultError, match=r"motor 2 \(shoulder_lift\) on /dev/arm reports: overload"):
        health.check(overloaded)
