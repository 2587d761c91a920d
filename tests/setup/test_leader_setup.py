"""A leader arm is set up as a follower is, by a flag; its calibration lies among the teleoperators'."""

from pathlib import Path

import pytest
from desk import Operator, factory, place, play, sweep

from hilrt.config import MOTORS, taskfile
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.devices.leaderarm import LeaderArm
from hilrt.errors import ConfigError
from hilrt.setup.calibrate import calibrate
from hilrt.setup.doctor import doctor
from hilrt.setup.motors import setup_motors
from hilrt.setup.place import Place

TASK = Path(__file__).parents[2] / "configs" / "so100_leader.toml"
ENDS = {name: (-1000, 1000) for name in MOTORS if name != "wrist_roll"}


def test_six_new_motors_become_a_leader(desk, tmp_path):
    """Motors, calibration at the leader's place, a doctor who looks at it too, and an arm that connects as a leader."""
    overrides = [f"teleop.port={desk.port}", f"robot.calibration_dir={tmp_path}", "robot.cameras={}"]
    config = taskfile.load(TASK, overrides)
    where = Place.of(config, leader=True)
    assert where.calibration_path == tmp_path / "teleoperators" / "so100_leader" / "leader.json"

    new = [factory() for _ in MOTORS]
    operator = Operator([lambda servo=servo: desk.connect(servo) for servo in reversed(new)])
    play(setup_motors(operator, where))
    assert operator.said[-1].endswith("then: hilrt calibrate CONFIG --leader")
    desk.connect(*new)

    operator = Operator()
    assert play(doctor(operator.say, config)) is False
    (line,) = [line for line in operator.said if line.startswith("BAD  leader")]
    assert "leader calibration: " in line
    assert "hilrt calibrate" in line
    assert "--leader" in line

    closed = lambda: place(new[5], 2048 - 1000)  # noqa: E731
    play(calibrate(Operator(["", "", closed], [sweep(new, (2048,) * 6, ENDS)]), where))
    assert where.calibration_path.is_file()
    operator = Operator()
    play(doctor(operator.say, config))
    assert sum(line.startswith("ok   leader") for line in operator.said) == 9

    async def connect():
        arm = await LeaderArm.connect(where.port, Calibration.load(where.calibration_path), "leader", 1.0)
        await arm.read()
        gripper = arm.position[5]
        await arm.close()
        return gripper

    assert play(connect()) == pytest.approx(-0.174533)
    assert {servo.get(Register.D_COEFFICIENT) for servo in new} == {16}


def test_a_leader_that_is_none():
    """Asked for a task file's leader where there is none, or of another side, it says what there is."""
    keyboard = taskfile.load(TASK.with_name("so100.toml"))
    with pytest.raises(
        ConfigError, match=r'\$\.teleop\.type: is "keyboard", no leader arm\. Set "so100_leader"'
    ):
        Place.of(keyboard, leader=True)
    with pytest.raises(ConfigError, match=r"--arm: the task file has one arm"):
        Place.of(taskfile.load(TASK), "left", leader=True)


def test_two_leaders_by_side(tmp_path):
    """Each has its port and its file."""
    arms = "{left = {id = 'l', port = '/dev/a'}, right = {id = 'r', port = '/dev/b'}}"
    leaders = "{left = {id = 'x', port = '/dev/c'}, right = {id = 'y', port = '/dev/d'}}"
    path = tmp_path / "task.toml"
    text = TASK.read_text().replace('port = "/dev/ttyACM0"\n', "").replace('id = "follower" ', "#")
    path.write_text(text)
    config = taskfile.load(
        path, [f"robot.arms={arms}", f"teleop={{type = 'so101_leader', arms = {leaders}}}"]
    )
    right = Place.of(config, "right", leader=True)
    assert right.port == "/dev/d"
    assert str(right.calibration_path) == "calibration/teleoperators/so101_leader/y.json"
