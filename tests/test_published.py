"""Published set-ups as task files: on the simulated arm they record and train with their own values."""

import jobs
import numpy as np
import pytest

from hilrt.config import taskfile
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.setup.reach import Way

PUBLISHED = jobs.ROOT / "configs" / "published"
SHORT = [
    *jobs.SMALL,
    "policy.encoder=conv",
    "learner.batch_size=8",
    "learner.warm_start_steps=5",
    "learner.online_step_before_learning=5",
    "learner.online_steps=20",
    "eval.every_steps=0",
    "eval.final_episodes=1",
]
PUSH, GRASP = "push_third_person", "grasp_wrist_leader"


def config(name):
    return taskfile.load(PUBLISHED / f"{name}.toml")


def test_the_values_are_the_published_ones():
    """Box, steps, rate, time limit and crop, as far as a comment in the file says nothing else."""
    push, grasp = config(PUSH), config(GRASP)
    assert [c.env.fps for c in (push, grasp)] == [10, 10]
    assert push.bounds("").min == (0.1076, -0.1023, -0.0294)
    assert push.bounds("").max == (0.2965, 0.2091, 0.0589)
    assert push.action_scale == (0.009, 0.009, 0.01)
    assert push.reset_pose("") == (-41.32, 43.34, -40.88, 90.64, -32.22, 0.79)
    assert grasp.bounds("").min == (0.15, -0.15, 0.01)
    assert grasp.bounds("").max == (0.35, 0.15, 0.25)
    assert grasp.action_scale == (0.02, 0.02, 0.02)
    assert [c.processor.reset.control_time_s for c in (push, grasp)] == [20.0, 15.0]
    assert [c.processor.image_preprocessing.resize_size for c in (push, grasp)] == [(128, 128)] * 2
    halves = np.array(push.processor.image_preprocessing.crop_params_dict["front"])
    assert np.abs(2 * halves - [225, 679, 805, 966]).max() <= 1
    assert push.robot.cameras["front"].frame_size == (1080 / 2, 1920 / 2)
    assert grasp.processor.image_preprocessing.crop_params_dict == {"wrist": (0, 80, 480, 480)}


@pytest.mark.parametrize("name", [PUSH, GRASP])
def test_recorded_and_trained(tmp_path, name):
    """Two demonstrations succeed inside the box with whole pictures, and learning from what the crop leaves begins."""
    path = PUBLISHED / f"{name}.toml"
    done = jobs.run(tmp_path, "record", path, overrides=SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    dataset = open_dataset(tmp_path / "datasets" / name)
    assert [episode.records[-1].success for episode in dataset] == [True, True]
    (image,) = dataset.features.images
    assert image.height * image.width >= 480 * 640
    told = [Way.of(episode, dataset.features, "").told for episode in dataset]
    places = [Kinematics(SO100_URDF).forward(q)[:3, 3] for goals in told for q in goals]
    box = config(name).bounds("")
    assert (np.min(places, axis=0) >= np.array(box.min) - 2e-3).all()
    assert (np.max(places, axis=0) <= np.array(box.max) + 2e-3).all()

    done = jobs.run(tmp_path, "train", path, overrides=SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert jobs.summary(jobs.newest_run(tmp_path, "train"))["updates"] > 0
