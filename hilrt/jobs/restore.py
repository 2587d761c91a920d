"""Take a run back to an earlier checkpoint."""

from pathlib import Path
from typing import NamedTuple

from hilrt.jobs.run import progress, require_ended
from hilrt.run.folder import RunFolder


class Restored(NamedTuple):
    """A run that was taken back."""

    aside: Path
    """Where later checkpoints are, if there were any."""
    steps: int
    """Online steps that its journal has."""
    target: int
    """How many it is to take."""


def go_back(path: Path, steps: int) -> Restored:
    """Have a run go on from an earlier checkpoint.

    Raises:
        RunFolderError: not a run, or one that is alive.
        CheckpointAbsentError, CheckpointError: there is none of these steps, or it is damaged.
    """
    from hilrt.data import history  # noqa: PLC0415 - torch is behind it

    folder = RunFolder.open(path)
    folder.claim()
    require_ended(folder)
    taken, target = progress(folder)[1], folder.config().learner.online_steps
    return Restored(history.go_back(folder.path, steps, taken), taken, target)
