"""Seeing that a policy's success has fallen, and not by chance, though it is looked at after every episode."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hilrt.data.episodes import EpisodeSummary

BEFORE = (60, 120)
"""Episodes before a fall that its success is measured by."""
AFTER = {20: 9.6, 40: 7.6, 80: 7.6}
"""Episodes after it, and the evidence that makes it one [nat]: the fewer they are, the more often chance has a try.
Found by simulation (tests/data/test_fall.py): of a hundred trainings whose policy never gets worse, at most one has a
fall by chance within 300 episodes."""
CHANCE_S = 1.0
"""What is taken over sooner tells nothing of the policy [s]."""

_X_LOG_X = np.array([0.0, *(x * np.log(x) for x in range(1, max(BEFORE) + max(AFTER) + 1))])

Counts = int | npt.NDArray[np.int_]


class Fall(NamedTuple):
    """From one share of autonomous successes to another."""

    since: int
    """Number of the first episode after it."""
    before: float
    now: float


def splits(n: int) -> Iterator[tuple[int, int, float]]:
    """Where the last of `n` episodes may be cut: episodes before and after, and the evidence that is asked for."""
    for after, enough in AFTER.items():
        for before in BEFORE:
            if before + after <= n:
                yield before, after, enough


def evidence(wins_before: Counts, before: int, wins: Counts, after: int) -> npt.NDArray[np.float64]:
    """How much likelier it is that success has fallen than that it has not; 0 where it was not higher before [nat].

    The logarithm of the ratio of the likelihoods of two success rates and of one (Wilks 1938).
    """
    wins_before, wins = np.asarray(wins_before), np.asarray(wins)
    two = _likelihood(wins_before, before) + _likelihood(wins, after)
    ratio = two - _likelihood(wins_before + wins, before + after)
    return np.where(wins_before * after > wins * before, ratio, 0.0)


def _likelihood(wins: npt.NDArray[np.int_], n: int) -> npt.NDArray[np.float64]:
    """Of so many of `n`, at the rate that makes them likeliest, but for what all rates share; its logarithm."""
    found: npt.NDArray[np.float64] = _X_LOG_X[wins] + _X_LOG_X[n - wins] - _X_LOG_X[n]
    return found


class Falls:
    """Autonomous successes of training episodes since the last fall."""

    def __init__(self, fps: int) -> None:
        self._chance = round(CHANCE_S * fps)
        self._numbers: list[int] = []
        self._wins = [0]

    def episode(self, summary: EpisodeSummary) -> Fall | None:
        """A training episode has ended: the fall that it makes certain, if any; then all begins anew.

        An episode that was taken over before the policy had its chance, that another run has recorded (`hilrt run`
        acts without noise), or that is discarded, counts nowhere.
        """
        first = summary.first_human_step
        if summary.discarded or summary.session or (first is not None and first < self._chance):
            return None
        self._numbers.append(summary.episode)
        self._wins.append(self._wins[-1] + summary.autonomous)
        fall = self._surest()
        if fall:
            self._numbers, self._wins = [], [0]
        return fall

    def _surest(self) -> Fall | None:
        n, wins = len(self._numbers), self._wins
        found, most = None, 0.0
        for before, after, enough in splits(n):
            cut = n - after
            old, new = wins[cut] - wins[cut - before], wins[n] - wins[cut]
            beyond = float(evidence(old, before, new, after)) - enough
            if beyond > most:
                found, most = Fall(self._numbers[cut], old / before, new / after), beyond
        return found
