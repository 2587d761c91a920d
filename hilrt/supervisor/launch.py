"""How a child process starts: `python -m hilrt.supervisor.launch SPEC`, where SPEC is JSON.

A plain interpreter with inherited descriptors: no fork after threads, no pickle, no sockets.
"""

import ctypes
import importlib
import logging
import os
import signal
import sys
from pathlib import Path

import msgspec

from hilrt.errors import HilrtError, OwnCodeError
from hilrt.run.job import Role, Spec
from hilrt.run.logs import log_to

MODULES = {
    Role.SIM: "hilrt.sim.process",
    Role.CAMERAS: "hilrt.cameras.process",
    Role.RECORDER: "hilrt.data.recorder",
    Role.LEARNER: "hilrt.learner.process",
    Role.CONTROL: "hilrt.control.process",
    Role.VIEWER: "hilrt.report.viewer",
}


def _die_with_parent(parent: int) -> None:
    """SIGTERM when the parent dies (prctl PR_SET_PDEATHSIG), also if it already has."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def main(argv: list[str]) -> int:
    """Run one role to its end; exit status 2 for a named error, its message in the run's log and on stderr."""
    spec = msgspec.json.decode(argv[1], type=Spec)
    _die_with_parent(int(argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's; it asks us to stop
    log_to(Path(spec.run_dir) / "log.txt", spec.role, logging.WARNING)
    logging.getLogger("hilrt").setLevel(logging.INFO)
    try:
        importlib.import_module(MODULES[spec.role]).main(spec)
    except HilrtError as error:
        cause = error.__cause__ if isinstance(error, OwnCodeError) else None
        logging.getLogger(__name__).error("%s", error, exc_info=cause)  # noqa: TRY400 - else the message says it all
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    # By its real name: as `__main__` its enums would not be the ones that everybody else compares with.
    sys.exit(importlib.import_module("hilrt.supervisor.launch").main(sys.argv))
