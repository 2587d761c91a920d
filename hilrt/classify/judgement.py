"""How well a classifier tells frames apart that it was not trained on."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from hilrt.classify.frames import DOUBTFUL, Frames, Ints, sessions
from hilrt.classify.threshold import Counts, Curve
from hilrt.step.record import Float32

Floats = npt.NDArray[np.float64]
BINS = 10
"""Of the calibration curve."""


class Judgement(Struct, frozen=True, kw_only=True):
    """Of frames of episodes that were held out."""

    classes: tuple[str, ...]
    loss: float
    """Cross entropy, every class counted alike."""
    balanced_accuracy: float
    """Mean over the classes of the share that is told."""
    precision: float
    """Of the frames from the threshold on, those that are of the rewarded class."""
    recall: float
    """Of the frames of the rewarded class, those from the threshold on."""
    confusion: tuple[tuple[int, ...], ...]
    """Frames: a row for each class that they are of, a column for each that they are taken for."""
    sessions: tuple[tuple[int, float], ...]
    """Of each recording session its episodes, and its balanced accuracy."""
    threshold: float
    counts: Counts


def judged(
    frames: Frames, told: Float32, classes: Sequence[str], rewarded: int, threshold: float, counts: Counts
) -> Judgement:
    """`told`: probabilities (n, classes) of the frames, each by a network that does not know its episode."""
    clear = frames.classes != DOUBTFUL
    told, truth, episode = told[clear], frames.classes[clear], frames.episode[clear]
    guess, session = told.argmax(axis=1), np.array(sessions(frames.told))
    above, success = told[:, rewarded] >= threshold, truth == rewarded
    per_session = []
    for number in range(session.max() + 1):
        of_it = session[episode] == number
        per_session.append((int((session == number).sum()), balanced(truth[of_it], guess[of_it])))
    own = np.clip(told[np.arange(len(truth)), truth].astype(np.float64), 1e-12, 1.0)
    matrix = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(matrix, (truth, guess), 1)
    return Judgement(
        classes=tuple(classes),
        loss=float(np.mean([-np.log(own[truth == c]).mean() for c in np.unique(truth)])),
        balanced_accuracy=balanced(truth, guess),
        precision=float(success[above].mean()) if above.any() else 0.0,
        recall=float(above[success].mean()) if success.any() else 0.0,
        confusion=tuple(tuple(int(n) for n in row) for row in matrix),
        sessions=tuple(per_session),
        threshold=threshold,
        counts=counts,
    )


def figures(judgement: Judgement) -> dict[str, float]:
    """By name, as they are kept with the classifier and plotted."""
    counts = judgement.counts
    return {
        "loss": judgement.loss,
        "balanced_accuracy": judgement.balanced_accuracy,
        "precision": judgement.precision,
        "recall": judgement.recall,
        "alarms": counts.alarms,
        "episodes_with_failure": counts.failed,
        "successes_told": counts.told,
        "successes": counts.succeeded,
        **{f"session_{n}": accuracy for n, (_, accuracy) in enumerate(judgement.sessions)},
    }


def heading(judgement: Judgement) -> Iterator[str]:
    """What is known of frames, and the same by recording session, in words."""
    yield (
        f"episodes held out: balanced accuracy {judgement.balanced_accuracy:.1%} of frames, loss {judgement.loss:.3f}; "
        f"precision {judgement.precision:.1%} and recall {judgement.recall:.1%} at a threshold of "
        f"{judgement.threshold:.3f}"
    )
    for number, (episodes, accuracy) in enumerate(judgement.sessions, 1):
        yield f"session {number}, {episodes} episodes: {accuracy:.1%}"


def curves_of(frames: Frames, told: Float32, rewarded: int) -> list[Curve]:
    """Each episode's probabilities of the rewarded class."""
    rows = [frames.episode == i for i in range(len(frames.told))]
    pairs = zip(frames.told, rows, strict=True)
    return [curve_of(about.number, told[of, rewarded], frames.classes[of], rewarded) for about, of in pairs]


def curve_of(number: int, probability: Float32, classes: Ints, rewarded: int) -> Curve:
    """One episode's. What lies behind its first success has not failed: where that ends it nothing more is seen."""
    success = classes == rewarded
    failed = ~np.logical_or.accumulate(success) & (classes != DOUBTFUL)
    return Curve(number, probability, success, failed)


def rates(probability: Float32, success: npt.NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """At every threshold from the highest down: false alarm rate, recall and precision of single frames."""
    order = np.argsort(-probability, kind="stable")
    right = np.cumsum(success[order], dtype=np.float64)
    wrong = np.cumsum(~success[order], dtype=np.float64)
    # frames of one probability are above a threshold together
    last = np.flatnonzero(np.diff(probability[order], append=-1.0))
    right, wrong = right[last], wrong[last]
    return wrong / max(1, (~success).sum()), right / max(1, success.sum()), right / (right + wrong)


def calibration(probability: Float32, success: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """What was said, and how often it was so, in bins of what was said; both classes counted alike, as in training."""
    weight = np.where(success, 0.5 / max(1, success.sum()), 0.5 / max(1, (~success).sum()))
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    total = np.bincount(place, weight, BINS)
    there = total > 0
    said = np.bincount(place, weight * probability, BINS)[there] / total[there]
    return said, np.bincount(place, weight * success, BINS)[there] / total[there]


def balanced(truth: Ints, guess: Ints) -> float:
    """Mean over the classes of the share that is told."""
    return float(np.mean([(guess[truth == c] == c).mean() for c in np.unique(truth)]))
