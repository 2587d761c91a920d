"""One run, from its start to its summary; how far a run has come."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from hilrt.config import Config
from hilrt.data.episodes import read_summaries
from hilrt.data.journal import next_episode, online_steps
from hilrt.errors import RunFolderError, RunWriteError
from hilrt.report.remarks import remark
from hilrt.report.summary import Summary, summarise
from hilrt.run.conditions import CONDITIONS, Handed
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Playback, Role, Spec, Trial
from hilrt.run.logs import log_to
from hilrt.run.memory import clear_stale
from hilrt.run.provenance import note_provenance
from hilrt.shm.names import runs_with
from hilrt.shm.status import Status
from hilrt.supervisor.supervisor import Supervisor

log = logging.getLogger(__name__)


def progress(folder: RunFolder) -> tuple[int, int]:
    """Number of the next episode, and online steps already taken, from the journal."""
    there = folder.journal.is_dir()
    return (next_episode(folder.journal), online_steps(folder.journal)) if there else (0, 0)


def require_ended(folder: RunFolder) -> None:
    """See that no process of a run is alive: its checkpoints are about to be moved.

    Raises:
        RunFolderError: it is going on.
    """
    clear_stale()  # what a killed run has left is not alive
    if folder.tag in runs_with("status"):
        raise RunFolderError(str(folder.path), "is going on; stop it first")


def run(
    folder: RunFolder,
    job: Job,
    *,
    episodes: int | None = 0,
    first_episode: int = 0,
    online_steps: int = 0,
    checkpoint: str = "",
    playback: Playback | None = None,
    trial: Trial | None = None,
    start: Handed | None = None,
) -> Summary:
    """Start the processes of a job, wait for their end, sum up; `start`: conditions, for what is to be kept.

    Raises:
        ProcessError: a process ended for good before its time, or with something lost.
        RunWriteError: the disk does not take the summary, or with what the run was made.
    """
    log_to(folder.log, "supervisor")
    config = folder.config()
    if start:
        folder.keep(CONDITIONS, start)
        _tell(start.differs)
    spec = Spec(
        role=Role.CONTROL,
        job=job,
        run=folder.tag,
        run_dir=str(folder.path.resolve()),
        fds={},
        checkpoint=str(Path(checkpoint).resolve()) if checkpoint else "",
        episodes=episodes,
        first_episode=first_episode,
        online_steps=online_steps,
        playback=playback,
        trial=trial,
    )
    began = time.monotonic()
    with Supervisor(folder, config, spec) as supervisor:
        if start and start.differs:
            supervisor.status.supervisor.message = (
                f"{len(start.differs)} remarks before the start: {folder.log}"
            )
        note_provenance(folder)  # from now on it has begun: see `hilrt.report.runs`
        try:
            supervisor.run()
        except BaseException:  # what it came to until then
            with suppress(RunWriteError):
                _sum_up(folder, config, supervisor.status, spec, began, failed=True)
            raise
        return _sum_up(folder, config, supervisor.status, spec, began)


def _tell(lines: Sequence[str]) -> None:
    """What is otherwise than it was, to the person and to the log."""
    remark(lines)
    for line in lines:
        log.warning("%s", line)


def _sum_up(
    folder: RunFolder, config: Config, status: Status, spec: Spec, began: float, *, failed: bool = False
) -> Summary:
    episodes, wall_s = read_summaries(folder.episodes), time.monotonic() - began
    summary = summarise(spec.job, config, episodes, status, wall_s, spec.trial, failed=failed)
    summary = msgspec.structs.replace(summary, checkpoint=spec.checkpoint)
    folder.write_json("summary.json", summary)
    return summary
