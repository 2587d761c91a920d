"""A copy of a dataset whose pictures are what the policy sees of them, for other tools: hilrt crops as it goes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from hilrt.config import Config
from hilrt.data.journal import Episode
from hilrt.data.lerobot.change import Change
from hilrt.data.lerobot.dataset import Dataset
from hilrt.data.lerobot.rewrite import expect_nothing, takes
from hilrt.data.lerobot.writer import DatasetWriter, new_info
from hilrt.data.pictures import encoded, joined
from hilrt.devices.preprocess import Preprocess
from hilrt.step.features import from_config


def write_cropped(dataset: Dataset, config: Config, root: Path, advance: Callable[[float], None]) -> None:
    """Make the copy, with the config's regions and size; `advance` is told of each episode.

    Raises:
        DatasetExistsError: something is there already.
        DatasetWriteError: the disk does not take it; nothing is left behind.
    """
    expect_nothing(root)
    views = from_config(config).views
    seen = tuple(msgspec.structs.replace(view, cropped=True, region=()) for view in views)
    features = msgspec.structs.replace(dataset.features, images=seen)
    info = new_info(features, dataset.info.robot_type, video=bool(dataset.info.videos))
    preprocess = Preprocess(config.processor.image_preprocessing, from_config(config))
    with Change(root) as change, DatasetWriter(change, features, info) as writer:
        for number, take in enumerate(takes(dataset, range(len(dataset)))):
            files = _cropped(dataset.episode(number, frames=True), preprocess, config)
            own = {"frames": partial(iter, files), "size": sum(map(len, files)), "films": {}, "colours": {}}
            writer.add(msgspec.structs.replace(take, **own))
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
