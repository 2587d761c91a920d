"""Whether two policies differ on the same places."""

import numpy as np
import pytest

from hilrt.data.episodes import EpisodeSummary
from hilrt.report.comparison import compared, interval, mcnemar, told
from hilrt.step.record import Mode


def episode(policy, *, success):
    """An evaluated one of a policy."""
    return EpisodeSummary(
        episode=0, mode=Mode.EVAL, steps=1, success=success, autonomous=success, human_steps=0,
        interventions=0, first_human_step=None, return_=0.0, terminated=True, truncated=False,
        discarded=False, wall_ns=0, duration_s=1.0, policy_version=policy, online_steps=0,
    )  # fmt: skip


def outcome(both, one, other, neither):
    """The comparison of so many pairs."""
    pairs = (
        [(True, True)] * both + [(True, False)] * one + [(False, True)] * other + [(False, False)] * neither
    )
    episodes = [episode(policy, success=won) for pair in pairs for policy, won in enumerate(pair)]
    return compared("checkpoint 2", "checkpoint 1", episodes)


@pytest.mark.parametrize(
    ("one", "other", "p"),
    [(0, 0, 1.0), (5, 0, 2 / 32), (6, 0, 2 / 64), (1, 7, 18 / 256), (4, 4, 1.0), (3, 9, 2 * 299 / 4096)],
)
def test_the_test_is_exact(one, other, p):
    """Twice the tail of a fair coin, and at most 1, whichever of the two it favours."""
    assert mcnemar(one, other) == mcnemar(other, one) == pytest.approx(p)


def test_the_interval_holds_the_truth():
    """Of pairs that go together, in about 95 of 100 samples, both ways round."""
    rng = np.random.default_rng(0)
    shares = np.array([0.5, 0.2, 0.1, 0.2])
    samples = rng.multinomial(40, shares, 2000).tolist()
    held = [low <= shares[1] - shares[2] <= high for low, high in (interval(*sample) for sample in samples)]
    assert 0.93 < np.mean(held) < 0.985
    both, one, other, neither = samples[0]
    low, high = interval(both, one, other, neither)
    assert interval(both, other, one, neither) == pytest.approx((-high, -low))


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (5, 0, 0, 0), (0, 0, 0, 5), (0, 5, 0, 0), (2, 1, 0, 0)])
def test_the_interval_is_one(counts):
    """Around the difference and within -1 .. 1, also where everything was won, or nothing."""
    c = outcome(*counts)
    assert -1.0 <= c.low <= c.difference <= c.high <= 1.0
    assert c.low < c.high


def test_a_place_that_only_one_has_seen_does_not_count():
    """An evaluation that was stopped in the middle of a pair."""
    episodes = [episode(0, success=True), episode(1, success=False), episode(1, success=True)]
    c = compared("a", "b", episodes)
    assert (c.places, c.only_first, c.both_won) == (1, 1, 0)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((10, 9, 1, 0), "They differ: checkpoint 2 is better. Two equally good policies would come out so far"),
        ((10, 1, 9, 0), "They differ: checkpoint 1 is better."),
        ((10, 5, 3, 2), "No difference is shown: two equally good policies would come out so far apart in 72.7%"),
        ((10, 0, 0, 2), "Both won and lost on the same places: nothing tells them apart."),
    ],
)  # fmt: skip
def test_the_verdict_is_in_words(counts, verdict):
    """And where none is found, that this does not make them equal."""
    lines = [*told(outcome(*counts))]
    assert any(line.startswith(verdict) for line in lines)
    assert any("need not be equal" in line for line in lines) == (not verdict.startswith("They differ"))


def test_the_figures_are_there():
    """Successes of both, where only one won, the difference and its interval in points."""
    lines = [*told(outcome(10, 9, 1, 0))]
    assert lines[0] == "on the same 20 places checkpoint 2 won 19 times, checkpoint 1 11 times"
    assert lines[1] == "  only checkpoint 2 won on 9 of them, only checkpoint 1 on 1"
    assert lines[2].startswith("  difference: +40 points, 95 % interval +")
