"""One page about a classifier: curves, confusion, calibration, and the frames about which it was most wrong."""

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hilrt.classify.frames import DOUBTFUL
from hilrt.classify.job import Outcome
from hilrt.classify.judgement import Judgement, calibration, heading, rates
from hilrt.data.pictures import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 150
"""Letters in a line above the curves."""
WORST = 4
"""Frames of each kind that are shown, of different episodes."""
DPI = 100
Shown = Callable[[int, int], Picture]
"""The picture of an episode's step, all cameras side by side."""


def page(outcome: Outcome, shown: Shown) -> Picture:
    """The picture, RGB."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(13.0, 10.0), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(3, WORST)
    about = outcome.bundle.about
    figure.suptitle(title(outcome.judgement), fontsize=11)
    _draw_rates(axes[0], outcome)
    _draw_confusion(axes[0][2], outcome)
    for row, kind, wrong in ((1, "not a", False), (2, "a", True)):
        places = _worst(outcome, of_reward=wrong)
        for axis, place in zip(axes[row], [*places, *[None] * WORST], strict=False):
            axis.set_axis_off()
            if place is None:
                continue
            episode, step = (
                outcome.frames.told[outcome.frames.episode[place]].number,
                outcome.frames.step[place],
            )
            axis.imshow(shown(episode, int(step)))
            said = outcome.told[place, about.rewarded]
            axis.set_title(
                f"{kind} {about.reward_class}, said {said:.3f}\nepisode {episode}, step {step}", fontsize=9
            )
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def title(judgement: Judgement) -> str:
    """All figures, in a few lines."""
    frames, *by_session = heading(judgement)
    counts = judgement.counts
    alarms = f"false alarms in {counts.alarms} of {counts.failed} episodes"
    noticed = f"{counts.told} of {counts.succeeded} successes noticed"
    wrapped = textwrap.wrap(f"balanced accuracy by {'; '.join(by_session)}", COLUMNS)
    return "\n".join([frames, f"{alarms}, {noticed}", *wrapped])


def _draw_rates(axes: "np.ndarray[tuple[int], np.dtype[np.object_]]", outcome: Outcome) -> None:
    clear = outcome.frames.classes != DOUBTFUL
    rewarded = outcome.bundle.about.rewarded
    told, success = outcome.told[clear, rewarded], outcome.frames.classes[clear] == rewarded
    alarms, recall, precision = rates(told, success)
    axes[0].plot([0.0, *alarms], [0.0, *recall])
    axes[0].set(title="ROC", xlabel="false positive rate", ylabel="recall", ylim=(0.0, 1.02))
    axes[1].plot(recall, precision)
    axes[1].set(title="precision and recall", xlabel="recall", ylabel="precision", ylim=(0.0, 1.02))
    said, so = calibration(told, success)
    axes[3].plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    axes[3].plot(said, so, marker="o")
    axes[3].set(title="calibration", xlabel="probability said", ylabel="share that is so")
    for axis in (axes[0], axes[1], axes[3]):
        axis.grid(alpha=0.3)


def _draw_confusion(axis: "Axes", outcome: Outcome) -> None:
    matrix, names = np.array(outcome.judgement.confusion), outcome.judgement.classes
    axis.imshow(matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True)), cmap="Blues", vmin=0.0, vmax=1.6)
    for (row, column), count in np.ndenumerate(matrix):
        axis.text(column, row, str(count), ha="center", va="center")
    ticks = range(len(names))
    axis.set(title="frames", xlabel="taken for", ylabel="is", xticks=ticks, yticks=ticks)
    axis.set_xticklabels(names)
    axis.set_yticklabels(names, rotation=90, va="center")


def _worst(outcome: Outcome, *, of_reward: bool) -> list[int]:
    """Frames that were most wrongly told, the worst of an episode each: the rewarded class's own, or the others'."""
    frames, rewarded = outcome.frames, outcome.bundle.about.rewarded
    error = 1.0 - outcome.told[:, rewarded] if of_reward else outcome.told[:, rewarded]
    chosen = (frames.classes == rewarded) == of_reward
    chosen &= frames.classes != DOUBTFUL
    found: dict[int, int] = {}
    for place in np.argsort(-error, kind="stable"):
        if chosen[place]:
            found.setdefault(int(frames.episode[place]), int(place))
    return list(found.values())[:WORST]
