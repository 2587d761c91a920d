"""Train a policy, or go on with a training."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from hilrt.config import Config, taskfile
from hilrt.data.sessions import finish
from hilrt.errors import EncoderWeightsError, NoDemonstrationsError, PretrainedEncoderError
from hilrt.jobs.demonstrations import fold_demonstrations, require_one_task
from hilrt.jobs.finetune import Beginning, require_own_encoder
from hilrt.jobs.otherwise import corrected_since, recorded_otherwise, trained_otherwise
from hilrt.jobs.run import progress, require_ended, run
from hilrt.jobs.sessions import take_in
from hilrt.jobs.task import in_real_time, load, with_spaces
from hilrt.policy.saved import checkpoints_of
from hilrt.policy.vision import frozen_weights
from hilrt.report.remarks import remark
from hilrt.report.summary import Summary
from hilrt.run.conditions import Handed, conditions_of
from hilrt.run.earlier import earlier_roots
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job


def train(task_file: Path, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Train from the demonstrations in `dataset.root`.

    Raises:
        OwnCodeError: an environment cannot be made, or not be used.
        NoDemonstrationsError: there are none.
        JournalFeaturesError, ConditionsError: they cannot mean the same.
        TasksMixedError: they are of several tasks.
        StartOutsideBoxError: a start pose is outside its box.
    """
    overrides = in_real_time(task_file, with_spaces(task_file, overrides), Job.TRAIN)
    config = load(task_file, overrides)
    start = _ready(config)  # or there is no run to make a folder for
    _require_encoder(config)
    return _go_on(RunFolder.create(task_file, overrides, Job.TRAIN), start)


def train_from(task_file: Path, path: Path, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Train a new run that begins with the policy, the demonstrations and the steps of an earlier one.

    Raises:
        RunFolderError, CheckpointError: that is no training run with a checkpoint, or goes on.
        PolicyFeaturesError, PolicyMakeError, SessionError, ConditionsError: it does not fit the task file.
        NoDemonstrationsError, TasksMixedError, OwnCodeError, StartOutsideBoxError: as `train`.
    """
    beginning = Beginning(path)
    overrides = in_real_time(task_file, with_spaces(task_file, overrides), Job.TRAIN)
    require_own_encoder(path, frozen_weights(beginning.config), load(task_file, overrides).policy.weights)
    overrides = [*overrides, *beginning.overrides]
    config = load(task_file, overrides)
    beginning.require_fit(config)
    start = _ready(config, beginning.datasets(config))
    found = beginning.steps(config, start)
    return _go_on(beginning.make(task_file, overrides, config, found), start)


def resume(
    path: Path, *, anew: bool = False, sessions: Sequence[Path] = (), steps: int | None = None
) -> tuple[RunFolder, Summary]:
    """Go on with a run where it was left: checkpoint, journal, episode and step counts.

    Args:
        path: its folder.
        anew: its checkpoints are set aside first, so that all is learned again from what the journal has.
        sessions: folders of other runs, whose episodes become steps of this one.
        steps: how many it is to take in all, from now on; None: as before.

    Raises:
        RunFolderError: not a run; with any of the others, one that is alive.
        PolicyFeaturesError, ConditionsError: what it has learned, or is to learn from, cannot mean the same.
        SessionError, StepsDoneError: of `sessions` and `steps`.
        StartOutsideBoxError: a start pose is outside its box.
    """
    folder = RunFolder.open(path)
    folder.claim()
    task = folder.path / "config.toml"
    config = load(task, [f"learner.online_steps={steps}"] if steps else [])
    finish(folder.path)
    earlier = earlier_roots(folder.path)
    start = _ready(config, earlier)
    for each in _with_datasets(config, earlier):
        start.differs.extend(corrected_since(folder.path, each))
    if anew or sessions or steps:
        require_ended(folder)
    if anew:
        from hilrt.data.history import set_aside  # noqa: PLC0415 - pyarrow is behind it

        set_aside(folder.path, checkpoints_of(folder.path))
    start.differs.extend(trained_otherwise(folder.path, config, start.conditions))
    if sessions or steps:
        start.differs.extend(take_in(folder, config, start.conditions, sessions))
    if steps:
        taskfile.write(task, taskfile.edited(task, {"learner": {"online_steps": steps}}, "--steps"))
    return _go_on(folder, start)


def _go_on(folder: RunFolder, start: Handed) -> tuple[RunFolder, Summary]:
    first, steps = progress(folder)
    try:
        return folder, run(folder, Job.TRAIN, first_episode=first, online_steps=steps, start=start)
    except KeyboardInterrupt:
        remark([f"ended at once, without a last checkpoint; go on: hilrt train --resume {folder.path}"])
        raise


def _ready(config: Config, earlier: Sequence[Path] = ()) -> Handed:
    """See to the demonstrations, with those of `earlier` datasets; what is otherwise now than it was with them."""
    configs = _with_datasets(config, earlier)
    if not sum([fold_demonstrations(each) for each in configs]):
        raise NoDemonstrationsError(config.dataset.root)
    for each in configs:
        require_one_task(each, added=False)
    now = conditions_of(config)
    others = [
        f"{each.dataset.root}: {line}" for each in configs[1:] for line in recorded_otherwise(each, now)
    ]
    return Handed(conditions=now, differs=[*recorded_otherwise(config, now), *others])


def _with_datasets(config: Config, earlier: Sequence[Path]) -> list[Config]:
    """The config, and the same with each of the other datasets in place of its own."""
    roots = [config.dataset.root, *map(str, earlier)]
    datasets = [msgspec.structs.replace(config.dataset, root=root) for root in roots]
    return [msgspec.structs.replace(config, dataset=dataset) for dataset in datasets]


def _require_encoder(config: Config) -> None:
    """The file alone; the learner looks into it."""
    weights, encoder = frozen_weights(config), config.policy.encoder
    if weights is None or weights.is_file():
        return
    if encoder == "pretrained":
        raise PretrainedEncoderError(str(weights), "is not there yet")
    raise EncoderWeightsError(encoder, str(weights), "is not there")
