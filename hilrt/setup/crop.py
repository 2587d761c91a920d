"""Choosing each camera's region of interest on recorded pictures: drawn, given, or computed from what moves."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tomlkit

from hilrt.config import Config, taskfile
from hilrt.data.cropped import write_cropped
from hilrt.data.journal import Episode
from hilrt.data.lerobot.dataset import Dataset, open_dataset
from hilrt.data.motion import Motion, Region
from hilrt.data.pictures import Picture, encoded
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import CropError, DisplayAbsentError, PictureFileError, RegionAbsentError, RegionError
from hilrt.jobs.demonstrations import fold_what_is_left
from hilrt.report.progress import Bar
from hilrt.report.regionwindow import CHOSEN, SUGGESTED, choose, outline
from hilrt.report.x11 import check_display
from hilrt.step.features import Features, from_config

TABLE = "processor.image_preprocessing.crop_params_dict"
SHOWN_EPISODES = 4
"""Whose first, middle and last pictures are shown."""
WATCHED_EPISODES, WATCHED_PICTURES = 20, 40
"""Looked at for motion: so many episodes, so many pictures of each."""
PREVIEW = 3
"""Pictures side by side."""

Say = Callable[[str], None]


def crop(
    say: Say,
    path: Path,
    overrides: Sequence[str] = (),
    *,
    rois: Sequence[str] = (),
    suggest: bool = False,
    write: bool = False,
    pictures: Path = Path("crop"),
    copy: Path | None = None,
) -> None:
    """Choose regions on the pictures in `dataset.root`, show what they leave, print them.

    Args:
        say: takes a line for the user.
        path: the task file.
        overrides: as for `taskfile.load`.
        rois: regions given as `camera=top,left,height,width`; nothing else is then chosen.
        suggest: compute regions from motion in successful episodes.
        write: put the regions into the task file.
        pictures: folder for previews.
        copy: where to make a cropped and resized copy of the dataset.

    Raises:
        CropError: the dataset has no pictures, or others than the task file's.
        RegionError, ConfigError: a region is none, or not within its camera's frame.
        RegionAbsentError: there is neither a region nor a display to draw one.
        DatasetError, and what else `open_dataset` raises.
    """
    config = taskfile.load(path, overrides)
    fold_what_is_left(config)
    dataset = _dataset(config)
    given = dict(_parsed(text, config) for text in rois)
    cameras = list(given or config.robot.cameras)
    shown = _shown(dataset, cameras)
    suggested = _suggested(dataset, cameras) if suggest else {}
    regions = given or _chosen(config, shown, suggested)
    if len(regions) < len(cameras):
        say("Stopped; nothing was written.")
        return
    cropped = taskfile.from_tree(_edited(path, regions, overrides).unwrap(), str(path), path.parent)
    for file in _preview(cropped, shown, regions, suggested, pictures):
        say(f"saved {file}")
    say(tomlkit.dumps({"processor": {"image_preprocessing": {"crop_params_dict": _lists(regions)}}}).rstrip())
    if copy:
        _copy(say, dataset, cropped, copy)
    if write:
        taskfile.write(path, _edited(path, regions))
        say(f"written into {path}")


def _copy(say: Say, dataset: Dataset, config: Config, root: Path) -> None:
    with Bar(f"into {root}", len(dataset)) as bar:
        write_cropped(dataset, config, root, bar.advance)
    say(f"{len(dataset)} episodes, cropped and resized, are in {root}")


def _edited(path: Path, regions: dict[str, Region], overrides: Sequence[str] = ()) -> tomlkit.TOMLDocument:
    return taskfile.edited(path, {TABLE: _lists(regions)}, "the regions chosen", overrides)


def _dataset(config: Config) -> Dataset:
    """With the pictures that the config's cameras give."""
    dataset = open_dataset(Path(config.dataset.root))
    recorded, now = _sizes(dataset.features), _sizes(from_config(config))
    if not recorded:
        raise CropError(config.dataset.root, "was recorded without cameras, so there is nothing to crop")
    if any(image.cropped for image in dataset.features.images):
        raise CropError(config.dataset.root, "is a cropped copy; look at the dataset that it was made of")
    if recorded != now:
        problem = (
            f"was recorded with {recorded} (height x width), and the task file has {now or 'no cameras'}"
        )
        raise CropError(config.dataset.root, problem)
    return dataset


def _sizes(features: Features) -> str:
    return ", ".join(f"{image.name} {image.height} x {image.width}" for image in features.images)


def _parsed(text: str, config: Config) -> tuple[str, Region]:
    """`front=180,250,120,150`."""
    camera, _, numbers = text.partition("=")
    parts = [int(part) for part in numbers.split(",") if part.strip().isdecimal()]
    if camera not in config.robot.cameras or len(parts) != 4 or numbers.count(",") != 3:
        raise RegionError(text, list(config.robot.cameras))
    top, left, height, width = parts
    return camera, (top, left, height, width)


def _lists(regions: dict[str, Region]) -> dict[str, list[int]]:
    return {camera: list(region) for camera, region in regions.items()}


# --- pictures ------------------------------------------------------------------------------------


def _spread(count: int, wanted: int) -> list[int]:
    """At most `wanted` of so many, from first to last."""
    return sorted(set(np.linspace(0, count - 1, wanted).round().astype(int).tolist()))


def _shown(dataset: Dataset, cameras: Sequence[str]) -> dict[str, list[Picture]]:
    """First, middle and last pictures of some episodes by camera."""
    shown: dict[str, list[Picture]] = {camera: [] for camera in cameras}
    for number in _spread(len(dataset), SHOWN_EPISODES):
        for pictures in _some(dataset.episode(number, frames=True), PREVIEW):
            for camera in cameras:
                shown[camera].append(pictures[camera])
    return shown


def _some(episode: Episode, wanted: int) -> Iterator[dict[str, Picture]]:
    return (episode.images(i) for i in _spread(len(episode.records), wanted))


def _suggested(dataset: Dataset, cameras: Sequence[str]) -> dict[str, Region]:
    """From what moves in successful episodes."""
    successes = [episode.number for episode in dataset if episode.records[-1].success]
    if not successes:
        raise CropError(str(dataset.root), "has no successful episode to compute a suggestion from")
    motions = {camera: Motion() for camera in cameras}
    watched = [successes[i] for i in _spread(len(successes), WATCHED_EPISODES)]
    with Bar("looking for motion", len(watched)) as bar:
        for number in watched:
            for motion in motions.values():
                motion.begin()
            for pictures in _some(dataset.episode(number, frames=True), WATCHED_PICTURES):
                for camera, motion in motions.items():
                    motion.see(pictures[camera])
            bar.advance(1)
    return {camera: region for camera, motion in motions.items() if (region := motion.region())}


# --- choosing ------------------------------------------------------------------------------------


def _chosen(
    config: Config, shown: dict[str, list[Picture]], suggested: dict[str, Region]
) -> dict[str, Region]:
    """Drawn where there is a display, else as suggested; not all cameras' where the user stops."""
    try:
        check_display()
    except DisplayAbsentError as error:
        if missing := shown.keys() - suggested.keys():
            raise RegionAbsentError(sorted(missing), error.problem) from None
        return suggested
    old, regions = config.processor.image_preprocessing.crop_params_dict, {}
    for camera, pictures in shown.items():
        region = choose(camera, pictures, old.get(camera), suggested.get(camera))
        if region is None:
            break
        regions[camera] = region
    return regions


def _preview(
    config: Config,
    shown: dict[str, list[Picture]],
    regions: dict[str, Region],
    suggested: dict[str, Region],
    folder: Path,
) -> Iterator[Path]:
    """Whole pictures with the region drawn, and what the policy sees of them."""
    preprocess = Preprocess(config.processor.image_preprocessing, from_config(config))
    for camera, region in regions.items():
        before = [picture.copy() for picture in shown[camera][:PREVIEW]]
        for picture in before:
            outline(picture, suggested.get(camera), SUGGESTED)
            outline(picture, region, CHOSEN)
        after = [preprocess.apply(camera, picture) for picture in shown[camera][:PREVIEW]]
        yield _saved(before, folder / f"{camera}_before.png")
        yield _saved(after, folder / f"{camera}_after.png")


def _saved(pictures: Iterable[Picture], file: Path) -> Path:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded(np.hstack(list(pictures)), "png"))
    except OSError as error:
        raise PictureFileError(str(file), error) from None
    return file
