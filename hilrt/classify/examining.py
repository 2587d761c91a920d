"""`hilrt test-classifier`: what a classifier would have said of recorded episodes, frame by frame, as it would live."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from hilrt.classify.frames import DOUBTFUL, digest_of, late_s, told_of
from hilrt.classify.judgement import balanced, curve_of
from hilrt.classify.threshold import Counts, Curve, count
from hilrt.config import Config
from hilrt.data.journal import Episode
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.pictures import Picture
from hilrt.errors import NoDemonstrationsError
from hilrt.policy.device import device_of
from hilrt.report.progress import Track
from hilrt.reward.about import rotations_of
from hilrt.reward.bundle import Bundle
from hilrt.reward.hold import Rule, rule_of
from hilrt.step.features import from_config
from hilrt.step.record import Float32

COLUMNS = 4
DPI = 80


class Examined(NamedTuple):
    """What came of it."""

    curves: list[Curve]
    said: list[int | None]
    """Of each episode the step at which success would have been said."""
    rule: Rule
    counts: Counts
    balanced_accuracy: float
    learned: int
    """Episodes that the classifier was trained on."""
    relabelled: int
    """Of those, with other labels than they have now."""
    redrawn: int
    """Of those, with other pictures."""

    @property
    def late_steps(self) -> float | None:
        """Median of the steps from a success to its being noticed; None where none was."""
        pairs = zip(self.curves, self.said, strict=True)
        late = [said - int(c.rewarded.argmax()) for c, said in pairs if said is not None and c.rewarded[said]]
        return float(np.median(late)) if late else None


def examine(config: Config, root: Path, path: Path, track: Track) -> Examined:
    """Have the classifier in `path` judge the episodes in `root`.

    Raises:
        ClassifierError, ClassifierViewError: it cannot be used, or not with these cameras.
        NoDemonstrationsError: there are no episodes.
    """
    torch.set_num_threads(1)
    features = from_config(config)
    bundle = Bundle.load(path, device_of(config.policy.device, "policy.device"))
    bundle.require(features, rotations_of(config))
    if not exists(root):
        raise NoDemonstrationsError(str(root))
    dataset, about = open_dataset(root, features), bundle.about
    rule = rule_of(config.processor.reward_classifier, about, features.fps)
    curves, said, truth, guess = [], [], [], []
    learned = relabelled = redrawn = 0
    for number in track(range(len(dataset)), "judging", len(dataset)):
        episode = dataset.episode(number, frames=True)
        told, pictures = _judged(bundle, episode)
        known = told_of(root, episode, about.make.classes, about.reward_class, late_s(config))
        classes = np.array(known.classes)
        learned += known.digest in about.data
        relabelled += about.relabelled(known.digest, known.labels)
        redrawn += about.redrawn(known.digest, pictures)
        curves.append(curve_of(number, told[:, about.rewarded], classes, about.rewarded))
        hold = rule.begun()
        said.append(next((i for i, p in enumerate(told[:, about.rewarded]) if hold.add(float(p))), None))
        clear = classes != DOUBTFUL
        truth.append(classes[clear])
        guess.append(told[clear].argmax(axis=1))
    accuracy = balanced(np.concatenate(truth), np.concatenate(guess))
    counts = count(curves, rule.threshold, rule.steps, rule.min_steps)
    return Examined(curves, said, rule, counts, accuracy, learned, relabelled, redrawn)


def _judged(bundle: Bundle, episode: Episode) -> tuple[Float32, str]:
    """Probabilities (n, classes) of an episode's frames, and the digest of their views."""
    told, views = [], []
    for i in range(len(episode.records)):
        images = episode.images(i)
        told.append(bundle.probabilities(images))
        views += [bundle.preprocess.apply(view.name, images[view.name]) for view in bundle.about.make.views]
    return np.stack(told), digest_of(views)


def drawn(examined: Examined, fps: int) -> Picture:
    """A curve for each episode, RGB: success shaded, the threshold, and where success would have been said."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    rows = math.ceil(len(examined.curves) / COLUMNS)
    figure = Figure(figsize=(14.0, 1.6 * rows + 0.6), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(rows, COLUMNS, squeeze=False, sharey=True).flat
    for axis, curve, said in zip(axes, examined.curves, examined.said, strict=False):
        seconds = np.arange(len(curve.probability)) / fps
        axis.fill_between(seconds, 0, 1, where=curve.rewarded, color="#2ca02c", alpha=0.15, step="mid")
        axis.plot(seconds, curve.probability, linewidth=1.2)
        axis.axhline(examined.rule.threshold, color="grey", linewidth=0.8, linestyle="--")
        if said is not None:
            axis.axvline(seconds[said], color="#d62728" if curve.failed[said] else "#2ca02c", linewidth=1.5)
        axis.set(ylim=(-0.03, 1.03), title=f"episode {curve.number}")
        axis.title.set_fontsize(8)
    for axis in list(axes)[len(examined.curves) :]:
        axis.set_axis_off()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()
