"""One run, from its start to its summary; how far a run has come."""

import logging
import time
from pathlib import Path

from hilrt.data.episodes import read_summaries
from hilrt.data.journal import next_episode, online_steps
from hilrt.errors import RunFolderError
from hilrt.report.summary import Summary, summarise
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Playback, Role, Spec
from hilrt.shm.segment import runs_with, sweep_stale
from hilrt.supervisor.supervisor import Supervisor


def progress(folder: RunFolder) -> tuple[int, int]:
    """Number of the next episode, and online steps already taken, from the journal."""
    there = folder.journal.is_dir()
    return (next_episode(folder.journal), online_steps(folder.journal)) if there else (0, 0)


def require_ended(folder: RunFolder) -> None:
    """See that no process of a run is alive: its checkpoints are about to be moved.

    Raises:
        RunFolderError: it is going on.
    """
    sweep_stale()  # what a killed run has left is not alive
    if folder.tag in runs_with("status"):
        raise RunFolderError(str(folder.path), "is going on; stop it first")


def run(
    folder: RunFolder,
    job: Job,
    *,
    episodes: int = 0,
    first_episode: int = 0,
    online_steps: int = 0,
    checkpoint: str = "",
    playback: Playback | None = None,
) -> Summary:
    """Start the processes of a job, wait for their end, sum up."""
    pattern = "%(asctime)s supervisor %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(filename=folder.log, level=logging.INFO, format=pattern)
    config = folder.config()
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
    )
    began = time.monotonic()
    with Supervisor(folder, config, spec) as supervisor:
        try:
            supervisor.run()
        finally:  # also of a run that failed: what it came to until then
            episodes_seen = read_summaries(folder.episodes)
            summary = summarise(job, config, episodes_seen, supervisor.status, time.monotonic() - began)
            folder.write_json("summary.json", summary)
    return summary
