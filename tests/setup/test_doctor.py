import re
import time
from pathlib import Path

import cv2
import msgspec
import pytest
from cameras.driver import YUYV, Driver, after, pictures
from desk import Operator, factory, play

from hilrt import config as task
from hilrt.cameras import camera, rate
from hilrt.cameras.camera import Camera
from hilrt.config import Safety, taskfile
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.devices.zerofile import ZeroOffsets
from hilrt.setup.doctor import _camera, doctor, examine_arm
from hilrt.setup.place import Place
from hilrt.sim.servos import ServoBank

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def servos(desk, where):
    """An arm whose motors hold its file."""
    calibration = Calibration.nominal()
    calibration.save(where.calibration_path)
    made = ServoBank.calibrated(calibration).servos
    desk.connect(*made)
    return list(made)


def bad(where):
    """What is not ok with the arm, as lines."""
    return [str(finding) for finding in play(examine_arm(where)) if not finding.ok]


def test_a_sound_arm_is_ok_line_by_line(servos, where, desk):
    """A line for the port, for each motor and for the calibration; nothing is written."""
    lines = [str(finding) for finding in play(examine_arm(where))]
    assert lines[0] == f"ok   arm port: {where.port}"
    assert lines[6] == (
        "ok   arm motor 6 (gripper): firmware 3.10, position 2047, 12.0 V, 30 degC, torque off"
    )
    assert lines[7] == f"ok   arm calibration: {where.calibration_path}"
    assert "no low latency mode; carries " in lines[8]
    assert all(line.startswith("ok") for line in lines)
    assert desk.bank.writes == []


@pytest.mark.usefixtures("servos")
def test_lost_readings_are_counted(where, desk):
    """Some are no reason to say nothing of the adapter."""
    desk.bank.deaf = 50
    adapter = str(play(examine_arm(where))[8])
    assert re.search(r"; \d+ of 100 readings were lost", adapter)


def test_each_trouble_has_its_line(servos, where, desk):
    """A fault, another model and another calibration are named with the motor."""
    servos[2].put(Register.STATUS, Fault.OVERLOAD)
    servos[3].put(Register.MODEL, 1284)
    servos[5].put(Register.HOMING_OFFSET, 5)
    overload, model, calibration = bad(where)
    assert overload.startswith("BAD  arm motor 3 (elbow_flex): firmware 3.10")
    assert "fault: overload. Free it" in overload
    assert model == "BAD  arm motor 4 (wrist_flex): is model 1284, not 777 (STS3215)"
    assert calibration == (
        "BAD  arm calibration: gripper homing_offset is 5, not 0. Run hilrt calibrate CONFIG"
    )


@pytest.mark.parametrize(
    ("volts", "least", "fine"), [(4.9, None, True), (4.9, 5.0, False), (12.0, None, True)]
)
def test_a_supply_is_judged_as_a_run_judges_it(servos, where, volts, least, fine):
    """5 V are as right as 12 V; what `[safety]` forbids is said before a run ends by it."""
    for servo in servos:
        servo.set_present(2047, 0, 0.0, 0.0, 30.0, volts)
    findings = play(examine_arm(where, safety=Safety(min_voltage_v=least)))
    motors = [str(finding) for finding in findings if "motor" in finding.what]
    assert all(line.startswith("ok" if fine else "BAD") for line in motors)
    assert fine or "a run would end: shoulder_pan is supplied with 4.9 V, outside 5.0 .. 13.5" in motors[0]


def test_a_joint_that_could_not_be_armed_is_named(servos, where):
    """One that rests far beyond its range would keep a run from starting."""
    servos[1].put(Register.MIN_POSITION_LIMIT, 2047 + 200)
    assert bad(where)[0].startswith(
        f"BAD  arm motor 2 (shoulder_lift): motor 2 (shoulder_lift) on {where.port} rests 18 degrees beyond the lower"
    )


def test_zero_offsets_are_shown_and_stale_ones_are_bad(servos, where):
    """What the model of the arm is corrected by is said; what belongs to another calibration would end a run."""
    digest = Calibration.nominal().digest
    offsets = ZeroOffsets(
        calibration=digest, zero_offsets_deg={"elbow_flex": -12.5}, rms_mm=1.0, found="2026-03-01"
    )
    offsets.save(where.calibration_path)
    (line,) = [str(f) for f in play(examine_arm(where)) if f.what == "arm calibration"]
    assert line.endswith("follower.json; zero offsets of 2026-03-01 [deg]: elbow_flex -12.5")
    msgspec.structs.replace(offsets, calibration="0" * 16).save(where.calibration_path)
    assert "belong to another calibration" in bad(where)[0]


def test_a_missing_motor_and_an_absent_file_have_theirs(desk, where):
    """The other motors are looked at all the same."""
    desk.connect(*(factory(number=i) for i in (1, 2, 3, 5, 6)))
    motor, calibration = bad(where)
    assert motor.startswith("BAD  arm motor 4 (wrist_flex): does not answer")
    assert "there is no such file" in calibration


def test_an_adapter_that_is_too_slow_is_named(servos, where, desk):
    """It says how long replies take, which rate that carries, and what may be done; power is not what is wrong."""
    feed = desk.bank.feed
    desk.bank.feed = lambda request: time.sleep(0.006) or feed(request)
    (adapter,) = [str(f) for f in play(examine_arm(where, fps=200)) if not f.ok]
    assert re.match(
        r"BAD  arm adapter: replies after \d+\.\d ms .*; carries \d+ ticks a second; too slow", adapter
    )


def test_a_port_that_cannot_be_opened_says_why():
    """Then there is nothing more to say about the arm."""
    (line,) = bad(Place("/dev/ttyACM77", Path("nowhere.json")))
    assert line.startswith("BAD  arm port: no serial port /dev/ttyACM77")


def test_the_whole_desk(desk, servos, where, tmp_path):
    """Computer, arm and cameras of a task file; one thing that is not well makes the verdict."""
    path = tmp_path / "task.toml"
    text = (CONFIGS / "so100.toml").read_text().replace('"/dev/ttyACM0"', f'"{desk.port}"')
    text = text.replace('id = "follower"', f'id = "follower"\ncalibration_dir = "{tmp_path / "calibration"}"')
    path.write_text(text.replace("index_or_path = 0", "index_or_path = 77"))
    outside = ["processor.reset.fixed_reset_joint_positions=[90, -7.5, 9, 88.5, -84.7, 50]"]
    operator = Operator()
    assert play(doctor(operator.say, taskfile.load(path, outside), str(path))) is False
    heads = [line[5:].split(":")[0] for line in operator.said]
    assert heads[:5] == ["real-time scheduling", "/dev/shm", "video devices", "pipelines", "arm port"]
    assert operator.said[3].startswith(
        f"BAD  pipelines: {path}: the start pose of the arm is outside its workspace box: "
    )
    assert operator.said[-1].startswith("BAD  camera: camera front: /dev/video77 does not exist")
    assert sum(line.startswith("ok   arm") for line in operator.said) == 9


def test_a_camera_on_automatic_is_told(monkeypatch):
    """Which of its controls it chooses by itself, and where they are set; it is no reason not to begin."""
    monkeypatch.setattr(rate, "WINDOW_S", 0.2)
    ranges = {cv2.CAP_PROP_AUTO_EXPOSURE: (0, 3), cv2.CAP_PROP_AUTO_WB: (0, 1)}
    monkeypatch.setattr(cv2, "VideoCapture", Driver(pictures(), ranges=ranges))
    found = _camera(Camera("front", task.Camera(index_or_path="/dev/null", width=64, height=48, fps=1), 1))
    assert found.ok
    assert "; automatic: exposure, white balance. Set them in [robot.cameras.front.controls]" in str(found)


def test_a_camera_is_measured(tmp_path, monkeypatch):
    """What it gives and how fast is said; one that gives less than the task file says is bad, as is a silent one."""
    monkeypatch.setattr(rate, "WINDOW_S", 0.2)
    monkeypatch.setattr(camera, "REOPEN_S", 0.1)
    monkeypatch.setattr(cv2, "VideoCapture", Driver(pictures(), formats=(YUYV,), rates=(25,)))
    good = _camera(Camera("front", task.Camera(index_or_path="/dev/null", width=64, height=48, fps=1), 1))
    assert re.fullmatch(
        r"ok   camera front: gives 64x48 at 25 fps, YUYV; [\d.]+ pictures/s measured", str(good)
    )
    slow = _camera(Camera("front", task.Camera(index_or_path="/dev/null", width=64, height=48, fps=10**6), 1))
    assert re.match(
        r"BAD  camera front: says 64x48 at 25 fps, YUYV, and gives [\d.]+ pictures/s of 1000000\. ", str(slow)
    )
    monkeypatch.setattr("hilrt.setup.doctor.CAMERA_S", 3.0)
    monkeypatch.setattr(cv2, "VideoCapture", Driver(after(*[False] * 10**6)))
    silent = _camera(Camera("front", task.Camera(index_or_path="/dev/null", width=64, height=48), 10))
    assert str(silent) == "BAD  camera front: gives no new pictures"
