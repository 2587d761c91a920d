"""Record demonstrations."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from hilrt.config import Config
from hilrt.data.journal import next_episode
from hilrt.errors import ConfigError, HilrtError
from hilrt.jobs.demonstrations import (
    fold_demonstrations,
    journal_of,
    one_recording,
    require_one_task,
    require_room,
)
from hilrt.jobs.otherwise import recorded_otherwise
from hilrt.jobs.run import run
from hilrt.jobs.task import in_real_time, load, with_spaces
from hilrt.report.remarks import remark
from hilrt.report.summary import Summary
from hilrt.run.conditions import Handed, conditions_of
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job


def record(task_file: Path, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Record `dataset.num_episodes_to_record` demonstrations, after those that are there already.

    Raises:
        ConfigError: it cannot be used, or nobody demonstrates.
        OwnCodeError: an environment cannot be made, or not be used.
        JournalFeaturesError: those were recorded with other features.
        TasksMixedError: those are of another task.
        DatasetError: the dataset cannot be read, or takes no more episodes.
        DatasetBusyError: another `hilrt record` of this dataset goes on.
        StartOutsideBoxError: a start pose is outside its box.
        ConditionsError: those that are there cannot mean the same.
    """
    overrides = in_real_time(task_file, with_spaces(task_file, overrides), Job.RECORD)
    config = load(task_file, overrides)
    if config.in_environment and not config.env.operator:
        raise ConfigError(str(task_file), "$.env.operator: missing; nobody would demonstrate anything.")
    now = conditions_of(config)
    with one_recording(config):
        there = fold_demonstrations(config)
        first = max(there, next_episode(journal_of(config)))
        require_one_task(config, added=True)
        require_room(config)
        start = Handed(conditions=now, differs=recorded_otherwise(config, now))
        if there:
            remark([_beside(config, there)])
        folder = RunFolder.create(task_file, overrides, Job.RECORD)
        return folder, _recorded(folder, config, first, start)


def _beside(config: Config, there: int) -> str:
    """What the dataset has before, and how many come."""
    from hilrt.report.inventory import inventory  # noqa: PLC0415 - pyarrow is behind it

    root, wanted = config.dataset.root, config.dataset.num_episodes_to_record
    found = inventory(Path(root)).dataset
    successes = found.outcomes.successes if found and found.outcomes else 0
    has = f"{root} has {there} episodes, {successes} of them successful"
    return f"{has}; successful ones to add now: {wanted} (dataset.num_episodes_to_record)"


def _recorded(folder: RunFolder, config: Config, first: int, start: Handed) -> Summary:
    wanted = config.dataset.num_episodes_to_record
    try:
        summary = run(folder, Job.RECORD, episodes=wanted, first_episode=first, start=start)
    except BaseException:
        with contextlib.suppress(
            HilrtError
        ):  # the journal keeps them until the next job; what went wrong comes first
            fold_demonstrations(config)
        raise
    fold_demonstrations(config)
    return summary
