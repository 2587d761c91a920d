"""A task file that a job can begin with."""

from collections.abc import Sequence
from pathlib import Path

from hilrt.config import Config, taskfile
from hilrt.run.start import calibrations_of, require_start, start_places


def load(task_file: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a task file, and see that its arms start inside their boxes.

    Raises:
        ConfigError: the file is wrong.
        CalibrationFileError, ZerosFileError, ZerosStaleError: of an arm's calibration.
        StartOutsideBoxError: a start pose is outside its box.
        RobotModelError, UnknownNameError: of the arm's description.
    """
    config = taskfile.load(task_file, overrides)
    require_start(config, start_places(config, calibrations_of(config)), taskfile.named(task_file, overrides))
    return config
