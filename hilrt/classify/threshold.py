"""From which probability on success is believed, for few false alarms in an episode; and how sure that is.

A false alarm is what ends an episode wrongly: `hold_s` in a row above the threshold before any success, or without one.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from hilrt.data.episodes import wilson
from hilrt.step.record import Float32

ALARMS = 0.02
"""False alarms in an episode that are put up with."""
LEAST = 0.5
"""No lower threshold is recommended, however few alarms there are."""

T = TypeVar("T", np.bool_, np.float32)
Bools = npt.NDArray[np.bool_]


class Curve(NamedTuple):
    """An episode: probability of the rewarded class in each frame, whether it is of it, or of another before it."""

    number: int
    probability: Float32
    rewarded: Bools
    failed: Bools


class Counts(NamedTuple):
    """What a threshold comes to."""

    alarms: int
    """Episodes with a false alarm, of `failed`."""
    failed: int
    """Episodes with a part long enough for one."""
    told: int
    """Successes that are noticed, of `succeeded`."""
    succeeded: int

    @property
    def alarm_range(self) -> tuple[float, float]:
        """95 % interval of alarms in an episode."""
        return wilson(self.alarms, self.failed)

    @property
    def told_range(self) -> tuple[float, float]:
        """95 % interval of the share of successes that are noticed."""
        return wilson(self.told, self.succeeded)


def alarm_level(curve: Curve, steps: int, min_steps: int) -> float | None:
    """The highest threshold with a false alarm; None where the episode has no failed part of so many steps."""
    least, first = _windows(curve.probability, steps)
    failed, _ = _windows(curve.failed, steps)
    chosen = least[failed & (first >= min_steps)]
    return float(chosen.max()) if len(chosen) else None


def success_level(curve: Curve, steps: int, min_steps: int) -> float | None:
    """The highest threshold at which success is noticed; None where there is none.

    An episode that ends before it has succeeded for long enough counts as far as it goes.
    """
    if not curve.rewarded.any():
        return None
    least, first = _windows(curve.probability, min(steps, int(curve.rewarded.sum())))
    ends = curve.rewarded[len(curve.rewarded) - len(least) :]
    chosen = least[ends & (first >= min_steps)]
    return float(chosen.max()) if len(chosen) else 0.0


def count(curves: Sequence[Curve], threshold: float, steps: int, min_steps: int) -> Counts:
    """Alarms and successes at a threshold."""
    alarms = _levels(alarm_level(c, steps, min_steps) for c in curves)
    told = _levels(success_level(c, steps, min_steps) for c in curves)
    return Counts(
        sum(a >= threshold for a in alarms), len(alarms), sum(t >= threshold for t in told), len(told)
    )


def recommended(curves: Sequence[Curve], steps: int, min_steps: int) -> float:
    """Half-way, in log odds, between the alarms that there are to be none of and the weakest success above them."""
    alarms = sorted(_levels(alarm_level(c, steps, min_steps) for c in curves), reverse=True)
    allowed = int(ALARMS * len(alarms))
    below = alarms[allowed] if allowed < len(alarms) else 0.0
    above = min(
        (t for t in _levels(success_level(c, steps, min_steps) for c in curves) if t > below), default=1.0
    )
    middle = 1.0 / (1.0 + math.exp(-0.5 * (_log_odds(below) + _log_odds(above))))
    return min(1.0, max(LEAST, middle, math.nextafter(below, 2.0)))


def failures_to_be_sure(share: float = ALARMS) -> int:
    """Episodes without any alarm from which on the 95 % interval lies below that share."""
    count = 1
    while wilson(0, count)[1] > share:
        count += 1
    return count


def _windows(values: "npt.NDArray[T]", steps: int) -> "tuple[npt.NDArray[T], npt.NDArray[np.int64]]":
    """Of each `steps` in a row the least, and the number of the first."""
    if len(values) < steps:
        return values[:0], np.zeros(0, np.int64)
    least: npt.NDArray[T] = np.lib.stride_tricks.sliding_window_view(values, steps).min(axis=1)
    return least, np.arange(len(least))


def _levels(found: Iterable[float | None]) -> list[float]:
    return [level for level in found if level is not None]


def _log_odds(p: float) -> float:
    p = min(max(p, 1e-6), 1.0 - 1e-6)
    return math.log(p / (1.0 - p))
