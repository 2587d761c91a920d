"""A fall of success, looked for after each episode: how often is there one by chance, and how soon is one seen?

    python benches/experiments/fall.py

Of simulated trainings. Beside the test of `hilrt.data.fall` stand the last 20 episodes against the best 20 before them,
by the interval of the difference (Newcombe, 95 %) and by the evidence that keeps to 1 %, and what could be had at best:
the cumulative sum of somebody who knows both rates (Page 1954). Prints JSON.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from clone import difference  # noqa: E402
from host import report  # noqa: E402

from hilrt.data.fall import evidence, splits  # noqa: E402

EPISODES, TRAININGS, GOOD = 300, 10_000, 150
STEADY = {f"{share:.0%}": np.full(EPISODES, share) for share in (0.1, 0.3, 0.5, 0.7, 0.9)}
STEADY["rising from 10 to 90%"] = np.linspace(0.1, 0.9, EPISODES)
FALLS = ((0.55, 0.28), (0.8, 0.4), (0.8, 0.2), (0.9, 0.0))
WITHIN = (20, 40, 60, 80, 120)
WINDOW = 20
NEWCOMBE = np.array(
    [[difference(w, WINDOW, b, WINDOW)[2] for w in range(WINDOW + 1)] for b in range(WINDOW + 1)]
)
"""Upper end of the interval of what has been won since, by successes before and after."""
RATIO = np.array([evidence(b, WINDOW, np.arange(WINDOW + 1), WINDOW) for b in range(WINDOW + 1)])
"""Evidence of a fall in the same two windows [nat]."""

Array = np.ndarray
Test = Callable[[Array], Array]
"""Successes, shape (trainings, episodes), to by how much there is a fall after each: above 0 there is one."""


def drawn(chances: Array, seed: int) -> Array:
    """Successes of trainings whose policy is so good."""
    return np.random.default_rng(seed).random((TRAININGS, len(chances))) < chances


def sums(wins: Array) -> Array:
    """Of all before each episode, and of all."""
    return np.pad(np.cumsum(wins, axis=1), ((0, 0), (1, 0))).astype(np.int32)


def ours(wins: Array) -> Array:
    """The test that hilrt has."""
    total, found = sums(wins), np.full(wins.shape, -np.inf)
    for n in range(1, wins.shape[1] + 1):
        for before, after, enough in splits(n):
            first, cut, last = total[:, n - after - before], total[:, n - after], total[:, n]
            beyond = evidence(cut - first, before, last - cut, after) - enough
            found[:, n - 1] = np.maximum(found[:, n - 1], beyond)
    return found


def of_twenties(table: Array, least: float, wins: Array) -> Array:
    """The last 20 against the best 20 before them."""
    total, found = sums(wins), np.full(wins.shape, -np.inf)
    of_20 = total[:, WINDOW:] - total[:, :-WINDOW]
    best = np.maximum.accumulate(of_20, axis=1)
    found[:, 2 * WINDOW - 1 :] = table[best[:, :-WINDOW], of_20[:, WINDOW:]] - least
    return found


def cusum(good: float, bad: float, least: float, wins: Array) -> Array:
    """Of who knows how good it is, and how bad it will be."""
    lost = np.log((1 - bad) / (1 - good))
    steps: Array = lost + wins * (np.log(bad / good) - lost)
    found, now = np.empty(wins.shape), np.zeros(len(wins))
    for n in range(wins.shape[1]):
        now = np.maximum(0.0, now + steps[:, n])
        found[:, n] = now - least
    return found


def kept_to(test: Test, chances: Array) -> float:
    """What 99 % of trainings that never fall stay below."""
    return float(np.quantile(test(drawn(chances, 3)).max(axis=1), 0.99))


def judged(test: Test) -> dict[str, object]:
    """By chance, of trainings that never fall; and of those that do after 150 episodes, within so many."""
    told: dict[str, object] = {
        "by chance": {
            name: round(float((test(drawn(chances, 1)) > 0).any(axis=1).mean()), 4)
            for name, chances in STEADY.items()
        }
    }
    for good, bad in FALLS:
        told[f"{good:.0%} to {bad:.0%}"] = soon(test, good, bad)
    return told


def soon(test: Test, good: float, bad: float) -> dict[int, float]:
    """Share of trainings in which a fall is seen within so many episodes."""
    found = test(drawn(np.repeat([good, bad], [GOOD, max(WITHIN)]), 2))[:, GOOD:] > 0
    return {within: round(float(found[:, :within].any(axis=1).mean()), 3) for within in WITHIN}


def main() -> None:
    sure = max(kept_to(lambda wins: of_twenties(RATIO, 0.0, wins), c) for c in STEADY.values())
    good, bad = FALLS[0]
    known = kept_to(lambda wins: cusum(good, bad, 0.0, wins), np.full(EPISODES, good))
    results = {
        "hilrt": judged(ours),
        "20 against the best 20, 95 %": judged(lambda wins: of_twenties(-NEWCOMBE, 0.0, wins)),
        f"20 against the best 20, {sure:.1f} nat": judged(lambda wins: of_twenties(RATIO, sure, wins)),
        "who knows both": {
            f"{good:.0%} to {bad:.0%}": soon(lambda wins: cusum(good, bad, known, wins), good, bad)
        },
    }
    report("fall", results)


if __name__ == "__main__":
    main()
