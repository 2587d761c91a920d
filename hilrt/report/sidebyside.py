"""`hilrt runs compare`: what differs in the task files of several runs, and what each came to."""

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from hilrt.data.episodes import read_summaries
from hilrt.data.history import best_checkpoint
from hilrt.errors import CheckpointError
from hilrt.policy.saved import load_meta, newest_checkpoint
from hilrt.report.comparison import of_first
from hilrt.report.options import differing, options
from hilrt.report.rates import Rate
from hilrt.report.runs import RunLine, State, described
from hilrt.report.summary import evaluations, work_of
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job
from hilrt.run.shelf import EVALS, Shelved, shelved
from hilrt.step.record import Mode

ABSENT = "-"


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to."""

    state: State
    steps: int
    updates: int | None
    """Of its newest checkpoint."""
    arm_s: float
    """Time in episodes, those of evaluations included [s]."""
    human_steps: int
    success: Rate | None
    """As in `hilrt.report.runs.RunLine`."""
    autonomous: Rate | None
    """Of `hilrt run`: without any human step."""
    judged: Rate | None
    """By the newest `hilrt eval` of a training."""
    best: int | None
    """Online steps of the best checkpoint."""


class SideBySide(msgspec.Struct, frozen=True, kw_only=True):
    """Runs beside each other."""

    runs: list[str]
    differs: dict[str, list[Any]]
    """Of each key of the task file whose values differ, that of each run; null where it has none."""
    results: list[Result]


def side_by_side(paths: Sequence[Path], alive: set[str]) -> SideBySide:
    """Compare runs; `alive`: see `hilrt.report.runs.alive_tags`.

    Raises:
        RunFolderError: one is none.
        ConfigError, JournalError: one cannot be read.
    """
    runs = [shelved(path) for path in paths]
    return SideBySide(
        runs=[str(run.path) for run in runs],
        differs=differing([options(RunFolder(run.path).config(), run.path) for run in runs]),
        results=[_result(run, described(run, alive)) for run in runs],
    )


def _result(run: Shelved, line: RunLine) -> Result:
    folder = RunFolder(run.path)
    episodes = [e for e in read_summaries(folder.episodes) if not e.session]
    newest, best = newest_checkpoint(run.path), best_checkpoint(run.path)
    return Result(
        state=line.state,
        steps=line.steps,
        updates=_updates(newest) if newest else None,
        arm_s=round(sum(e.duration_s for e in episodes), 1),
        human_steps=sum(e.human_steps for e in episodes if e.mode is not Mode.EVAL),
        success=line.success,
        autonomous=work_of(episodes, folder.config()).autonomous if run.kind is Job.RUN else None,
        judged=_judged(run.path),
        best=int(best.name) if best else None,
    )


def _updates(checkpoint: Path) -> int | None:
    try:
        return load_meta(checkpoint).updates
    except CheckpointError:
        return None


def _judged(path: Path) -> Rate | None:
    """By the newest of a run's evaluations that has an episode of its policy."""
    for folder in sorted((path / EVALS).glob("*"), reverse=True):
        if results := evaluations(of_first(read_summaries(folder / "episodes.jsonl"))):
            return results[-1].success
    return None


def side_by_side_parts(seen: SideBySide) -> list[str | Table]:
    """For people: the runs get letters, so that the tables fit."""
    letters = list(string.ascii_uppercase[: len(seen.runs)])
    parts: list[str | Table] = [f"{a}  {run}" for a, run in zip(letters, seen.runs, strict=True)]
    differs = _table("task file", letters)
    for key, values in seen.differs.items():
        differs.add_row(key, *(ABSENT if v is None else _toml(v) for v in values))
    parts.append(differs if seen.differs else "their task files do not differ")
    results = _table("result", letters)
    for name, texts in _rows(seen.results).items():
        if set(texts) != {ABSENT}:
            results.add_row(name, *texts)
    return [*parts, results]


def _rows(results: Sequence[Result]) -> dict[str, list[str]]:
    return {
        "state": [str(r.state) for r in results],
        "steps": [f"{r.steps:,}" for r in results],
        "of them human": [f"{r.human_steps:,}" for r in results],
        "updates": [_number(r.updates) for r in results],
        "minutes in episodes": [f"{r.arm_s / 60:.1f}" for r in results],
        "success": [_rate(r.success) for r in results],
        "without you": [_rate(r.autonomous) for r in results],
        "newest hilrt eval": [_rate(r.judged) for r in results],
        "best checkpoint": [_number(r.best) for r in results],
    }


def _table(what: str, letters: Sequence[str]) -> Table:
    table = Table(what, *letters, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.overflow = "fold"
    return table


def _number(value: int | None) -> str:
    return ABSENT if value is None else f"{value:,}"


def _rate(value: Rate | None) -> str:
    return f"{value.successes}/{value.episodes} ({value.low:.0%} .. {value.high:.0%})" if value else ABSENT


def _toml(value: Any) -> str:  # noqa: ANN401 - any TOML value
    """As TOML has it, which for numbers, text and lists is as JSON has it."""
    return msgspec.json.encode(value).decode()
