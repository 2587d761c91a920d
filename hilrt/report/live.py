"""`hilrt status`: one look at every run that is alive on this computer."""

from collections.abc import Iterator

from rich.console import Console

from hilrt.errors import HilrtError, NoRunError
from hilrt.report.panel import render
from hilrt.report.view import view
from hilrt.run.alive import alive
from hilrt.shm.names import runs_with
from hilrt.shm.status import Status


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
