"""How a child process starts: `python -m hilrt.launch SPEC`, where SPEC is JSON.

A plain interpreter with inherited descriptors: no fork after threads, no pickle, no sockets.
"""

import ctypes
import importlib
import logging
import os
import signal
import sys
from enum import StrEnum
from pathlib import Path

import msgspec

from hilrt.errors import HilrtError


class Role(StrEnum):
    """The processes of a run; `MODULES` holds the `main` of each."""

    SIM = "sim"
    RECORDER = "recorder"
    LEARNER = "learner"
    CONTROL = "control"
    VIEWER = "viewer"


class Job(StrEnum):
    """What a run is for."""

    TELEOPERATE = "teleoperate"
    RECORD = "record"
    TRAIN = "train"
    EVAL = "eval"
    REPLAY = "replay"

    @property
    def readers(self) -> tuple[str, ...]:
        """Who is sent its steps."""
        kept = () if self in {Job.TELEOPERATE, Job.REPLAY} else ("recorder",)
        return (*kept, "learner") if self is Job.TRAIN else kept

    @property
    def recorded(self) -> bool:
        """Whether its steps are kept."""
        return "recorder" in self.readers

    @property
    def by_hand(self) -> bool:
        """Whether nobody but the operator acts."""
        return self in {Job.TELEOPERATE, Job.RECORD}

    def driven(self, *, intervene: bool) -> bool:
        """Whether the operator's device may move the arm; `intervene`: as the config says of training."""
        return self.by_hand or (self is Job.TRAIN and intervene)

    @property
    def by_policy(self) -> bool:
        """Whether a policy acts."""
        return self in {Job.TRAIN, Job.EVAL}


class Playback(msgspec.Struct, frozen=True, kw_only=True):
    """Which episode is played again, and how."""

    dataset: str
    episode: int
    actions: bool
    """Its actions through the pipelines; else its joint targets."""
    speed: float
    """Of the recording's, in (0, 1]."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """All that a child is told; the rest is in the run folder's config.toml and in shared memory."""

    role: Role
    job: Job
    run: str
    """Names the shared-memory segments of this start."""
    run_dir: str
    fds: dict[str, int]
    """Inherited eventfds: learner_steps, recorder_steps (control -> them), updates (learner -> control),
    sim_go, sim_done (lockstep clock)."""
    checkpoint: str = ""
    """Evaluation: the checkpoint folder whose actor is judged."""
    episodes: int = 0
    """Record and eval: how many; replay: how many steps."""
    first_episode: int = 0
    online_steps: int = 0
    """Already taken by earlier starts of this run."""
    playback: Playback | None = None


MODULES = {
    Role.SIM: "hilrt.sim.process",
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
    log = Path(spec.run_dir) / "log.txt"
    pattern = f"%(asctime)s {spec.role} %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(filename=log, level=logging.WARNING, format=pattern)
    logging.getLogger("hilrt").setLevel(logging.INFO)
    try:
        importlib.import_module(MODULES[spec.role]).main(spec)
    except HilrtError as error:
        logging.getLogger(__name__).error("%s", error)  # noqa: TRY400 - the message says it all
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    # By its real name: as `__main__` its enums would not be the ones that everybody else compares with.
    sys.exit(importlib.import_module("hilrt.launch").main(sys.argv))
