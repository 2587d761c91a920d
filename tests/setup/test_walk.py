"""The whole set-up of an arm, from six motors out of the box to its workspace in the task file, and to learning."""

from pathlib import Path

from desk import Operator, play, sweep
from devices.virtual import run_virtual
from newarm import MIDDLES, calibrate_arm, set_up_motors, write_task

from hilrt.config import MOTORS, taskfile
from hilrt.devices.feetech.registers import Register
from hilrt.setup.calibrate import check_calibration
from hilrt.setup.doctor import examine_arm
from hilrt.setup.limits import find_limits, write_limits
from hilrt.setup.place import Place


def test_six_new_motors_become_an_arm_with_a_workspace(desk, tmp_path):
    """Each command starts from what the one before it wrote, and the doctor finds nothing at the end."""
    task = write_task(tmp_path, desk.port)
    where = Place.of(taskfile.load(task))
    servos = set_up_motors(desk, where)
    assert [servo.get(Register.ID) for servo in servos] == [1, 2, 3, 4, 5, 6]
    assert {servo.get(Register.BAUD_RATE) for servo in servos} == {0}
    assert {servo.get(Register.LOCK) for servo in servos} == {1}

    calibrate_arm(servos, task)
    said = []
    play(check_calibration(said.append, where))
    assert said == [f"The motors hold what {where.calibration_path} says."]

    reach = sweep(servos, MIDDLES, dict.fromkeys(MOTORS[:4], (-400, 400)))
    limits = play(find_limits(Operator([""], [reach]), taskfile.load(task)))
    write_limits(task, {"": limits})
    assert list(taskfile.load(task).bounds("").max) == limits.box["max"]
    assert all(finding.ok for finding in play(examine_arm(where)))


def test_from_the_box_to_a_policy_with_a_gamepad():
    """The same motors are then driven, demonstrated on and learned with, by jobs as a user starts them."""
    run_virtual(Path(__file__).with_name("virtual_walk.py"))
