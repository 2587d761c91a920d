"""The rules of meta/: counts, and where each episode lies."""

from collections.abc import Iterator

from hilrt.data.lerobot.columns import PLACE, TOLD, arrow_schema, table_of
from hilrt.data.lerobot.episodes import EpisodeRow, path_of
from hilrt.data.lerobot.layout import INFO, SIDECAR, TASKS
from hilrt.data.lerobot.rules.checked import Violation
from hilrt.data.lerobot.store import Store
from hilrt.step.features import Features


def info_rules(opened: Store, features: Features | None) -> Iterator[Violation]:
    """What info.json says; `features`: of the steps, None for a dataset of others."""
    info = opened.info
    for name, dtype in PLACE.items():
        column = info.features.get(name)
        if column is None or (column.dtype, tuple(column.shape)) != (dtype, (1,)):
            yield Violation(INFO, f"has no column {name} of {dtype}, shape (1,)")
    if features is not None:
        if info.fps != features.fps:
            yield Violation(INFO, f"is of {info.fps} Hz, {SIDECAR} of {features.fps} Hz")
        for key, column in table_of(features, video=bool(info.videos)).items():
            found = info.features.get(key)
            if key == TOLD and found is None:  # of an earlier version
                continue
            if found is None or (found.dtype, found.shape) != (column.dtype, column.shape):
                yield Violation(INFO, f"{key} is not {column.dtype} {column.shape} as {SIDECAR} has it")
    frames = sum(row.length for row in opened.rows)
    if info.total_frames != frames:
        yield Violation(INFO, f"counts {info.total_frames} frames, its episodes have {frames}")
    if info.total_tasks != len(opened.tasks):
        yield Violation(INFO, f"counts {info.total_tasks} tasks, {TASKS} has {len(opened.tasks)}")


def split_rules(opened: Store) -> Iterator[Violation]:
    """What info.json says that nobody here reads."""
    info = opened.info
    for key, feature in info.features.items():
        if feature.dtype != "video" and key not in arrow_schema({key: feature}).names:
            yield Violation(INFO, f"{key} is of the type {feature.dtype!r}, which is none")
    if info.splits != {"train": f"0:{info.total_episodes}"}:
        yield Violation(INFO, f"its splits are {info.splits}, not train 0:{info.total_episodes}")


def row_rules(opened: Store) -> Iterator[Violation]:
    """What the table of episodes says."""
    start = 0
    for number, row in enumerate(opened.rows):
        for problem in _row(opened, row, number, start):
            yield Violation(path_of(row.meta), f"episode {number}: {problem}")
        start = row.start + row.length


def _row(opened: Store, row: EpisodeRow, number: int, start: int) -> Iterator[str]:
    if row.episode != number:
        yield f"its index is {row.episode}"
    if row.start != start:
        yield f"begins at row {row.start} of the dataset, the one before ends at {start}"
    if row.stop != row.start + row.length:
        yield f"goes from {row.start} to {row.stop}, its length is {row.length}"
    if unknown := [task for task in row.tasks if task not in opened.tasks]:
        yield f"its tasks {unknown} are not in {TASKS}"
    if number and row.data < opened.rows[number - 1].data:
        yield f"lies in file {row.data}, before that of the one before"
    if not (opened.root / path_of(row.meta)).is_file():
        yield f"says it is in {path_of(row.meta)}, which is not there"
    for key, clip in row.clips.items():
        seconds = row.length / opened.info.fps
        if abs(clip.to_s - clip.from_s - seconds) > 0.5 / opened.info.fps:
            yield f"its video of {key} lasts {clip.to_s - clip.from_s:.3f} s, its rows {seconds:.3f} s"
        video = opened.video_path(key, clip)
        if not video.is_file():
            yield f"its video {opened.name(video)} is not there"
