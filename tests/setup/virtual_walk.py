"""From motors out of the box to a policy, with a virtual gamepad in hand; see `devices.virtual`."""

import re

import pytest
from armdesk import Desk
from devices.virtual import Bed
from newarm import calibrate_arm, set_up_motors, write_task
from padjob import FORWARD, LEFT, STOP, SUCCESS, TAKE_OVER, UP, PadJob

from hilrt.config import taskfile
from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.setup.place import Place
from hilrt.step.record import Mode, Source

LEARNING = [
    "processor.reset.control_time_s=1.0",
    "learner.online_steps=30",
    "learner.warm_start_steps=20",
    "learner.critic_warmup_steps=5",
    "learner.batch_size=32",
    "eval.every_steps=0",
]


@pytest.fixture
def bed(tmp_path):
    bed = Bed(tmp_path)
    yield bed
    bed.close()


def edit(task):
    """What a user of a gamepad, without a camera, changes in the file; and less time to put the scene back."""
    text = re.sub(r"(?s)\[robot\.cameras\.front\].*?\n\n", "", task.read_text())
    text = text.replace('type = "keyboard"', 'type = "gamepad"').replace(
        "reset_time_s = 5.0", "reset_time_s = 0.1"
    )
    task.write_text(text.replace("num_episodes_to_record = 20", "num_episodes_to_record = 2"))


def test_from_the_box_to_a_policy(desk, bed, tmp_path):
    """What each command wrote, in motors, calibration file, task file and dataset, is what the next one starts from."""
    adapter = tmp_path / "adapter"
    adapter.symlink_to(desk.port)
    task = write_task(tmp_path, adapter)
    edit(task)
    place = Place.of(taskfile.load(task))
    servos = set_up_motors(desk, place)
    calibrate_arm(servos, task)
    adapter.unlink()

    pad = bed.xbox()
    with Desk(tmp_path, place.calibration_path, servos):
        teleoperate(bed, pad, tmp_path, task)
        find_limits(bed, pad, tmp_path, task)
        record(bed, pad, tmp_path, task)
        train(bed, pad, tmp_path, task)


def start(bed, folder, task, *words, overrides=()):
    """A job on the task file as it is, but for `overrides`."""
    job, *options = words
    overrides = [f"robot.calibration_dir={folder}", *overrides]
    return PadJob(bed, folder, job, task, *options, overrides=overrides)


def teleoperate(bed, pad, folder, task):
    """The box of the task file holds: pushed forward for long, the end effector stays in it."""
    with start(bed, folder, task, "teleoperate") as job:
        job.begun(0)
        job.drive(pad, FORWARD, ticks=20)
        assert job.control.limited_box > 0
        assert job.control.driver == "you"
        pad.tap(STOP)
        job.end()


def find_limits(bed, pad, folder, task):
    """Driven beyond the old box, the arm gives a new one."""
    old = taskfile.load(task).bounds("")
    with start(bed, folder, task, "find-limits", "--teleoperate", "--write") as job:
        job.begun(0)
        job.drive(pad, FORWARD, UP, LEFT, ticks=12)
        assert job.control.limited_box == 0
        pad.tap(STOP)
        text = job.end()
    new = taskfile.load(task).bounds("")
    assert f"max = {list(new.max)}" in text
    assert new.max[0] > old.max[0] + 0.02


def record(bed, pad, folder, task):
    """Two demonstrations, each driven by the sticks and ended by the button for success."""
    with start(bed, folder, task, "record") as job:
        for number in range(2):
            job.begun(number)
            job.drive(pad, FORWARD, UP)
            pad.tap(SUCCESS)
            job.wait_for(lambda number=number: job.control.episodes_demo > number)
        job.end()
    episodes = list(open_dataset(folder / "datasets" / "so100"))
    assert [e.records[-1].success for e in episodes] == [True, True]
    assert all(r.source is Source.HUMAN for e in episodes for r in e.records if not r.final)


def train(bed, pad, folder, task):
    """It starts from the demonstrations; the policy acts on the arm, and a held bumper takes over."""
    with start(bed, folder, task, "train", overrides=LEARNING) as job:
        job.wait_for(lambda: job.control.online_steps >= 5)
        pad.press(TAKE_OVER)
        job.wait_for(lambda: job.control.human_steps >= 3)
        pad.release(TAKE_OVER)
        demonstrated = job.status.learner.demo_rows
        job.end()
    journal = list(read_episodes(job.path / "journal"))
    steps = [r for e in journal if e.mode is Mode.TRAIN for r in e.records if not r.final]
    assert demonstrated > 0
    assert len(steps) >= 30
    assert {r.source for r in steps} == {Source.HUMAN, Source.POLICY}
