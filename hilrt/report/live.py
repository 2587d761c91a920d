"""`hilrt status`: one look at every run that is alive on this computer."""

import os

from rich.console import Console

from hilrt.errors import HilrtError, NoRunError
from hilrt.report.panel import render
from hilrt.report.view import view
from hilrt.shm.segment import runs_with
from hilrt.shm.status import Status


def show_live_runs() -> None:
    """Print the panel of each run whose supervisor is alive.

    Raises:
        NoRunError: there is none.
    """
    console, found = Console(), False
    for run in runs_with("status"):
        try:
            status = Status.attach(run)
        except HilrtError:  # ended meanwhile, or of another version
            continue
        with status:
            if status.supervisor.job and _alive(status.supervisor.pid):
                console.print(render(view(status, run)))
                found = True
    if not found:
        raise NoRunError


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the number has gone to somebody else's process
        return False
    return pid > 0
