"""Play a recorded episode again."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from hilrt.jobs import task
from hilrt.jobs.demonstrations import fold_what_is_left
from hilrt.jobs.otherwise import played_otherwise
from hilrt.jobs.run import run
from hilrt.run.conditions import Handed, conditions_of
from hilrt.run.folder import RunFolder, kept
from hilrt.run.job import Job, Playback


def replay(task_file: Path, playback: Playback, overrides: Sequence[str]) -> tuple[RunFolder, str]:
    """Play an episode again; nothing is recorded. Also says what came of it.

    Raises:
        ReplayError: it is not there, or not for this task file.
        ConditionsError: it cannot mean the same.
        StartOutsideBoxError: a start pose is outside its box.
    """
    from hilrt.control.recording import load  # noqa: PLC0415 - pinocchio is behind it
    from hilrt.control.replayed import REPLAY, Replayed  # noqa: PLC0415

    config = task.load(task_file, overrides)
    if not playback.dataset:
        fold_what_is_left(config)
    root = Path(playback.dataset or config.dataset.root).resolve()
    playback = msgspec.structs.replace(playback, dataset=str(root))
    steps = load(playback, config).end  # or there is no run to make a folder for
    now = conditions_of(config)
    start = Handed(conditions=now, differs=played_otherwise(root, playback.episode, now))
    folder = RunFolder.create(task_file, overrides, Job.REPLAY)
    run(folder, Job.REPLAY, episodes=steps, playback=playback, start=start)
    return folder, str(kept(folder.path / REPLAY, Replayed))
