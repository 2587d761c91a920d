"""Have a trained policy do its task, with a person who may take over; nobody learns meanwhile."""

import time
from collections.abc import Sequence
from pathlib import Path

from hilrt.data.journal import JOURNAL, next_episode
from hilrt.jobs.run import run
from hilrt.jobs.task import in_real_time
from hilrt.jobs.trained import trained
from hilrt.report.summary import Summary
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job


def work(
    path: Path, episodes: int | None, overrides: Sequence[str], steps: int | None = None
) -> tuple[RunFolder, Summary]:
    """Run a policy for so many episodes, by default until somebody stops it; raises as `trained`.

    All of it is recorded into a folder beside the training run's.
    """
    overrides = in_real_time(RunFolder.open(path).path / "config.toml", overrides, Job.RUN)
    policy = trained(path, overrides, steps)
    beside, name = policy.run.path.parent, policy.run.config().env.name
    # numbers decide what a simulated scene is like: those of the training and of earlier sessions are not used again
    before = (policy.run.journal, *beside.glob(f"*-{Job.RUN}-*/{JOURNAL}"))
    fresh = beside / f"{name}-{Job.RUN}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder = RunFolder.fill(fresh, policy.run.path / "config.toml", overrides)
    return folder, run(
        folder,
        Job.RUN,
        episodes=episodes,
        first_episode=max(map(next_episode, before)),
        checkpoint=str(policy.checkpoint),
        start=policy.start,
    )
