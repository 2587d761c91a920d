"""What a person did in a training, and what came of it, from the first steps to the last."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from hilrt.data.episodes import EpisodeSummary
from hilrt.step.record import Mode

PHASES = 3


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the training, by online steps."""

    until_steps: int
    """Online steps at its end."""
    episodes: int
    success_rate: float
    autonomous_rate: float
    intervention_rate: float
    """Share of its steps that were hers."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Her part in a training; means are absent where she never took over."""

    seconds: float
    """That she has driven for."""
    interventions: int
    intervention_steps: float | None
    """Mean length of an intervention."""
    first_human_step: float | None
    """Mean number of steps before the first one of an episode."""
    phases: list[Phase]
    """Thirds of the training."""


def person(episodes: Sequence[EpisodeSummary], fps: int) -> Person:
    """Of these episodes' training, at so many steps a second; what was taken from another run is no part of it."""
    own = [e for e in episodes if e.mode is Mode.TRAIN and not e.session]
    kept = [e for e in own if not e.discarded]
    steps, times = sum(e.human_steps for e in kept), sum(e.interventions for e in kept)
    firsts = [e.first_human_step for e in kept if e.first_human_step is not None]
    return Person(
        seconds=round(sum(e.human_steps for e in own) / fps, 1),
        interventions=times,
        intervention_steps=_share(steps, times),
        first_human_step=_share(sum(firsts), len(firsts)),
        phases=_phases(kept),
    )


def _phases(episodes: Sequence[EpisodeSummary]) -> list[Phase]:
    """Thirds; an episode belongs to the one that it ends in."""
    steps = max((e.online_steps for e in episodes), default=0)
    ends = [steps * (i + 1) // PHASES for i in range(PHASES)] if steps else []
    return [
        _phase(end, [e for e in episodes if begin < e.online_steps <= end])
        for begin, end in pairwise([0, *ends])
    ]


def _phase(end: int, episodes: Sequence[EpisodeSummary]) -> Phase:
    n = len(episodes)
    return Phase(
        until_steps=end,
        episodes=n,
        success_rate=_share(sum(e.success for e in episodes), n) or 0.0,
        autonomous_rate=_share(sum(e.autonomous for e in episodes), n) or 0.0,
        intervention_rate=_share(sum(e.human_steps for e in episodes), sum(e.steps for e in episodes)) or 0.0,
    )


def _share(part: float, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
