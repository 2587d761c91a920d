"""Train a policy, or go on with a training."""

from collections.abc import Sequence
from pathlib import Path

from hilrt.config import Config, taskfile
from hilrt.errors import EncoderWeightsError, NoDemonstrationsError, PretrainedEncoderError
from hilrt.jobs.demonstrations import fold_demonstrations, require_one_task
from hilrt.jobs.run import progress, require_ended, run
from hilrt.policy.vision import frozen_weights
from hilrt.report.summary import Summary
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job


def train(task_file: Path, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Train from the demonstrations in `dataset.root`.

    Raises:
        NoDemonstrationsError: there are none.
        JournalFeaturesError: they were recorded with other features.
        TasksMixedError: they are of several tasks.
    """
    config = taskfile.load(task_file, overrides)
    _require_demonstrations(config)  # or there is no run to make a folder for
    _require_encoder(config)
    return resume(RunFolder.create(task_file, overrides, Job.TRAIN).path)


def resume(path: Path, *, anew: bool = False) -> tuple[RunFolder, Summary]:
    """Go on with a run where it was left: checkpoint, journal, episode and step counts.

    `anew`: its checkpoints are set aside first, so that all is learned again from what the journal has.

    Raises:
        RunFolderError: not a run; with `anew`, one that is alive.
    """
    folder = RunFolder.open(path)
    _require_demonstrations(folder.config())
    if anew:
        require_ended(folder)
        from hilrt.data.history import set_aside  # noqa: PLC0415 - torch is behind it
        from hilrt.policy.saved import checkpoints_of  # noqa: PLC0415

        set_aside(folder.path, checkpoints_of(folder.path))
    first, steps = progress(folder)
    return folder, run(folder, Job.TRAIN, first_episode=first, online_steps=steps)


def _require_demonstrations(config: Config) -> None:
    if not fold_demonstrations(config):
        raise NoDemonstrationsError(config.dataset.root)
    require_one_task(config, added=False)


def _require_encoder(config: Config) -> None:
    """The file alone; the learner looks into it."""
    weights, encoder = frozen_weights(config), config.policy.encoder
    if weights is None or weights.is_file():
        return
    if encoder == "pretrained":
        raise PretrainedEncoderError(str(weights), "is not there yet")
    raise EncoderWeightsError(encoder, str(weights), "is not there")
