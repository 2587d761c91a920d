"""What a training of a classifier leaves to look at: a page, and figures and pictures in TensorBoard."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from hilrt.classify.frames import DOUBTFUL
from hilrt.classify.job import Outcome
from hilrt.classify.judgement import figures
from hilrt.classify.page import page
from hilrt.data.journal import Episode
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.pictures import Picture, write_png


def report(outcome: Outcome, root: Path, png: Path, folder: Path) -> None:
    """Write the page to `png`, and all of it to TensorBoard's `folder`.

    Raises:
        PictureFileError: the disk does not take it.
    """
    dataset = open_dataset(root)

    @lru_cache(maxsize=2)
    def episode(number: int) -> Episode:
        return dataset.episode(number, frames=True)

    def shown(number: int, step: int) -> Picture:
        return side_by_side([episode(number).images(step)[name] for name in outcome.bundle.network.cameras])

    picture = page(outcome, shown)
    write_png(png, picture)
    _to_tensorboard(outcome, picture, folder)


def side_by_side(pictures: list[Picture]) -> Picture:
    """In one row, the lower ones black below."""
    height = max(len(picture) for picture in pictures)
    return np.concatenate([np.pad(p, ((0, height - len(p)), (0, 0), (0, 0))) for p in pictures], axis=1)


def _to_tensorboard(outcome: Outcome, picture: Picture, folder: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - two seconds

    rewarded, clear = outcome.bundle.about.rewarded, outcome.frames.classes != DOUBTFUL
    with SummaryWriter(str(folder)) as writer:
        for number, losses in enumerate(outcome.losses):
            for epoch, (shown, held) in enumerate(losses):
                writer.add_scalar(f"Classifier/loss_shown_{number}", shown, epoch)
                writer.add_scalar(f"Classifier/loss_held_out_{number}", held, epoch)
        for name, value in figures(outcome.judgement).items():
            writer.add_scalar(f"Classifier/{name}", value, 0)
        truth = (outcome.frames.classes == rewarded)[clear]
        writer.add_pr_curve("Classifier/precision_recall", truth, outcome.told[clear, rewarded])
        writer.add_image("Classifier/page", picture, dataformats="HWC")
