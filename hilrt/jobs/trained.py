"""A policy that was trained, for a job that has it act."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hilrt.config import Config
from hilrt.errors import RunFolderError
from hilrt.jobs.otherwise import trained_otherwise
from hilrt.jobs.task import load
from hilrt.policy.saved import checkpoint_of, newest_checkpoint
from hilrt.run.conditions import Handed, conditions_of
from hilrt.run.folder import RunFolder


class Trained(NamedTuple):
    """What acts, and under which conditions."""

    run: RunFolder
    """That it was trained in."""
    checkpoint: Path
    start: Handed
    config: Config
    """The run's, with what is changed now."""


def trained(path: Path, overrides: Sequence[str], steps: int | None) -> Trained:
    """A run's policy after so many online steps, by default its newest.

    Raises:
        RunFolderError: not a run, or one without a checkpoint.
        CheckpointAbsentError: there is none of these steps.
        StartOutsideBoxError: a start pose is outside its box.
        PolicyFeaturesError, ConditionsError: the policy cannot mean the same.
    """
    run = RunFolder.open(path)
    checkpoint = newest_checkpoint(path) if steps is None else checkpoint_of(path, steps)
    if checkpoint is None:
        raise RunFolderError(str(path), "has no checkpoint yet, so there is no policy that could act")
    run.claim(checkpoint.parent)
    config = load(run.path / "config.toml", overrides)
    now = conditions_of(config)
    start = Handed(conditions=now, differs=trained_otherwise(path, config, now, checkpoint))
    return Trained(run, checkpoint, start, config)
