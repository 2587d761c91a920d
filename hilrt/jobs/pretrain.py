"""Make encoders from recordings."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hilrt.config import taskfile
from hilrt.jobs.demonstrations import fold_demonstrations
from hilrt.policy.vision import beside_demonstrations, frozen_weights

if TYPE_CHECKING:
    from hilrt.pretrain.job import Outcome


def pretrain(
    task_file: Path, dataset: Path | None, out: Path | None, steps: int, overrides: Sequence[str]
) -> "Outcome":
    """Train frozen encoders on recorded episodes, by default the task's demonstrations.

    Raises:
        NoCamerasError: the task has none.
        NoDemonstrationsError: there are no episodes.
    """
    from hilrt.pretrain.job import pretrain  # noqa: PLC0415 - torch is behind it
    from hilrt.report.progress import track  # noqa: PLC0415

    config = taskfile.load(task_file, overrides)
    if dataset is None and config.robot.cameras:
        fold_demonstrations(config)
    weights = frozen_weights(config) if config.policy.encoder == "pretrained" else None
    path = out or weights or beside_demonstrations(config)
    return pretrain(config, dataset or Path(config.dataset.root), path, steps, track)
