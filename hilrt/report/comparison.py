"""Whether two policies differ that were judged on the same places, and by how much."""

from collections.abc import Iterator, Sequence
from math import comb, sqrt

import msgspec

from hilrt.data.episodes import EpisodeSummary, wilson
from hilrt.report.cells import Cell

SURE = 0.05
"""Probability below which chance is no longer taken for the reason."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Of two policies on so many places."""

    first: str
    second: str
    places: int
    both_won: int
    only_first: int
    only_second: int
    neither: int
    difference: float
    """Of the first one's success from the second one's."""
    low: float
    high: float
    """Its 95 % interval."""
    p_value: float
    """That equally good policies would be parted so far."""
    cells: list[Cell] = []
    """Of the second policy, with a grid; those of the first are the summary's."""


def of_first(episodes: Sequence[EpisodeSummary]) -> list[EpisodeSummary]:
    """Of an evaluation, those of the policy that it is about: a second one is only compared with it."""
    return [e for e in episodes if not e.policy_version]


def compared(
    first: str, second: str, episodes: Sequence[EpisodeSummary], cells: list[Cell] | None = None
) -> Comparison:
    """The comparison of kept episodes whose `policy_version` is 0 or 1; one without its partner is left out."""
    wins = [[e.success for e in episodes if e.policy_version == policy] for policy in (0, 1)]
    pairs = list(zip(*wins, strict=False))
    both, one, other = (pairs.count(outcome) for outcome in ((True, True), (True, False), (False, True)))
    low, high = interval(both, one, other, len(pairs) - both - one - other)
    return Comparison(
        first=first,
        second=second,
        places=len(pairs),
        both_won=both,
        only_first=one,
        only_second=other,
        neither=len(pairs) - both - one - other,
        difference=(one - other) / max(1, len(pairs)),
        low=low,
        high=high,
        p_value=mcnemar(one, other),
        cells=cells or [],
    )


def mcnemar(one: int, other: int) -> float:
    """Two-sided exact test (McNemar 1947, binomial) on the places that only one, or only the other, has won."""
    n = one + other
    tail = sum(comb(n, k) for k in range(min(one, other) + 1))
    return float(min(1.0, 2 * tail / 2**n))


def interval(both: int, one: int, other: int, neither: int) -> tuple[float, float]:
    """95 % interval of the difference of two shares of the same places (Newcombe 1998, paired data, method 10).

    (-1, 1) without any place.
    """
    n = both + one + other + neither
    if n == 0:
        return -1.0, 1.0
    wins, wins_other = both + one, both + other
    p, q = wins / n, wins_other / n
    (low, high), (low_other, high_other) = wilson(wins, n), wilson(wins_other, n)
    phi = _correlation(both, one, other, neither)
    below, above = p - low, high - p
    below_other, above_other = q - low_other, high_other - q
    down = sqrt(below**2 - 2 * phi * below * above_other + above_other**2)
    up = sqrt(above**2 - 2 * phi * above * below_other + below_other**2)
    return max(-1.0, p - q - down), min(1.0, p - q + up)


def _correlation(both: int, one: int, other: int, neither: int) -> float:
    """Of the two outcomes of a place, corrected for continuity where it is positive."""
    margins = (both + one) * (other + neither) * (both + other) * (one + neither)
    if margins == 0:
        return 0.0
    product = float(both * neither - one * other)
    if product > 0:
        product = max(product - (both + one + other + neither) / 2, 0.0)
    return product / sqrt(margins)


def told(c: Comparison) -> Iterator[str]:
    """What came out, for somebody who has no use for formulas."""
    won, won_other = c.both_won + c.only_first, c.both_won + c.only_second
    yield f"on the same {c.places} places {c.first} won {won} times, {c.second} {won_other} times"
    yield f"  only {c.first} won on {c.only_first} of them, only {c.second} on {c.only_second}"
    points = [f"{100 * x:+.0f}" for x in (c.difference, c.low, c.high)]
    yield f"  difference: {points[0]} points, 95 % interval {points[1]} .. {points[2]}"
    chance = f"{c.p_value:.1%} of all comparisons (exact McNemar test, p = {c.p_value:.2g})"
    if c.p_value < SURE:
        better = c.first if c.difference > 0 else c.second
        yield f"They differ: {better} is better. Two equally good policies would come out so far apart in {chance}."
    elif c.only_first + c.only_second == 0:
        yield "Both won and lost on the same places: nothing tells them apart."
    else:
        yield f"No difference is shown: two equally good policies would come out so far apart in {chance}."
    if c.p_value >= SURE:
        yield "They need not be equal: the interval says how far apart they may be, and more places narrow it."
