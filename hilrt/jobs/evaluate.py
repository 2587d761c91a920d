"""Judge a policy."""

import time
from collections.abc import Sequence
from pathlib import Path

from hilrt.errors import RunFolderError
from hilrt.jobs.otherwise import trained_otherwise
from hilrt.jobs.run import run
from hilrt.jobs.task import load
from hilrt.policy.saved import checkpoint_of, newest_checkpoint
from hilrt.report.summary import Summary
from hilrt.run.conditions import Handed, conditions_of
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job


def evaluate(
    path: Path, episodes: int | None, overrides: Sequence[str], steps: int | None = None
) -> tuple[RunFolder, Summary]:
    """Judge a run's policy after so many online steps, by default its newest: deterministic, operator off.

    Raises:
        RunFolderError: not a run, or one without a checkpoint.
        CheckpointAbsentError: there is none of these steps.
        StartOutsideBoxError: a start pose is outside its box.
        PolicyFeaturesError, ConditionsError: the policy cannot mean the same.
    """
    trained = RunFolder.open(path)
    checkpoint = newest_checkpoint(path) if steps is None else checkpoint_of(path, steps)
    if checkpoint is None:
        raise RunFolderError(str(path), "has no checkpoint yet, so there is no policy to evaluate")
    config = load(trained.path / "config.toml", overrides)
    now = conditions_of(config)
    start = Handed(conditions=now, differs=trained_otherwise(path, config, now, checkpoint))
    judged = path / "evals" / time.strftime("%Y%m%d-%H%M%S")
    folder = RunFolder.fill(judged, trained.path / "config.toml", overrides)
    count = episodes or config.eval.final_episodes
    return folder, run(folder, Job.EVAL, episodes=count, checkpoint=str(checkpoint), start=start)
