"""Record demonstrations."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from hilrt.config import Config, taskfile
from hilrt.data.journal import next_episode
from hilrt.errors import HilrtError
from hilrt.jobs.demonstrations import fold_demonstrations, journal_of, one_recording, require_one_task
from hilrt.jobs.run import run
from hilrt.report.summary import Summary
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job


def record(task_file: Path, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Record `dataset.num_episodes_to_record` demonstrations, after those that are there already.

    Raises:
        JournalFeaturesError: those were recorded with other features.
        TasksMixedError: those are of another task.
        DatasetBusyError: another `hilrt record` of this dataset goes on.
    """
    config = taskfile.load(task_file, overrides)
    with one_recording(config):
        first = max(fold_demonstrations(config), next_episode(journal_of(config)))
        require_one_task(config, added=True)
        folder = RunFolder.create(task_file, overrides, Job.RECORD)
        return folder, _recorded(folder, config, first)


def _recorded(folder: RunFolder, config: Config, first: int) -> Summary:
    try:
        summary = run(folder, Job.RECORD, episodes=config.dataset.num_episodes_to_record, first_episode=first)
    except BaseException:
        with contextlib.suppress(
            HilrtError
        ):  # the journal keeps them until the next job; what went wrong comes first
            fold_demonstrations(config)
        raise
    fold_demonstrations(config)
    return summary
