"""What a classifier says of each episode, a line of text for each."""

from collections.abc import Iterator, Sequence

import numpy as np

from hilrt.classify.threshold import Curve
from hilrt.step.record import Float32

BARS = "▁▂▃▄▅▆▇█"
"""From probability 0 to 1, an eighth each."""
COLUMNS = 40


def lines_of(curves: Sequence[Curve], said: Sequence[int | None]) -> Iterator[str]:
    """Its number, the highest probability before success, and where success is said; then its course as a spark.

    Args:
        curves: of the episodes.
        said: of each the step at which success is said; None: at none.
    """
    width = len(str(max((curve.number for curve in curves), default=0)))
    for curve, step in zip(curves, said, strict=True):
        yield f"  episode {curve.number:>{width}} {spark(curve.probability):<{COLUMNS}} {_words(curve, step)}"


def spark(probability: Float32) -> str:
    """A bar for each frame, or for as many as fit into `COLUMNS`, whose highest it is."""
    parts = np.array_split(probability, min(len(probability), COLUMNS))
    heights = [min(int(part.max() * len(BARS)), len(BARS) - 1) for part in parts]
    return "".join(BARS[height] for height in heights)


def _words(curve: Curve, step: int | None) -> str:
    words = "no frame before success"
    if curve.failed.any():
        where = "before success" if curve.rewarded.any() else "without success"
        words = f"up to {curve.probability[curve.failed].max():.3f} {where}"
    words += ", success is never said" if step is None else f", success is said at step {step}"
    if step is not None and curve.failed[step]:
        return f"{words}: FALSE ALARM"
    return f"{words}, labelled from {int(curve.rewarded.argmax())} on" if curve.rewarded.any() else words
