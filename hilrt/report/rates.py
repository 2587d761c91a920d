"""Success rates and how sure one can be of them."""

from collections.abc import Sequence

import msgspec

from hilrt.data.episodes import EpisodeSummary, wilson


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Successes of a number of episodes, with the 95 % Wilson interval."""

    successes: int
    episodes: int
    rate: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"{self.successes}/{self.episodes} = {self.rate:.1%} "
            f"(95 % interval {self.low:.1%} .. {self.high:.1%})"
        )


def rate(episodes: Sequence[EpisodeSummary]) -> Rate:
    """Success rate of some episodes."""
    return rate_of(sum(e.success for e in episodes), len(episodes))


def rate_of(successes: int, n: int) -> Rate:
    """Success rate of `n` episodes."""
    low, high = wilson(successes, n)
    return Rate(successes=successes, episodes=n, rate=successes / max(1, n), low=low, high=high)
