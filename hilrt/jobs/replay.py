"""Play a recorded episode again."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from hilrt.config import taskfile
from hilrt.jobs.demonstrations import fold_what_is_left
from hilrt.jobs.run import run
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Playback


def replay(task_file: Path, playback: Playback, overrides: Sequence[str]) -> tuple[RunFolder, str]:
    """Play an episode again; nothing is recorded. Also says what came of it.

    Raises:
        ReplayError: it is not there, or not for this task file.
    """
    from hilrt.control.recording import load  # noqa: PLC0415 - pinocchio is behind it
    from hilrt.control.replayed import Replayed  # noqa: PLC0415

    config = taskfile.load(task_file, overrides)
    if not playback.dataset:
        fold_what_is_left(config)
    root = Path(playback.dataset or config.dataset.root).resolve()
    playback = msgspec.structs.replace(playback, dataset=str(root))
    steps = load(playback, config).end  # or there is no run to make a folder for
    folder = RunFolder.create(task_file, overrides, Job.REPLAY)
    run(folder, Job.REPLAY, episodes=steps, playback=playback)
    return folder, str(msgspec.json.decode((folder.path / "replay.json").read_bytes(), type=Replayed))
