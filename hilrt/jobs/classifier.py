"""Make reward classifiers from recordings, and see what they say of others."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hilrt.config import Config, taskfile
from hilrt.jobs.demonstrations import fold_demonstrations
from hilrt.reward.about import classifier_path
from hilrt.run.shelf import FIGURES

if TYPE_CHECKING:
    from hilrt.classify.examining import Examined
    from hilrt.classify.job import Outcome


class Made(NamedTuple):
    """What a training leaves."""

    path: Path
    """Of the classifier."""
    page: Path
    """One picture about it."""
    tensorboard: Path
    """Folder."""
    outcome: "Outcome"


def train(task_file: Path, dataset: Path | None, overrides: Sequence[str]) -> Made:
    """Train one on recorded episodes, by default the task's demonstrations.

    Raises:
        NoCamerasError: the task has none.
        NoDemonstrationsError: there are no episodes.
        ClassifierDataError: too few, or of one class alone.
    """
    from hilrt.classify.job import train_classifier  # noqa: PLC0415 - torch is behind it
    from hilrt.classify.report import report  # noqa: PLC0415
    from hilrt.report.progress import track  # noqa: PLC0415

    config, root = _prepared(task_file, dataset, overrides)
    path = classifier_path(config)
    outcome = train_classifier(config, root, path, track)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    folder = Path(config.runs_dir) / f"{config.env.name}-classifier-{stamp}" / FIGURES
    page = path.with_suffix(".png")
    report(outcome, root, page, folder)
    return Made(path, page, folder, outcome)


def examine(
    task_file: Path, dataset: Path | None, out: Path | None, overrides: Sequence[str]
) -> "tuple[Path, Examined]":
    """Have it judge recorded episodes, by default the task's demonstrations, and draw what it says.

    Raises:
        ClassifierError, ClassifierViewError: it cannot be used, or not with the task's cameras.
    """
    from hilrt.classify import examining  # noqa: PLC0415 - torch is behind it
    from hilrt.data.pictures import write_png  # noqa: PLC0415
    from hilrt.report.progress import track  # noqa: PLC0415

    config, root = _prepared(task_file, dataset, overrides)
    path = classifier_path(config)
    examined = examining.examine(config, root, path, track)
    png = out or path.with_suffix(".test.png")
    write_png(png, examining.drawn(examined, config.env.fps))
    return png, examined


def _prepared(task_file: Path, dataset: Path | None, overrides: Sequence[str]) -> tuple[Config, Path]:
    config = taskfile.load(task_file, overrides)
    if dataset is None and config.robot.cameras:
        fold_demonstrations(config)
    return config, dataset or Path(config.dataset.root)
