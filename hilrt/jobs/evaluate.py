"""Judge a policy."""

import time
from collections.abc import Sequence
from pathlib import Path

from hilrt.jobs.run import run
from hilrt.jobs.trained import trained
from hilrt.report.summary import Summary
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job


def evaluate(
    path: Path, episodes: int | None, overrides: Sequence[str], steps: int | None = None
) -> tuple[RunFolder, Summary]:
    """Judge a run's policy after so many online steps: deterministic, operator off; raises as `trained`."""
    policy = trained(path, overrides, steps)
    judged = path / "evals" / time.strftime("%Y%m%d-%H%M%S")
    folder = RunFolder.fill(judged, policy.run.path / "config.toml", overrides)
    count = episodes or policy.final_episodes
    checkpoint = str(policy.checkpoint)
    return folder, run(folder, Job.EVAL, episodes=count, checkpoint=checkpoint, start=policy.start)
