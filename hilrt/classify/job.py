"""`hilrt train-classifier`: from recorded episodes to a file that tells success from frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from hilrt.classify.advice import advice
from hilrt.classify.folds import folds_of
from hilrt.classify.frames import DOUBTFUL, Frames, late_s, look, told_of
from hilrt.classify.judgement import Judgement, curves_of, figures, judged
from hilrt.classify.threshold import Curve, count, recommended
from hilrt.classify.training import Fit, Losses, Options
from hilrt.config import Config
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.lerobot.views import episodes_seen
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import ClassifierDataError, NoCamerasError, NoDemonstrationsError
from hilrt.policy.device import device_of
from hilrt.policy.encoders.build import build_encoders
from hilrt.policy.encoders.shapes import STRIDES
from hilrt.policy.vision import Vision, frozen_weights
from hilrt.report.progress import Track
from hilrt.reward.about import About, Make, rotations_of
from hilrt.reward.bundle import Bundle
from hilrt.reward.hold import HOLD_S, frames_of
from hilrt.reward.network import Network
from hilrt.step.conditions import Conditions
from hilrt.step.features import from_config
from hilrt.step.record import Float32


class Outcome(NamedTuple):
    """What came of it."""

    bundle: Bundle
    judgement: Judgement
    advice: list[str]
    frames: Frames
    told: Float32
    """Probabilities (n, classes) of all frames, each by a network that does not know its episode."""
    curves: list[Curve]
    losses: list[Losses]
    """Of each training."""


class Classifying:
    """The trainings of a classifier: one for each fold, which then judges it, and a last one."""

    def __init__(self, config: Config, root: Path) -> None:
        """Raises as `train_classifier` does, and what an encoder's weights or the dataset raise."""
        torch.set_num_threads(
            1
        )  # two threads that wait for each other on a busy computer take ten times as long
        self._config, self._root = config, root
        self._wanted, self._features = config.processor.reward_classifier, from_config(config)
        if not self._features.views:
            raise NoCamerasError
        if not exists(root):
            raise NoDemonstrationsError(str(root))
        self._dataset = open_dataset(root, self._features)
        self._turned = recorded_rotations(config, root, self._dataset.conditions)
        self._vision = encoder_of(config)
        self._make = _make(config, str(build_encoders(self._vision, self._features.views)[0].digest))
        self._rewarded = self._wanted.classes.index(self._wanted.reward_class)

    def run(self, track: Track) -> Outcome:
        """Look, train, judge.

        Raises:
            ClassifierDataError: too little was recorded, or one class alone.
        """
        frames = self._look(track)
        fold = np.array(folds_of(frames.told, self._wanted.classes, str(self._root)))[frames.episode]
        clear = frames.classes != DOUBTFUL
        told, losses, last = np.zeros((len(fold), len(self._wanted.classes)), np.float32), [], max(fold) + 1
        networks: list[Network] = []
        for number in track(range(last + 1), "training", int(last) + 1):
            fit = self._fit(frames, number)
            test, held = fold == number, fold == (number + 1) % last
            losses.append(fit.run(np.flatnonzero(clear & ~test & ~held), np.flatnonzero(clear & held)))
            networks.append(fit.network)
            if test.any():
                told[test] = fit.told(np.flatnonzero(test)).float().softmax(-1).numpy()
        return self._outcome(frames, told, joined(networks), losses)

    def _outcome(self, frames: Frames, told: Float32, network: Network, losses: list[Losses]) -> Outcome:
        wanted, rewarded = self._wanted, self._rewarded
        hold_s, fps = HOLD_S if wanted.hold_s is None else wanted.hold_s, self._features.fps
        steps, curves = frames_of(hold_s, fps), curves_of(frames, told, rewarded)
        first = _first_success(curves) // 2 if wanted.min_steps is None else wanted.min_steps
        threshold = wanted.success_threshold
        if threshold is None:
            threshold = recommended(curves, steps, first)
        counts = count(curves, threshold, steps, first)
        judgement = judged(frames, told, wanted.classes, rewarded, threshold, counts)
        about = About(
            make=msgspec.structs.replace(self._make, heads=len(network.heads)),
            images=self._features.images,
            rotations=self._turned,
            fps=fps,
            reward_class=wanted.reward_class,
            threshold=threshold,
            hold_s=hold_s,
            min_steps=first,
            data=tuple(each.digest for each in frames.told),
            labels=tuple(each.labels for each in frames.told),
            pictures=frames.digests,
            metrics=figures(judgement),
        )
        words = list(advice(frames.told, curves, rewarded, threshold, steps, first))
        return Outcome(Bundle(about, network), judgement, words, frames, told, curves, losses)

    def _look(self, track: Track) -> Frames:
        preprocess = Preprocess(self._config.processor.image_preprocessing, self._features)
        wanted, episodes = self._wanted, len(self._dataset)
        late = late_s(self._config)
        seen = (
            (told_of(self._root, s.episode, wanted.classes, wanted.reward_class, late), s)
            for s in episodes_seen(self._dataset, preprocess)
        )
        count = sum(row.length + 1 for row in self._dataset.rows)
        shift, seed = self._config.policy.shift, self._config.seed
        return look(track(seen, "looking", episodes), self._network(seed), count, shift, seed)

    def _fit(self, frames: Frames, number: int) -> Fit:
        wanted, seed = self._wanted, self._config.seed + number
        options = Options(wanted.learning_rate, wanted.use_amp, self._config.policy.shift)
        return Fit(self._network(seed), frames, options, seed)

    def _network(self, seed: int) -> Network:
        torch.manual_seed(seed)
        encoders = build_encoders(self._vision, self._make.views)
        device = device_of(self._config.learner.device)
        return Network(self._make, encoders, self._wanted.dropout_rate).to(device)


def train_classifier(config: Config, root: Path, path: Path, track: Track) -> Outcome:
    """Train a classifier on the episodes in `root`, and write it to `path`.

    Raises:
        NoCamerasError: the task has none.
        NoDemonstrationsError: there are no episodes.
        ClassifierDataError: too few, of one class alone, or of a camera that was turned meanwhile.
        ClassifierError: the disk does not take the file.
    """
    outcome = Classifying(config, root).run(track)
    outcome.bundle.save(path)
    return outcome


def joined(networks: Sequence[Network]) -> Network:
    """The last, with the heads of all where they see the same features."""
    *others, last = networks
    if last.frozen:
        last.heads.extend(head for network in others for head in network.heads)
    return last


def recorded_rotations(config: Config, root: Path, recorded: Sequence[Conditions | None]) -> dict[str, int]:
    """By camera, of those whose frames are turned [degrees]: as they were recorded, where that is known.

    Args:
        config: says so of cameras of which nothing else is known.
        root: the dataset, for messages.
        recorded: conditions of its episodes.

    Raises:
        ClassifierDataError: a camera was turned in between.
    """
    found = rotations_of(config)
    for name in config.robot.cameras:
        turns = sorted({each.cameras[name].rotation for each in recorded if each and name in each.cameras})
        if len(turns) > 1:
            raise ClassifierDataError.turned(str(root), name, turns)
        if turns:
            found[name] = turns[0]
    return {name: turn for name, turn in found.items() if turn}


def encoder_of(config: Config) -> Vision:
    """The classifier's encoder: that of the policy, or another kind, whose weights are in the place of that kind."""
    policy = config.policy
    shared = policy.encoder if policy.encoder in STRIDES else "conv"
    kind = config.processor.reward_classifier.model_name or shared
    if kind != policy.encoder:
        policy = msgspec.structs.replace(policy, encoder=kind, weights="")
    return Vision(
        encoder=kind, weights=str(frozen_weights(msgspec.structs.replace(config, policy=policy)) or "")
    )


def _make(config: Config, digest: str) -> Make:
    wanted = config.processor.reward_classifier
    return Make(
        encoder=encoder_of(config).encoder,
        encoder_digest=digest,
        model=wanted.model_type,
        hidden=wanted.hidden_dim,
        views=from_config(config).views,
        classes=wanted.classes,
    )


def _first_success(curves: list[Curve]) -> int:
    """Step of the earliest; there is one."""
    return min(int(curve.rewarded.argmax()) for curve in curves if curve.rewarded.any())
