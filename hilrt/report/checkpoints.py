"""A run's checkpoints as a table."""

from collections.abc import Sequence

import msgspec
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from hilrt.data.history import Entry
from hilrt.report.rates import Rate, rate_of


class CheckpointLine(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint in a line."""

    steps: int
    """Online steps, its name."""
    updates: int | None
    """Absent where it cannot be read."""
    evaluation: Rate | None
    newest: bool
    best: bool
    problem: str
    """What is wrong with its files; empty: nothing."""


def checkpoint_lines(entries: Sequence[Entry]) -> list[CheckpointLine]:
    """Each in a line."""
    return [
        CheckpointLine(
            steps=entry.steps,
            updates=entry.meta.updates if entry.meta else None,
            evaluation=_rate(entry),
            newest=entry.newest,
            best=entry.best,
            problem=entry.problem,
        )
        for entry in entries
    ]


def _rate(entry: Entry) -> Rate | None:
    judged = entry.meta.evaluation if entry.meta else None
    return rate_of(judged.successes, judged.episodes) if judged else None


def checkpoint_table(lines: Sequence[CheckpointLine]) -> Table:
    """One line for each: steps, updates, evaluation with its interval, marks, and whether its files are whole."""
    table = Table(box=SIMPLE, caption=None if lines else "no checkpoint yet")
    table.add_column("steps", justify="right")
    table.add_column("updates", justify="right")
    for name in ("evaluation (95 % interval)", "", "files"):
        table.add_column(name)
    for line in lines:
        known = line.updates is not None
        table.add_row(
            f"{line.steps:,}",
            f"{line.updates:,}" if known else "?",
            _evaluation(line.evaluation) if known else "?",
            ", ".join(mark for mark, holds in (("newest", line.newest), ("best", line.best)) if holds),
            Text(line.problem, style="red") if line.problem else "ok",
        )
    return table


def _evaluation(r: Rate | None) -> str:
    return f"{r.successes}/{r.episodes} = {r.rate:.1%} ({r.low:.1%} .. {r.high:.1%})" if r else "none"
