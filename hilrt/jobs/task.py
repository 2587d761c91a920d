"""A task file that a job can begin with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from hilrt.config import Config, taskfile
from hilrt.report.remarks import remark
from hilrt.reward.about import classifier_path, rotations_of
from hilrt.reward.reading import read_about, require_cameras
from hilrt.run.job import Job
from hilrt.run.start import calibrations_of, require_start, start_places
from hilrt.step.features import from_config


def load(task_file: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a task file, see that its arms start inside their boxes, and that its reward classifier can be asked.

    Raises:
        ConfigError: the file is wrong.
        CalibrationFileError, FindingFileError, FindingStaleError: of an arm's calibration.
        StartOutsideBoxError: a start pose is outside its box.
        RobotModelError, UnknownNameError: of the arm's description.
        ClassifierError, ClassifierViewError: the classifier is not there, or was trained on other pictures.
    """
    config = taskfile.load(task_file, overrides)
    require_start(config, start_places(config, calibrations_of(config)), taskfile.named(task_file, overrides))
    require_classifier(config)
    return config


CLOCK = "sim.clock"


def in_real_time(task_file: Path, overrides: Sequence[str], job: Job) -> list[str]:
    """The overrides, and real time beside them where a person drives simulated arms: simulated time does not wait.

    Who sets the clock by an override has it as she says.

    Raises:
        ConfigError: the file is wrong.
    """
    config = taskfile.load(task_file, overrides)
    by_person = job.driven(intervene=config.teleop.intervene) and not config.scripted
    told = any(text.partition("=")[0].strip() == CLOCK for text in overrides)
    if told or not (by_person and config.lockstep):
        return [*overrides]
    words = (
        f'you drive (teleop.type = "{config.teleop.type}"), so the simulated arm keeps real time here, though the '
        f'task file has {CLOCK} = "lockstep"; --set {CLOCK}=lockstep keeps that'
    )
    remark([words])
    return [*overrides, f"{CLOCK}=realtime"]


def with_spaces(task_file: Path, overrides: Sequence[str]) -> list[str]:
    """The overrides, and beside them what an environment says that it consists of: its processes have it from there.

    Raises:
        ConfigError: the file is wrong.
        OwnCodeError: the environment cannot be made, or not be used.
    """
    config = taskfile.load(task_file, overrides)
    if not config.in_environment or config.env.spaces:
        return [*overrides]
    from hilrt.environment.world import World  # noqa: PLC0415 - whatever the environment brings along

    with World(config.env) as world:
        spaces = f"env.spaces={_toml(msgspec.to_builtins(world.spaces))}"
        cameras = [
            f"robot.cameras.{name}={_toml({'type': 'env', 'height': height, 'width': width, 'fps': config.env.fps})}"
            for name, (height, width) in world.cameras.items()
        ]
    return [*overrides, spaces, *cameras]


def _toml(table: Mapping[str, object]) -> str:
    """As one line."""
    return f"{{{', '.join(f'{key} = {json.dumps(value)}' for key, value in table.items())}}}"


def require_classifier(config: Config) -> None:
    """Look at the file of the reward classifier, where one is asked; say so where one is named, and is not.

    Raises:
        ClassifierError, ClassifierViewError: it is not there, or was trained on other pictures.
    """
    path = classifier_path(config)
    if "classifier" in config.reward.by:
        require_cameras(read_about(path), path, from_config(config), rotations_of(config))
    elif config.processor.reward_classifier.pretrained_path:
        remark([f'{path} judges nothing here: reward.type = "classifier" is what asks it'])
