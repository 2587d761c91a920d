"""A classifier of three classes from what the simulated task recorded: record, label, train, test."""

from pathlib import Path

import jobs
import pytest
from policy.pictures import encoder_file
from typer.testing import CliRunner

from hilrt.cli.app import app
from hilrt.config.taskfile import load
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.errors import ClassifierDataError
from hilrt.policy.device import CPU
from hilrt.reward.bundle import Bundle
from hilrt.step.features import from_config
from hilrt.step.record import GripperCommand, gripper_commands

PIXELS = jobs.ROOT / "configs" / "sim_so100_pixels.toml"
CLASSES = ("nothing", "grasped", "lifted")
SETS = [
    f"robot.calibration_dir={jobs.ROOT}/configs/calibration",
    "processor.image_preprocessing.resize_size=[32, 32]",
    *(f"robot.cameras.{name}={{type='sim', width=64, height=64}}" for name in ("front", "wrist")),
    f"processor.reward_classifier.classes={list(CLASSES)}",
    "processor.reward_classifier.reward_class=lifted",
    "processor.reward_classifier.hidden_dim=32",
    "processor.reward_classifier.learning_rate=1e-3",
]
LONG = ["processor.reset.terminate_on_success=false", "processor.reset.control_time_s=6"]
EPISODES = 6
ROOT = Path("datasets/sim_so100_pixels")


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A folder with episodes that go on behind their success, and with encoders that have learned nothing."""
    monkeypatch.chdir(tmp_path)
    wanted = [*SETS, *LONG, f"dataset.num_episodes_to_record={EPISODES}"]
    done = jobs.run(tmp_path, "record", PIXELS, overrides=wanted)
    assert done.returncode == 0, done.stderr
    weights = encoder_file(tmp_path, views=from_config(load(PIXELS, SETS)).views)
    weights.rename(f"{ROOT}.encoder.safetensors")
    return open_dataset(ROOT)


def say(*words, sets=()):
    """A command in this process; what it says, on one line."""
    overrides = [part for text in sets for part in ("--set", text)]
    done = CliRunner().invoke(app, [*map(str, words), *overrides], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def grasp_of(episode):
    """Observations from the grasp that led to the first success, to before it."""
    first = next(record.step for record in episode.records if record.reward)
    shuts = [gripper_commands(r.gripper, 1) == (GripperCommand.CLOSE,) for r in episode.records]
    begun = next(step for step in range(first, -1, -1) if not shuts[step]) + 1
    return min(begun + 3, first - 6), first + 1


def test_nothing_grasped_lifted(recorded):
    """Until there are spans of it a class is missing, by name; then all three are told, and success by lifted alone."""
    with pytest.raises(
        ClassifierDataError, match=r"of the class grasped: 0.*hilrt label .* --span 60:80=grasped"
    ):
        say("train-classifier", PIXELS, sets=SETS)
    labelled = ["--reward-class", "lifted", "--classes", ",".join(CLASSES)]
    for episode in recorded:
        start, stop = grasp_of(episode)
        span = ["--span", f"{start}:{stop}=grasped"]
        told = say("label", ROOT, "--episode", episode.header.episode, *span, *labelled)
        assert f"corrections: {start}:{stop} = grasped" in told
    told = say("train-classifier", PIXELS, sets=SETS)
    assert "balanced accuracy" in told
    assert f"of {EPISODES} successes noticed" in told
    bundle = Bundle.load(Path(f"{ROOT}.classifier.safetensors"), CPU)
    assert bundle.about.make.classes == CLASSES
    assert bundle.about.metrics["balanced_accuracy"] > 0.6, "a guess is right once in three times"
    episode = recorded.episode(0, frames=True)
    start, stop = grasp_of(episode)
    for at, name in ((0, "nothing"), (stop - 7, "grasped"), (len(episode.records) - 1, "lifted")):
        assert CLASSES[bundle.probabilities(episode.images(at)).argmax()] == name
    assert f"{EPISODES} of {EPISODES} successes noticed" in say("test-classifier", PIXELS, sets=SETS)
