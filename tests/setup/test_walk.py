"""The whole set-up of an arm, from six motors out of the box to its workspace in the task file."""

from pathlib import Path

from desk import Operator, factory, place, play, sweep

from hilrt import taskfile
from hilrt.config import MOTORS
from hilrt.devices.feetech.registers import Register
from hilrt.setup.calibrate import calibrate, check_calibration
from hilrt.setup.doctor import examine_arm
from hilrt.setup.limits import find_limits, write_limits
from hilrt.setup.motors import setup_motors
from hilrt.setup.place import Place

CONFIGS = Path(__file__).parents[2] / "configs"
MIDDLES = (2048, 1500, 3000, 100, 2500, 3500)
ENDS = {
    "shoulder_pan": (-1250, 1250),
    "shoulder_lift": (-1150, 1190),
    "elbow_flex": (-1100, 1110),
    "wrist_flex": (-1160, 1160),
    "gripper": (-700, 800),
}


def set_up_motors(desk, where):
    """Present six new motors one by one."""
    new = [factory(rate) for rate in (1_000_000, 1_000_000, 500_000, 1_000_000, 1_000_000, 1_000_000)]

    def present(index):
        desk.connect(new[index])

    operator = Operator([lambda i=i: present(i) for i in reversed(range(6))])
    assert play(setup_motors(operator, where)) == list(reversed(MOTORS))
    assert "gripper: id 1 at 1000000 baud -> id 6 at 1000000 baud." in operator.said
    assert "elbow_flex: id 1 at 500000 baud -> id 3 at 1000000 baud." in operator.said
    assert "shoulder_pan: id 1 at 1000000 baud already." in operator.said
    return new


def test_six_new_motors_become_an_arm_with_a_workspace(desk, tmp_path):
    """Each command starts from what the one before it wrote, and the doctor finds nothing at the end."""
    task = tmp_path / "task.toml"
    text = (CONFIGS / "so100.toml").read_text().replace('"/dev/ttyACM0"', f'"{desk.port}"')
    task.write_text(text.replace('id = "follower"', f'id = "follower"\ncalibration_dir = "{tmp_path}"'))
    where = Place.of(taskfile.load(task))
    servos = set_up_motors(desk, where)
    assert [servo.get(Register.ID) for servo in servos] == [1, 2, 3, 4, 5, 6]
    assert {servo.get(Register.BAUD_RATE) for servo in servos} == {0}
    assert {servo.get(Register.LOCK) for servo in servos} == {1}

    desk.connect(*servos)
    for servo, raw in zip(servos, MIDDLES, strict=True):
        place(servo, raw)
    closed = lambda: place(servos[5], MIDDLES[5] - 700)  # noqa: E731
    play(calibrate(Operator(["", "", closed], [sweep(servos, MIDDLES, ENDS)]), where))
    said = []
    play(check_calibration(said.append, where))
    assert said == [f"The motors hold what {where.calibration_path} says."]

    config = taskfile.load(task)
    reach = sweep(servos, MIDDLES, dict.fromkeys(MOTORS[:4], (-400, 400)))
    limits = play(find_limits(Operator([""], [reach]), config))
    write_limits(task, {"": limits})
    assert list(taskfile.load(task).bounds("").max) == limits.box["max"]
    assert all(finding.ok for finding in play(examine_arm(where)))
