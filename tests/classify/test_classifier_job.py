"""From recorded episodes to a classifier on disk, and what it says of them: the two commands."""

import re
from pathlib import Path

import numpy as np
import pytest
from classify.recordings import FAR, STEPS, record, recorded
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from hilrt.classify import job as jobs
from hilrt.cli.app import app
from hilrt.config import Config, taskfile
from hilrt.data.labels import Correction, add_correction
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.rewrite import export
from hilrt.errors import ClassifierDataError, ClassifierViewError, NoCamerasError, NoDemonstrationsError
from hilrt.jobs import classifier as commands
from hilrt.policy.device import CPU
from hilrt.report.progress import track
from hilrt.reward.bundle import Bundle
from hilrt.run.conditions import conditions_of

QUICK = ["processor.reward_classifier.hidden_dim=32", "processor.reward_classifier.learning_rate=2e-3"]


@pytest.fixture
def quick(monkeypatch) -> None:
    """Few epochs."""
    monkeypatch.setattr("hilrt.classify.training.EPOCHS", 25)


def config_of(path: Path, *sets: str) -> Config:
    return taskfile.load(path, [*QUICK, *sets])


def say(*words: str) -> str:
    sets = [part for value in QUICK for part in ("--set", value)]
    done = CliRunner().invoke(app, [*words, *sets], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


@pytest.mark.usefixtures("quick")
def test_commands_train_and_judge(tmp_path: Path, monkeypatch) -> None:
    """A file, a page and figures are left, and the words say what was found; the classifier then judges a dataset."""
    monkeypatch.chdir(tmp_path)
    path = recorded(tmp_path)
    words = say("train-classifier", str(path))
    for part in (
        "balanced accuracy",
        "session 2, 4 episodes",
        "precision",
        "loss",
        "threshold",
        "demos.classifier.safetensors",
        "95 %",
    ):
        assert part in words
    assert "Failed episodes: 4. Record 5 at least" in words
    bundle = Bundle.load(tmp_path / "demos.classifier.safetensors", CPU)
    assert bundle.about.metrics["balanced_accuracy"] > 0.9
    assert {"precision", "recall", "loss", "session_0", "session_1"} <= bundle.about.metrics.keys()
    assert bundle.about.min_steps == np.ceil(FAR * STEPS) // 2
    assert (tmp_path / "demos.classifier.png").stat().st_size > 10_000
    (folder,) = tmp_path.glob("runs/*-classifier-*/tensorboard")
    board = EventAccumulator(str(folder))
    board.Reload()
    for name, value in bundle.about.metrics.items():
        assert [event.value for event in board.Scalars(f"Classifier/{name}")] == [pytest.approx(value)]
    told = (Path(__file__).parents[2] / "docs" / "guide" / "dashboard.md").read_text()
    tags = {tag for kind in ("scalars", "images") for tag in board.Tags()[kind]}
    assert {re.sub(r"_\d+$", "_*", tag) for tag in tags} | {"Classifier/precision_recall"} == set(
        re.findall(r"`(Classifier/\S+)`", told)
    )
    assert len({*bundle.about.data}) == 8
    assert (bundle.about.fps, bundle.about.hold_s) == (10, 0.5)
    assert bundle.about.make.heads == 5, "four folds' and the last"
    words = say("test-classifier", str(path), "--out", str(tmp_path / "curves.png"))
    assert "it has learned from 8 of these 8 episodes, so what follows flatters it" in words
    assert "4 of 4 successes noticed" in words
    assert "false alarms in 0 of 4 episodes" in words, "the failed part of the others is too short for one"
    assert words.count("before success, success is said at step") == 4
    assert words.count("without success, success is never said") == 4
    assert (tmp_path / "curves.png").stat().st_size > 10_000


@pytest.mark.usefixtures("quick")
def test_runtime_says_what_training_saw(tmp_path: Path) -> None:
    """Of a recorded frame the file on disk says, to 1e-5, what the kept network said of it while it was trained."""
    path = recorded(tmp_path)
    config = config_of(path)
    root = Path(config.dataset.root)
    outcome = jobs.train_classifier(config, root, tmp_path / "c", track)
    read = Bundle.load(tmp_path / "c", CPU)
    episode = open_dataset(root).episode(2, frames=True)
    rows = np.flatnonzero(outcome.frames.episode == 2)
    seen = [pictures[rows, 0] for pictures in outcome.frames.pictures]
    trained = outcome.bundle.told(seen)
    live = np.stack([read.probabilities(episode.images(i)) for i in range(len(episode.records))])
    assert np.abs(trained - live).max() < 1e-5


@pytest.mark.usefixtures("quick")
def test_three_classes_and_a_trained_encoder(tmp_path: Path) -> None:
    """Of three classes the rewarded one is told, by an encoder without a weights file; its file is read as it was."""
    path = recorded(tmp_path, encoder="conv")
    sets = ["processor.reward_classifier.classes=['failure', 'near', 'success']"]
    with pytest.raises(ClassifierDataError, match=r"of the class near: 0.*hilrt label .* --span 60:80=near"):
        jobs.train_classifier(config_of(path, *sets), tmp_path / "demos", tmp_path / "c", track)
    label_near(tmp_path / "demos")
    outcome = jobs.train_classifier(config_of(path, *sets), tmp_path / "demos", tmp_path / "c", track)
    assert outcome.judgement.classes == ("failure", "near", "success")
    assert np.array(outcome.judgement.confusion).shape == (3, 3)
    assert Bundle.load(tmp_path / "c", CPU).about.make.encoder_digest == ""


def label_near(root: Path) -> None:
    """The end of each episode that failed is near."""
    for row in open_dataset(root).rows[4:]:
        near = Correction(episode=row.episode, origin=row.origin, kind="span", start=10, stop=17, name="near")
        add_correction(root, near)


def test_what_cannot_be_learned_from_is_refused(tmp_path: Path) -> None:
    """No episodes, no success, no cameras: each is named with what to do."""
    path = recorded(tmp_path, (0.4,) * 5)
    with pytest.raises(NoDemonstrationsError, match="hilrt record"):
        jobs.train_classifier(config_of(path), tmp_path / "none", tmp_path / "c", track)
    with pytest.raises(ClassifierDataError, match="are of the class failure"):
        jobs.train_classifier(config_of(path), tmp_path / "demos", tmp_path / "c", track)
    record(path, (1.0,) * 2, first=5)
    with pytest.raises(ClassifierDataError, match="of the class success: 2; 3 are needed"):
        jobs.train_classifier(config_of(path), tmp_path / "demos", tmp_path / "c", track)
    blind = Path(__file__).parents[2] / "configs/sim_so100.toml"
    with pytest.raises(NoCamerasError):
        jobs.train_classifier(taskfile.load(blind), tmp_path / "demos", tmp_path / "c", track)
    assert not (tmp_path / "c").exists()


@pytest.mark.usefixtures("quick")
def test_it_is_held_for_as_long_as_it_was_made_for(tmp_path: Path, monkeypatch) -> None:
    """Seconds and camera rotation of its training are kept; other episodes are none that it has learned from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hilrt.classify.training.EPOCHS", 1)
    path, turned = recorded(tmp_path), "robot.cameras.wrist.rotation=180"
    commands.train(path, None, [*QUICK, turned, "processor.reward_classifier.hold_s=1"])
    others = taskfile.load(path, [f"dataset.root={tmp_path}/others"])
    record(path, (1.0, 0.4), first=8)
    record(path, (1.0, 0.4), first=10, root=Path(others.dataset.root))
    with pytest.raises(ClassifierViewError, match=r"wrist 128x96 turned by 180 degrees seen.*here it is"):
        commands.examine(path, None, None, QUICK)
    _, examined = commands.examine(path, None, None, [*QUICK, turned])
    assert (examined.rule.hold_s, examined.rule.steps) == (1.0, 11)
    assert (examined.learned, len(examined.curves)) == (8, 10)
    _, examined = commands.examine(path, Path(others.dataset.root), None, [*QUICK, turned])
    assert (examined.learned, len(examined.curves)) == (0, 2)
    assert (examined.relabelled, examined.redrawn) == (0, 0), "of what it has not learned nothing is said"


@pytest.mark.usefixtures("quick")
def test_what_it_has_learned_otherwise_is_counted(tmp_path: Path, monkeypatch) -> None:
    """Episodes whose labels were corrected since, as long as that is in force; those whose pictures are others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hilrt.classify.training.EPOCHS", 1)
    path = recorded(tmp_path)
    commands.train(path, None, QUICK)

    def found(root: str = "demos", *sets: str) -> tuple[int, int, int]:
        _, examined = commands.examine(path, tmp_path / root, None, [*QUICK, *sets])
        return examined.learned, examined.relabelled, examined.redrawn

    assert found() == (8, 0, 0)
    assert found("demos", "reward={type='grasp', hold_s=1.0}") == (8, 0, 0), (
        "more is in doubt, labels are the same"
    )
    for episode in (5, 6):
        correct(tmp_path / "demos", episode, kind="success", start=12)
    assert found() == (8, 2, 0)
    words = say("test-classifier", str(path))
    assert "labels of 2 of its episodes were corrected since: train it again" in words
    assert "encoded anew" not in words
    correct(tmp_path / "demos", 5, kind="undo")
    export(tmp_path / "demos", tmp_path / "film", None, lambda _: None, video=True)
    assert found("film") == (8, 1, 8)
    assert "pictures of 8 of its episodes are others than it has seen: encoded anew" in say(
        "test-classifier", str(path), "film"
    )
    commands.train(path, None, QUICK)
    assert found() == (8, 0, 0)


def correct(root: Path, episode: int, **said) -> None:
    """Say so of an episode."""
    origin = open_dataset(root).row(episode).origin
    add_correction(root, Correction(episode=episode, origin=origin, **said))


def test_cameras_are_turned_as_they_were_recorded(tmp_path: Path) -> None:
    """What was recorded goes before the task file of now; frames of one camera that lie differently are refused."""
    path = recorded(tmp_path, (1.0,))
    upright, turned = (conditions_of(config_of(path, f"robot.cameras.front.rotation={n}")) for n in (0, 180))
    now = config_of(path, "robot.cameras.front.rotation=180", "robot.cameras.wrist.rotation=180")
    assert jobs.recorded_rotations(now, tmp_path, [None]) == {"front": 180, "wrist": 180}
    assert jobs.recorded_rotations(now, tmp_path, [upright, None]) == {}
    assert jobs.recorded_rotations(config_of(path), tmp_path, [turned]) == {"front": 180}
    with pytest.raises(ClassifierDataError, match="camera front were recorded turned by 0 and 180 degrees"):
        jobs.recorded_rotations(now, tmp_path, [upright, turned])


@pytest.mark.usefixtures("quick")
def test_a_classifier_of_another_crop_judges_nothing(tmp_path: Path, monkeypatch) -> None:
    """It is refused by both crops, before a frame is read."""
    monkeypatch.chdir(tmp_path)
    path = recorded(tmp_path)
    commands.train(path, None, QUICK)
    crop = "processor.image_preprocessing.crop_params_dict={front = [0, 0, 64, 64]}"
    with pytest.raises(ClassifierViewError, match=r"here it is .*crop \[0, 0, 64, 64\]"):
        commands.examine(path, None, None, [*QUICK, crop])
