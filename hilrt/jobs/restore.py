"""Take a run back to an earlier checkpoint."""

from pathlib import Path

from hilrt.jobs.run import progress, require_ended
from hilrt.run.folder import RunFolder


def go_back(path: Path, steps: int) -> Path:
    """Have a run go on from an earlier checkpoint; returns where later ones are set aside.

    Raises:
        RunFolderError: not a run, or one that is alive.
        CheckpointAbsentError, CheckpointError: there is none of these steps, or it is damaged.
    """
    from hilrt.data import history  # noqa: PLC0415 - torch is behind it

    folder = RunFolder.open(path)
    require_ended(folder)
    return history.go_back(folder.path, steps, progress(folder)[1])
