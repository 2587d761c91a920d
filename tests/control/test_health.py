"""What ends a run: heat, current, supply, faults."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from hilrt.config import taskfile
from hilrt.control.health import Health
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault
from hilrt.errors import GripOverloadError, OvercurrentError, OverheatError, ServoFaultError, VoltageError

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


def health(*overrides):
    """That of an arm, at 10 Hz."""
    calibration = Calibration.load(ROOT / "configs/calibration/robots/so100_follower/sim.json")
    return Health(
        taskfile.load(ROOT / "configs" / "sim_so100.toml", list(overrides)), calibration, "/dev/arm"
    )


def reading(**changes):
    """One on which the third motor, unless all are given, differs from a sound one."""
    fields = {}
    for name, value in changes.items():
        fields[name] = np.array(getattr(WELL, name))
        fields[name][:] = np.where(np.arange(6) == 2, value, fields[name])
    return msgspec.structs.replace(WELL, **fields)


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (
            {"temperature": 70.0},
            OverheatError,
            "elbow_flex is at 70 degC, above safety.max_temperature_c = 65",
        ),
        ({"voltage": 9.5}, VoltageError, r"elbow_flex is supplied with 9.5 V, outside 9.6 \.\. 13.5"),
        ({"voltage": 14.0}, VoltageError, "elbow_flex is supplied with 14.0 V"),
        (
            {"status": Fault.OVERLOAD},
            ServoFaultError,
            r"motor 3 \(elbow_flex\) on /dev/arm reports: overload",
        ),
    ],
)
def test_what_lasts_three_readings_ends_the_run(bad, error, words):
    """Two readings in a row may be a disturbance on the wire, of whatever they speak; the third is none."""
    patient = health()
    for _ in range(3):
        patient.check(WELL)
        patient.check(reading(**bad))
        patient.check(reading(**bad))
    with pytest.raises(error, match=words):
        patient.check(reading(**bad))


def test_an_overloaded_gripper_is_told_anew_and_a_broken_one_is_not():
    """Its overload is to be cleared, as often as it was gone in between; one that stays ends the run."""
    patient = health()
    latched = msgspec.structs.replace(WELL, status=np.array([0, 0, 0, 0, 0, Fault.OVERLOAD]))
    for _ in range(5):
        for _ in range(2):
            patient.check(latched)
        with pytest.raises(GripOverloadError):
            patient.check(latched)
        patient.check(WELL)
    for error in (*[GripOverloadError] * 3, ServoFaultError):
        for _ in range(2):
            patient.check(latched)
        with pytest.raises(error):
            patient.check(latched)


def test_a_gripper_with_another_fault_ends_the_run():
    """Heat, supply or sensor are no overload."""
    patient = health()
    bad = msgspec.structs.replace(WELL, status=np.array([0, 0, 0, 0, 0, Fault.OVERLOAD | Fault.SENSOR]))
    for _ in range(2):
        patient.check(bad)
    with pytest.raises(ServoFaultError, match=r"gripper.* reports: sensor and overload"):
        patient.check(bad)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("supply", "stall", "hard_work"), [(12.0, 2.7, 1.9), (7.4, 2.4, 1.9), (4.9, 1.6, 1.4)]
)
def test_a_stalled_motor_ends_the_run(sign, supply, stall, hard_work):
    """A motor that stalls for a second, whichever way it pulls, at any supply; less current or less time does not."""
    sound = msgspec.structs.replace(WELL, voltage=np.full(6, supply))

    def drawing(amperes):
        return msgspec.structs.replace(sound, current=reading(current=sign * amperes).current)

    patient = health()
    for _ in range(3):
        for _ in range(9):
            patient.check(drawing(stall))
        patient.check(drawing(hard_work))
    for _ in range(9):
        patient.check(drawing(stall))
    with pytest.raises(OvercurrentError, match=f"elbow_flex draws {stall:.2f} A"):
        patient.check(drawing(stall))


def test_motors_that_push_against_the_same_thing_are_one_stall():
    """Once one of them has been told, the arm is eased: the others have a second from then on."""
    patient = health()
    one, both = (msgspec.structs.replace(WELL, current=np.array([0, 2.7, c, 0, 0, 0])) for c in (0.0, 2.7))
    for now in [one, *[both] * 8]:
        patient.check(now)
    with pytest.raises(OvercurrentError, match="shoulder_lift"):
        patient.check(both)
    for _ in range(9):
        patient.check(both)


@pytest.mark.parametrize(("supply", "weak"), [(4.9, 3.8), (7.4, 5.8), (12.1, 9.5)])
def test_arms_of_every_voltage_run(supply, weak):
    """What an arm is supplied with at the start is right; a fifth less is a supply that breaks down."""
    patient = health()
    for _ in range(5):
        patient.check(msgspec.structs.replace(WELL, voltage=np.full(6, supply)))
    with pytest.raises(VoltageError):
        [patient.check(msgspec.structs.replace(WELL, voltage=np.full(6, weak))) for _ in range(3)]


@pytest.mark.parametrize(
    ("override", "error"),
    [
        ("safety.max_temperature_c=34", OverheatError),
        ("safety.max_current_a=0.1", OvercurrentError),
        ("safety.min_voltage_v=12.5", VoltageError),
        ("safety.max_voltage_v=11.0", VoltageError),
    ],
)
def test_limits_are_the_configs(override, error):
    """Each limit that `[safety]` gives is the one that trips."""
    strict = health(override)
    with pytest.raises(error):
        [strict.check(reading(current=0.2)) for _ in range(10)]
