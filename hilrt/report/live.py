"""`hilrt status`: one look at every run that is alive on this computer."""

from collections.abc import Iterator

import msgspec
from rich.console import Console

from hilrt.errors import HilrtError, NoRunError
from hilrt.report.panel import render
from hilrt.report.view import View, messages, phase, states, unit, view
from hilrt.run.alive import alive
from hilrt.run.job import Job
from hilrt.shm.names import runs_with
from hilrt.shm.status import Status


class LiveLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is alive, for a script; texts are those of the screen."""

    run: str
    """Name of its folder."""
    job: Job
    phase: str
    elapsed_s: float
    reached: int
    goal: int
    """0: without end."""
    unit: str
    """Of both."""
    success_rate: float
    """This and the next: over the last training episodes."""
    intervention_rate: float
    updates: int
    processes: dict[str, str]
    """`ok`, or what is the matter."""
    messages: list[str]


def live_lines() -> list[LiveLine]:
    """Each run that is alive; may be none."""
    return [_line(view(status, run)) for run, status in live_runs()]


def _line(v: View) -> LiveLine:
    return LiveLine(
        run=v.run.rpartition(".")[0],
        job=v.job,
        phase=phase(v),
        elapsed_s=round(v.elapsed_s, 1),
        reached=v.reached,
        goal=v.goal,
        unit=unit(v),
        success_rate=v.control.success_rate,
        intervention_rate=v.control.intervention_rate,
        updates=v.learner.updates,
        processes={role: state for role, state, _ in states(v)},
        messages=[text for text, _ in messages(v)],
    )


def live_runs() -> Iterator[tuple[str, Status]]:
    """Each run whose supervisor is alive: its tag, and its status block while it is looked at."""
    for run in runs_with("status"):
        try:
            status = Status.attach(run)
        except HilrtError:  # ended meanwhile, or of another version
            continue
        with status:
            if status.supervisor.job and alive(status.supervisor.pid):
                yield run, status


def show_live_runs() -> None:
    """Print the panel of each run whose supervisor is alive.

    Raises:
        NoRunError: there is none.
    """
    console, found = Console(), False
    for run, status in live_runs():
        console.print(render(view(status, run)))
        found = True
    if not found:
        raise NoRunError
