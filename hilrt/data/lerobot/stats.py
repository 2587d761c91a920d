"""Statistics of an episode's columns, and of all episodes together: minimum, maximum, mean, deviation, count.

Pictures are told by a few of each episode, their colours as numbers in [0, 1], as the format's readers expect.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hilrt.data.lerobot.columns import Arrays

Floats = npt.NDArray[np.float64]
Stats = dict[str, Floats]
"""`min`, `max`, `mean`, `std` of a column's shape, and `count`, shape (1,)."""

SAMPLES = 8
"""Pictures of an episode that are looked at."""


def of_columns(arrays: Arrays) -> dict[str, Stats]:
    """Of an episode's numbers; NaN, where a step has none, counts for nothing."""
    return {name: _of(array.reshape(len(array), -1).astype(np.float64)) for name, array in arrays.items()}


def of_pictures(sums: Sequence[Floats]) -> Stats:
    """Of a camera, from its pictures' own figures: minima, maxima, means, mean squares, (n, 4, 3)."""
    low, high, mean, square = np.moveaxis(np.array(sums), 1, 0) / 255.0
    centre = mean.mean(axis=0)
    deviation = np.sqrt(np.maximum(0.0, square.mean(axis=0) / 255.0 - centre**2))
    figures = {"min": low.min(axis=0), "max": high.max(axis=0), "mean": centre, "std": deviation}
    shaped = {name: figure.reshape(3, 1, 1) for name, figure in figures.items()}
    return {**shaped, "count": np.array([len(sums)], np.float64)}


def of_picture(picture: npt.NDArray[np.uint8]) -> Floats:
    """One picture's minima, maxima, means and mean squares by colour, (4, 3)."""
    thinned = picture[:: max(1, picture.shape[0] // 120), :: max(1, picture.shape[1] // 160)]
    pixels = thinned.reshape(-1, 3).astype(np.float64)
    return np.array([pixels.min(axis=0), pixels.max(axis=0), pixels.mean(axis=0), (pixels**2).mean(axis=0)])


def together(parts: Iterable[dict[str, Stats]]) -> dict[str, Stats]:
    """Of all episodes: means by their counts, deviations about the common mean."""
    columns: dict[str, list[Stats]] = {}
    for part in parts:
        for name, stats in part.items():
            columns.setdefault(name, []).append(stats)
    return {name: _joined(stats) for name, stats in columns.items()}


def _of(rows: Floats) -> Stats:
    count = np.array([len(rows)], np.float64)
    told = rows[~np.isnan(rows).any(axis=1)]
    if not len(told):
        nothing = np.zeros(rows.shape[1])
        return {"min": nothing, "max": nothing, "mean": nothing, "std": nothing, "count": count * 0}
    figures = {"min": told.min(axis=0), "max": told.max(axis=0), "mean": told.mean(axis=0)}
    return {**figures, "std": told.std(axis=0), "count": np.array([len(told)], np.float64)}


def _joined(parts: Sequence[Stats]) -> Stats:
    known = [part for part in parts if part["count"][0]] or parts[:1]
    counts = np.array([part["count"][0] for part in known])
    weights = counts / max(1.0, counts.sum())
    mean = _weighted(weights, [part["mean"] for part in known])
    spread = _weighted(weights, [part["std"] ** 2 + (part["mean"] - mean) ** 2 for part in known])
    return {
        "min": np.min([part["min"] for part in known], axis=0),
        "max": np.max([part["max"] for part in known], axis=0),
        "mean": mean,
        "std": np.sqrt(spread),
        "count": np.array([counts.sum()]),
    }


def _weighted(weights: Floats, values: Sequence[Floats]) -> Floats:
    return np.tensordot(weights, np.array(values), axes=1)
