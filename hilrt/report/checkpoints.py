"""A run's checkpoints as a table."""

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from hilrt.data.history import Entry
from hilrt.policy.saved import Evaluation
from hilrt.report.rates import rate_of


def checkpoint_table(entries: list[Entry]) -> Table:
    """One line for each: steps, updates, evaluation with its interval, marks, and whether its files are whole."""
    table = Table(box=SIMPLE, caption=None if entries else "no checkpoint yet")
    table.add_column("steps", justify="right")
    table.add_column("updates", justify="right")
    for name in ("evaluation (95 % interval)", "", "files"):
        table.add_column(name)
    for entry in entries:
        meta = entry.meta
        table.add_row(
            f"{entry.steps:,}",
            f"{meta.updates:,}" if meta else "?",
            _evaluation(meta.evaluation) if meta else "?",
            ", ".join(mark for mark, holds in (("newest", entry.newest), ("best", entry.best)) if holds),
            Text(entry.problem, style="red") if entry.problem else "ok",
        )
    return table


def _evaluation(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "none"
    r = rate_of(evaluation.successes, evaluation.episodes)
    return f"{r.successes}/{r.episodes} = {r.rate:.1%} ({r.low:.1%} .. {r.high:.1%})"
