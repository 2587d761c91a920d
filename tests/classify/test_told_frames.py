"""What a classifier learns of a dataset: each frame's class, those in doubt, in other lights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from classify.recordings import FAR, STEPS, recorded

from hilrt.classify.advice import advice
from hilrt.classify.folds import folds_of
from hilrt.classify.frames import DOUBTFUL, LATE_S, Told, late_s, look, sessions, told_of
from hilrt.config import taskfile
from hilrt.data.labels import Correction, add_correction
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.views import episodes_seen
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import ClassifierDataError
from hilrt.policy.encoders.build import build_encoders
from hilrt.policy.vision import Vision
from hilrt.reward.about import Make
from hilrt.reward.network import Network
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.step.features import from_config

CLASSES = ("failure", "success")
FIRST = int(np.ceil(FAR * STEPS))
"""First frame of success."""


def told(number=0, classes=(0, 1), began_s=0.0, shut_m=None) -> Told:
    return Told(number=number, began_s=began_s, digest=str(number), labels="", classes=classes, shut_m=shut_m)


def test_classes_are_those_of_the_rewards(tmp_path: Path) -> None:
    """The frame after a rewarded step is a success; the half second before the first one is in doubt."""
    path = recorded(tmp_path, (1.0, 0.4))
    root = Path(taskfile.load(path).dataset.root)
    dataset = open_dataset(root)
    good, bad = (told_of(root, dataset.episode(n), CLASSES, "success", LATE_S) for n in (0, 1))
    assert good.classes == (0,) * (FIRST - 5) + (DOUBTFUL,) * 5 + (1,) * (STEPS + 1 - FIRST)
    assert bad.classes == (0,) * (STEPS + 1)
    assert good.succeeds(1)
    assert not bad.succeeds(1)
    assert good.shut_m is None
    zero = Kinematics(SO100_URDF).forward(np.zeros(6))
    assert bad.shut_m == pytest.approx(zero[2, 3]), "which is where these episodes are told to be"


@pytest.mark.parametrize(
    ("sets", "seconds"),
    [
        ((), 0.5),
        (("reward.hold_s=2",), 0.5),
        (("reward={type='grasp', hold_s=0.7}",), 0.7),
        (("reward={type='grasp', hold_s=0.1}",), 0.5),
        (("reward.type=classifier", "processor.reward_classifier.hold_s=0.6"), 0.6),
        (("reward.type=classifier",), 0.5),
        (
            ("reward={all_of=['grasp', 'classifier'], hold_s=0.6}", "processor.reward_classifier.hold_s=0.8"),
            0.8,
        ),
    ],
)
def test_what_gives_reward_late_leaves_more_in_doubt(tmp_path: Path, sets, seconds: float) -> None:
    """Success that was held for long before it was told is not taught as failure."""
    path = recorded(tmp_path, (1.0,))
    config = taskfile.load(path, sets)
    root = Path(config.dataset.root)
    assert late_s(config) == seconds
    doubtful = round(10 * seconds)
    good = told_of(root, open_dataset(root).episode(0), CLASSES, "success", late_s(config))
    assert good.classes == (0,) * (FIRST - doubtful) + (DOUBTFUL,) * doubtful + (1,) * (STEPS + 1 - FIRST)


@pytest.mark.parametrize(("low", "missing"), [(None, True), (0.08, True), (0.025, False)])
def test_failures_are_to_come_close(low, missing: bool) -> None:
    """Where success takes a grasp: advice while no failed episode has the gripper shut as low; without one, none."""
    failed = [told(n, (0,), shut_m=0.09) for n in range(4)] + [told(4, (0,), shut_m=low)]
    for shut_m, wanted in ((0.02, missing), (None, False)):
        succeeded = [told(n, (0, 1), shut_m=shut_m) for n in range(5, 10)]
        words = " ".join(advice([*failed, *succeeded], [], 1, 0.5, 5, 0))
        assert ("told to shut as low as before a success" in words) == wanted


def test_corrections_count(tmp_path: Path) -> None:
    """What a person has said of a frame is its class, with as many classes as the task file names."""
    path = recorded(tmp_path, (1.0, 0.4))
    root = Path(taskfile.load(path).dataset.root)
    row = open_dataset(root).row(1)
    before = [told_of(root, open_dataset(root).episode(n), CLASSES, "success", LATE_S) for n in (0, 1)]
    add_correction(root, Correction(episode=1, origin=row.origin, kind="span", start=2, stop=4, name="near"))
    said = told_of(root, open_dataset(root).episode(1), ("failure", "near", "success"), "success", LATE_S)
    assert said.classes == (0, 0, 1, 1) + (0,) * (STEPS - 3)
    assert said.digest == before[1].digest != before[0].digest


@pytest.mark.parametrize("encoder", ["pretrained", "conv"])
def test_frames_are_looked_at_once(tmp_path: Path, encoder: str) -> None:
    """A frozen encoder's features of each frame as it is, to the bit, and of varied ones; views for a trained one."""
    config = taskfile.load(recorded(tmp_path, (1.0, 0.4)))
    features, root = from_config(config), Path(config.dataset.root)
    preprocess = Preprocess(config.processor.image_preprocessing, features)
    weights = str(root.with_name("demos.encoder.safetensors"))
    encoders = build_encoders(Vision(encoder=encoder, weights=weights), features.views)
    make = Make(encoder=encoder, hidden=16, views=features.views, classes=CLASSES)
    network = Network(make, encoders)
    seen = list(episodes_seen(open_dataset(root), preprocess))
    pairs = [(told(n, (0,) * (STEPS + 1)), s) for n, s in enumerate(seen)]
    frames = look(pairs, network, 2 * (STEPS + 1), shift=2, seed=0)
    assert (frames.episode == np.repeat([0, 1], STEPS + 1)).all()
    assert (frames.step == np.tile(np.arange(STEPS + 1), 2)).all()
    view = torch.from_numpy(seen[1].views[3]["wrist"].copy())[None]
    row = frames.pictures[1][STEPS + 1 + 3]
    if encoder == "conv":
        assert torch.equal(row, view)
        return
    with torch.no_grad():
        assert torch.equal(row[0], network.features(1, view)[0])
    assert len(row) == 5
    assert all(not torch.equal(row[0], other) for other in row[1:])


def test_sessions_are_told_by_time() -> None:
    """Episodes with ten minutes between them are of two sessions, whatever their numbers."""
    assert sessions([told(began_s=t) for t in (5000.0, 0.0, 300.0, 5100.0)]) == [1, 0, 0, 1]


def test_folds_spread_what_episodes_have_in_them() -> None:
    """Whole episodes, five folds, those that succeed as evenly as those that fail."""
    episodes = [told(n, (0, 1) if n % 3 else (0,)) for n in range(15)]
    folds = folds_of(episodes, CLASSES, "there")
    for some in (range(0, 15, 3), [n for n in range(15) if n % 3]):
        counts = np.bincount([folds[n] for n in some], minlength=5)
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (
            [(0, 0)] * 6,
            "there: all frames of its 6 episodes are of the class failure; .* tells failure and success",
        ),
        ([(1, 1)] * 6, "of the class success"),
        ([(0, 1)] * 2 + [(0,)] * 9, "episodes with frames of the class success: 2; 3 are needed"),
    ],
)
def test_too_little_is_refused(classes, words: str) -> None:
    """One class alone, or one in two episodes, with what to record."""
    with pytest.raises(ClassifierDataError, match=rf"(?s){words}.*hilrt record CONFIG"):
        folds_of([told(n, c) for n, c in enumerate(classes)], CLASSES, "there")
