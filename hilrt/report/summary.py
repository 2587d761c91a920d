"""What a run came to, from the lines its recorder wrote; the content of summary.json."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from hilrt.config import Config
from hilrt.data.episodes import EpisodeSummary, Tally
from hilrt.data.places import grid_of
from hilrt.report.cells import Cell, cells_of
from hilrt.report.comparison import Comparison, compared, of_first
from hilrt.report.person import Person, person
from hilrt.report.rates import Rate, rate, rate_of
from hilrt.report.view import progress
from hilrt.run.job import Job, Trial
from hilrt.shm.status import ControlStatus, Status
from hilrt.step.record import Mode

GOAL = 0.9
"""The success rate whose first reaching is reported."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Deterministic episodes after a number of online steps."""

    online_steps: int
    success: Rate
    mean_steps: float


class Realtime(msgspec.Struct, frozen=True, kw_only=True):
    """How well the clock was kept in the last start of the run."""

    ticks: int
    missed: int
    lateness_p50_us: float
    lateness_p99_us: float
    lateness_max_us: float
    restarts: int


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """Teleoperation: what a reward classifier would have called episodes, beside what the operator called them."""

    agreed: Rate
    missed: Rate
    """Of the operator's successes, those of which it said nothing."""
    false_alarms: Rate
    """Of her failures, those that it would have called success."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A trained policy at work; episodes that were cut before their time limit are left out."""

    success: Rate
    autonomous: Rate
    """Without any human step."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in one page."""

    job: str
    finished: bool
    """Whether its last start came to its end; else it was stopped before, or failed."""
    seed: int
    wall_s: float
    online_steps: int
    """Episodes that a crash cut included."""
    episodes: dict[str, int]
    successes: dict[str, int]
    human_steps: int
    self_resets: int
    """How often the arm put the object back by itself, since the run's last start."""
    calls: int
    """How often it could not, and somebody was called."""
    reset_s: float
    """Time that it spent so, in no episode [s]."""
    success_rate: float
    """Of the last training episodes; in an evaluation, of its episodes."""
    autonomous_rate: float
    intervention_rate: float
    human: Person
    advice: dict[str, int]
    """How often the coach has said each of its lines in the last start of the run."""
    evaluations: list[Evaluation]
    steps_to_goal: int | None
    """Online steps at the first evaluation of at least 90 %."""
    realtime: Realtime
    updates: int
    extents: list[list[list[float]]]
    """Teleoperation: how far each arm has been; see `hilrt.step.extent`."""
    overrides: dict[str, int]
    """Episodes in which the operator said otherwise than the reward classifier, by what she said."""
    shadow: Agreement
    work: Work | None
    """Of `hilrt run` alone."""
    cells: list[Cell] = []
    """Evaluation by place: success where the object was put."""
    checkpoint: str = ""
    """Whose policy acted, in an evaluation and at work."""
    comparison: Comparison | None = None
    """Of two policies; then the rest is of the first one."""


def evaluations(episodes: Sequence[EpisodeSummary]) -> list[Evaluation]:
    """Evaluation episodes, grouped by the online steps they came after."""
    groups: dict[int, list[EpisodeSummary]] = defaultdict(list)
    for episode in episodes:
        if episode.mode is Mode.EVAL and not episode.discarded:
            groups[episode.online_steps].append(episode)
    return [
        Evaluation(online_steps=steps, success=rate(group), mean_steps=_mean_steps(group))
        for steps, group in sorted(groups.items())
    ]


def summarise(
    job: str,
    config: Config,
    episodes: Sequence[EpisodeSummary],
    status: Status,
    wall_s: float,
    trial: Trial | None = None,
    *,
    failed: bool = False,
) -> Summary:
    """The summary of a run whose episodes are these and whose status block is this; `trial`: of an evaluation."""
    parts = _parts(config, trial, episodes) if trial else Parts([])
    episodes = of_first(episodes) if parts.comparison else episodes
    tally = Tally(episodes, config.learner.constants.window)
    judged = evaluations(episodes)
    whole = [e for e in judged if e.success.episodes >= config.eval.episodes]
    control, alone = status.control, job == Job.EVAL and judged
    return Summary(
        job=job,
        finished=not failed and progress(Job(job), control) >= status.supervisor.goal,
        seed=config.seed,
        wall_s=round(wall_s, 1),
        online_steps=status.control.online_steps,
        episodes={mode.name.lower(): n for mode, n in tally.episodes.items()},
        successes={mode.name.lower(): n for mode, n in tally.successes.items()},
        human_steps=sum(e.human_steps for e in episodes if e.mode is Mode.TRAIN),
        self_resets=control.self_resets,
        calls=control.calls,
        reset_s=round(control.reset_ticks / config.env.fps, 1),
        success_rate=judged[-1].success.rate if alone else tally.success_rate,
        autonomous_rate=judged[-1].success.rate if alone else tally.autonomous_rate,
        intervention_rate=tally.intervention_rate,
        human=person(episodes, config.env.fps),
        advice=msgspec.json.decode(control.advised or "{}"),
        evaluations=judged,
        steps_to_goal=next((e.online_steps for e in whole if e.success.rate >= GOAL), None),
        realtime=Realtime(
            ticks=control.ticks,
            missed=control.misses,
            lateness_p50_us=control.lateness_p50_us,
            lateness_p99_us=control.lateness_p99_us,
            lateness_max_us=control.lateness_max_us,
            restarts=status.supervisor.restarts,
        ),
        updates=status.learner.updates,
        extents=msgspec.json.decode(control.extents or "[]"),
        overrides={override.name.lower(): n for override, n in tally.overrides.items()},
        shadow=_agreement(control),
        work=work_of(episodes, config) if job == Job.RUN else None,
        cells=parts.cells,
        comparison=parts.comparison,
    )


def work_of(episodes: Sequence[EpisodeSummary], config: Config) -> Work:
    """What a policy has won; it has no part in what was cut. An environment may set a limit of its own."""
    limit = 0 if config.in_environment else config.max_episode_steps
    kept = [e for e in episodes if not e.discarded and not (e.truncated and e.steps < limit)]
    return Work(success=rate(kept), autonomous=rate_of(sum(e.autonomous for e in kept), len(kept)))


class Parts(NamedTuple):
    """What an evaluation by place, or of two policies, has beside."""

    cells: list[Cell]
    comparison: Comparison | None = None


def _parts(config: Config, trial: Trial, episodes: Sequence[EpisodeSummary]) -> Parts:
    kept = [e for e in episodes if not e.discarded]

    def cells(of: Sequence[EpisodeSummary]) -> list[Cell]:
        return cells_of(grid_of(config, trial.rows, trial.columns), of) if trial.rows else []

    if not trial.other:
        return Parts(cells(kept))
    first, second = ([e for e in kept if e.policy_version == policy] for policy in (0, 1))
    return Parts(cells(first), compared(*trial.names, kept, cells(second)))


def _agreement(control: ControlStatus) -> Agreement:
    successes, failures = control.compared_successes, control.compared_failures
    missed, alarms = control.missed_successes, control.false_alarms
    return Agreement(
        agreed=rate_of(successes + failures - missed - alarms, successes + failures),
        missed=rate_of(missed, successes),
        false_alarms=rate_of(alarms, failures),
    )


def _mean_steps(episodes: Sequence[EpisodeSummary]) -> float:
    return sum(e.steps for e in episodes) / max(1, len(episodes))
