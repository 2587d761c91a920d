"""A copy of a dataset whose pictures are what the policy sees of them, for other tools: hilrt crops as it goes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from hilrt.config import Config
from hilrt.data.journal import Episode
from hilrt.data.lerobot.change import Change
from hilrt.data.lerobot.dataset import Dataset, exists
from hilrt.data.lerobot.writer import DatasetWriter, Take, new_info
from hilrt.data.pictures import encoded, joined
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import CropError
from hilrt.features import from_config


def write_cropped(dataset: Dataset, config: Config, root: Path, advance: Callable[[float], None]) -> None:
    """Make the copy, with the config's regions and size; `advance` is told of each episode.

    Raises:
        CropError: a dataset is there already.
        DatasetWriteError: the disk does not take it; nothing is left behind.
    """
    if exists(root):
        raise CropError(str(root), "is a dataset already; name a folder that is not there yet")
    features = msgspec.structs.replace(dataset.features, images=from_config(config).views)
    info = new_info(features, dataset.info.robot_type, video=bool(dataset.info.videos))
    preprocess = Preprocess(config.processor.image_preprocessing, from_config(config))
    with Change(root) as change, DatasetWriter.to(change, None, features, info) as writer:
        for row in dataset.rows:
            episode = dataset.episode(row.episode, frames=True)
            pieces = _cropped(episode, preprocess, config)
            writer.add(
                Take(
                    name=f"episode {row.episode}",
                    task=episode.header.task,
                    records=episode.records,
                    frames=partial(iter, pieces),
                    size=sum(map(len, pieces)),
                    origin=row.origin,
                )
            )
            advance(1)
        writer.finish()


def _cropped(episode: Episode, preprocess: Preprocess, config: Config) -> list[bytes]:
    """Packed pictures of each record."""
    return [
        joined(
            encoded(preprocess.apply(camera, picture), config.dataset.image_format)
            for camera, picture in episode.images(i).items()
        )
        for i in range(len(episode.records))
    ]
