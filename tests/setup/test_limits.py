import re
from pathlib import Path

import numpy as np
import pytest
from desk import Operator, place, play

from hilrt.config import MOTORS, taskfile
from hilrt.devices.calibration import Calibration, MotorCalibration
from hilrt.devices.feetech.registers import Register
from hilrt.errors import ConfigError, NotMovedError, UnknownNameError
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.setup.limits import find_limits, moved, write_limits
from hilrt.setup.place import Place
from hilrt.sim.servos import ServoBank

CONFIGS = Path(__file__).parents[2] / "configs"
POSES = ([0.0, -0.3, 0.5, 0.8, 0.0, 0.5], [0.4, 0.2, 0.1, 0.7, 0.0, 0.0], [-0.4, 0.3, 0.3, 0.4, 0.1, 1.0])


@pytest.fixture
def calibration():
    """Six motors that differ."""
    return Calibration({name: MotorCalibration(i + 1, 0, 50 * i, 700, 3400) for i, name in enumerate(MOTORS)})


@pytest.fixture
def task(desk, calibration, tmp_path):
    """A copy of the task file of a real arm, whose motors are on the desk, calibrated."""
    servos = ServoBank.calibrated(calibration).servos
    desk.connect(*servos)
    path = tmp_path / "task.toml"
    text = (CONFIGS / "so100.toml").read_text()
    text = text.replace('"/dev/ttyACM0"', f'"{desk.port}"').replace(
        'id = "follower"', f'id = "follower"\ncalibration_dir = "{tmp_path}"'
    )
    path.write_text(text)
    calibration.save(Place.of(taskfile.load(path)).calibration_path)
    return path


def hand(desk, calibration, poses):
    """Moves of a hand through these joint angles [rad]."""

    def move(pose):
        for servo, count in zip(desk.bank.connected, calibration.counts(np.array(pose)), strict=True):
            place(servo, int(count) + servo.get(Register.HOMING_OFFSET))

    return [lambda pose=pose: move(pose) for pose in poses]


def found(desk, calibration, task, poses=POSES):
    """Limits that a hand through `poses` gives, and the operator."""
    moves = hand(desk, calibration, poses)

    def start():
        moves[0]()  # the watch begins with a look

    operator = Operator([start], [moves])
    return play(find_limits(operator, taskfile.load(task))), operator


def test_the_box_is_where_the_hand_has_been(desk, calibration, task):
    """End effector from forward kinematics, joints in degrees; the motors are off meanwhile."""
    limits, operator = found(desk, calibration, task)
    kinematics = Kinematics(SO100_URDF)
    points = np.array([kinematics.forward(pose)[:3, 3] for pose in POSES])
    assert limits.low[:3] == pytest.approx(points.min(0), abs=2e-3)
    assert limits.high[:3] == pytest.approx(points.max(0), abs=2e-3)
    assert limits.low[3] == pytest.approx(np.degrees(-0.4), abs=0.1)
    assert [servo.torque_enabled for servo in desk.bank.connected] == [False] * 6
    assert operator.seen[-1].rows[0][0] == "end effector x [m]"
    assert len(operator.seen[-1].rows) == 9


def test_writing_keeps_the_rest_of_the_file(desk, calibration, task):
    """Only the six numbers change; comments stay; the file then has what was found."""
    limits, _ = found(desk, calibration, task)
    before = task.read_text().splitlines()
    write_limits(task, {"": limits})
    after = task.read_text().splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.split(" = ")[0] for line in changed] == ["min", "max"]
    bounds = taskfile.load(task).bounds("")
    assert list(bounds.min) == limits.box["min"]
    for line in changed:
        assert line in limits.toml("")


def test_a_box_too_small_is_not_written(desk, calibration, task):
    """A box within one step would be refused at the next start: the file stays as it was."""
    limits, _ = found(desk, calibration, task, POSES[:1])
    before = task.read_text()
    with pytest.raises(ConfigError, match=re.escape("min x = 0.275 is not below max x")):
        write_limits(task, {"": limits})
    assert task.read_text() == before
    assert not list(task.parent.glob("*.tmp"))


def test_one_of_two_arms_gets_a_box_of_its_own(desk, calibration, task, tmp_path):
    """It goes into the table of its side."""
    text = task.read_text()
    text = re.sub(r"(?m)^(port|id) = .*\n", "", text).replace(
        "[robot.cameras.front]",
        f'[robot.arms.left]\nport = "{desk.port}"\nid = "follower"\n\n'
        '[robot.arms.right]\nport = "/dev/ttyACM9"\nid = "other"\n\n[robot.cameras.front]',
    )
    task.write_text(text)
    config = taskfile.load(task)
    operator = Operator([""], [hand(desk, calibration, POSES)])
    limits = play(find_limits(operator, config, "left"))
    write_limits(task, {"left": limits})
    again = taskfile.load(task)
    assert list(again.bounds("left").max) == limits.box["max"]
    assert again.bounds("right") == config.bounds("right")
    with pytest.raises(UnknownNameError, match="no arm 'middle'; there are: left, right"):
        play(find_limits(operator, config, "middle"))


def test_joint_control_has_no_box(desk, calibration, task):
    """Without [processor.inverse_kinematics] there is nowhere to write to."""
    limits, _ = found(desk, calibration, task)
    text = task.read_text()
    start, end = text.index("[processor.inverse_kinematics.end_eff"), text.index("[dataset]")
    task.write_text(text[:start] + text[end:])
    with pytest.raises(ConfigError, match="joint control has no workspace box"):
        write_limits(task, {"": limits})


def test_a_hand_that_moved_nothing_is_told_so(desk, calibration, task):
    """There is nothing to print, and nothing to write, where the end effector stayed."""
    limits, _ = found(desk, calibration, task, POSES[:1])
    with pytest.raises(NotMovedError, match="no end effector was moved by more than 5 mm"):
        moved({"": limits})
    other, _ = found(desk, calibration, task)
    assert moved({"left": limits, "right": other}) == {"right": other}


def test_a_simulated_arm_is_not_moved_by_hand():
    """The set-up's commands refuse its task file; find-limits says how it can be moved."""
    simulated = taskfile.load(CONFIGS / "sim_so100.toml")
    with pytest.raises(ConfigError, match="a simulated arm comes set up"):
        Place.of(simulated)
    with pytest.raises(ConfigError, match="Drive it: add --teleoperate"):
        play(find_limits(Operator(), simulated))
