"""Limits and health."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from rig import Rig

from hilrt.config import taskfile
from hilrt.control.safety import Health
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault
from hilrt.errors import OvercurrentError, OverheatError, ServoFaultError, VoltageError

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


def amperes(value):
    return reading(current=np.array([0, 0, 0, value, 0, 0.0]))


@pytest.mark.parametrize("sign", [1, -1])
def test_lasting_overcurrent(health, sign):
    """Current above the limit for a second ends the run, whichever way the motor pulls; for less, nothing happens."""
    for _ in range(3):
        for _ in range(9):
            health.check(amperes(3.1 * sign))
        health.check(amperes(2.9 * sign))
    for _ in range(9):
        health.check(amperes(3.1 * sign))
    with pytest.raises(OvercurrentError, match=r"wrist_flex draws 3.10 A, for a second more than .* = 3:"):
        health.check(amperes(3.1 * sign))


@pytest.mark.parametrize(
    ("volts", "words"), [(4.9, "is supplied with 4.9 V"), (14.0, "is supplied with 14.0 V")]
)
def test_supply_voltage(health, volts, words):
    """A supply outside its range for three readings ends the run."""
    strange = reading(voltage=np.full(6, volts))
    health.check(strange)
    health.check(strange)
    health.check(WELL)
    health.check(strange)
    health.check(strange)
    with pytest.raises(VoltageError, match=words):
        health.check(strange)


def test_limits_are_the_configs():
    """Each limit in `[safety]` is the one that trips."""
    config = taskfile.load(
        ROOT / "configs" / "sim_so100.toml",
        ["safety.max_temperature_c=34", "safety.max_current_a=0.1", "safety.max_voltage_v=11.0", "env.fps=1"],
    )
    calibration = Calibration.load(ROOT / "configs/calibration/robots/so100_follower/sim.json")
    with pytest.raises(OverheatError):
        Health(config, calibration, "/dev/arm").check(WELL)
    cool = reading(temperature=np.full(6, 30.0), current=np.full(6, 0.2), voltage=np.full(6, 10.0))
    health = Health(config, calibration, "/dev/arm")
    with pytest.raises(OvercurrentError):
        [health.check(cool) for _ in range(3)]
    supplied = reading(temperature=np.full(6, 30.0))
    health = Health(config, calibration, "/dev/arm")
    with pytest.raises(VoltageError):
        [health.check(supplied) for _ in range(3)]


def test_margin_and_speed():
    """`joint_margin_deg` is kept free at both ends of the joints' ranges; the speed limit is per tick."""
    wide, narrow = Rig("safety.joint_margin_deg=0"), Rig("safety.joint_margin_deg=5")
    assert np.rad2deg(narrow.limits.lower - wide.limits.lower)[0] == pytest.approx([5] * 5 + [0])
    assert np.rad2deg(wide.limits.upper - narrow.limits.upper)[0] == pytest.approx([5] * 5 + [0])
    slow = Rig("safety.max_joint_velocity_deg_s=30", "env.fps=20")
    assert np.rad2deg(slow.limits.max_step) == pytest.approx(1.5)
