"""The set-up of an arm as one goes through it: six motors out of the box, their ids, their calibration."""

from pathlib import Path

from desk import Operator, factory, place, play, sweep

from hilrt.config import MOTORS, taskfile
from hilrt.setup.calibrate import calibrate
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


def write_task(folder, port):
    """The task file of a real arm on this port, its calibration below `folder`."""
    task = folder / "task.toml"
    text = (CONFIGS / "so100.toml").read_text().replace('"/dev/ttyACM0"', f'"{port}"')
    task.write_text(text.replace('id = "follower"', f'id = "follower"\ncalibration_dir = "{folder}"'))
    return task


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
    desk.connect(*new)
    return new


def calibrate_arm(servos, task):
    """By a hand that puts the joints to their middles, sweeps them, and closes the gripper."""
    for servo, raw in zip(servos, MIDDLES, strict=True):
        place(servo, raw)
    closed = lambda: place(servos[5], MIDDLES[5] - 700)  # noqa: E731
    operator = Operator(["", "", closed], [sweep(servos, MIDDLES, ENDS)])
    play(calibrate(operator, Place.of(taskfile.load(task))))
