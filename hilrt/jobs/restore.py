"""Take a run back to an earlier checkpoint."""

from pathlib import Path

from hilrt.errors import RunFolderError
from hilrt.jobs.run import progress
from hilrt.run.folder import RunFolder
from hilrt.shm.segment import runs_with, sweep_stale


def go_back(path: Path, steps: int) -> Path:
    """Have a run go on from an earlier checkpoint; returns where later ones are set aside.

    Raises:
        RunFolderError: not a run, or one that is alive.
        CheckpointAbsentError, CheckpointError: there is none of these steps, or it is damaged.
    """
    from hilrt.data import history  # noqa: PLC0415 - torch is behind it

    folder = RunFolder.open(path)
    sweep_stale()  # what a killed run has left is not alive
    if folder.tag in runs_with("status"):
        raise RunFolderError(str(path), "is going on; stop it first")
    return history.go_back(folder.path, steps, progress(folder)[1])
