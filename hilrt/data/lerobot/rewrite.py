"""New datasets of old ones: joined, without some of their episodes, exported. Numbers stay exact, pictures too.

Pictures are carried over as they are, encoded; the only loss there can be is that of video, where it is asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from hilrt.data.lerobot.change import Change
from hilrt.data.lerobot.dataset import Dataset, exists, open_dataset, open_to_change
from hilrt.data.lerobot.take import Take
from hilrt.data.lerobot.writer import DatasetWriter, new_info
from hilrt.errors import (
    DatasetExistsError,
    DatasetFormatError,
    EpisodesAbsentError,
    MergeError,
    NothingLeftError,
)
from hilrt.step.difference import difference

Advance = Callable[[float], None]
"""Told of each episode that is done."""


def merge(out: Path, roots: Sequence[Path], advance: Advance) -> int:
    """Make a dataset of all episodes of others, in their order.

    Returns:
        How many episodes it has.

    Raises:
        DatasetExistsError: there is something at `out`.
        MergeError: they do not consist of the same steps.
        DatasetWriteError: the disk does not take it; nothing is left there.
    """
    expect_nothing(out)
    datasets = [open_dataset(root) for root in roots]
    first = datasets[0]
    for other in datasets[1:]:
        if words := _difference(other, first):
            raise MergeError(str(other.root), str(first.root), words)
    everything = chain.from_iterable(takes(each, range(len(each)), as_recorded=True) for each in datasets)
    with Change(out) as change:
        return _write(change, first, everything, advance)


def delete_episodes(root: Path, numbers: Sequence[int], advance: Advance) -> int:
    """Take episodes out of a dataset; those behind them get smaller numbers.

    Returns:
        How many episodes are left.

    Raises:
        EpisodesAbsentError: there are none of these numbers.
        NothingLeftError: no episode would be left.
        DatasetFormatError: it has columns that hilrt does not write.
        DatasetWriteError: the disk does not take it; nothing has changed.
    """
    with Change(root) as change:
        dataset = open_to_change(root)
        chosen = set(_present(dataset, numbers))
        kept = [number for number in range(len(dataset)) if number not in chosen]
        if not kept:
            raise NothingLeftError(str(root))
        return _write(change, dataset, takes(dataset, kept, as_recorded=True), advance)


def export(source: Path, out: Path, numbers: Sequence[int] | None, advance: Advance, *, video: bool) -> int:
    """Copy a dataset, or some of its episodes; with `video`, its pictures as video.

    Raises:
        DatasetExistsError, EpisodesAbsentError, DatasetWriteError: nothing is left at `out`.
    """
    expect_nothing(out)
    dataset = open_dataset(source)
    chosen = range(len(dataset)) if numbers is None else _present(dataset, numbers)
    with Change(out) as change:
        return _write(change, dataset, takes(dataset, chosen), advance, video=video)


def count(root: Path) -> int:
    """Episodes of a dataset; raises what opening it raises."""
    return len(open_dataset(root))


def expect_nothing(out: Path) -> None:
    """See that a new dataset can be made there.

    Raises:
        DatasetExistsError: it cannot.
    """
    if out.exists() and (not out.is_dir() or exists(out) or any(p.name[0] != "." for p in out.iterdir())):
        raise DatasetExistsError(str(out))


def takes(dataset: Dataset, numbers: Sequence[int], *, as_recorded: bool = False) -> Iterator[Take]:
    """Episodes of a dataset, on their way into another one, with all that was said of their labels.

    `as_recorded`: their rewards are those that were recorded, so that a correction can be undone there, too; else those
    that hold now, for other tools.
    """
    for number in numbers:
        row = dataset.row(number)
        bad = [key for key, clip in row.clips.items() if clip.from_s]
        if bad:
            raise DatasetFormatError(
                str(dataset.root), f"its videos of {bad[0]} hold more than one episode each"
            )
        yield Take(
            name=f"{dataset.root} episode {number}",
            task=dataset.task(row),
            records=dataset.episode(number, as_recorded=as_recorded).records,
            frames=partial(dataset.frames, number),
            size=dataset.size(row),
            films={key: dataset.video_path(key, clip) for key, clip in row.clips.items()},
            colours={key: row.stats[key] for key in row.clips if key in row.stats},
            origin=row.origin,
            conditions=dataset.conditions[number],
            corrections=[each for each in dataset.corrections if each.episode == number],
        )


def _write(
    change: Change, like: Dataset, episodes: Iterator[Take], advance: Advance, *, video: bool = False
) -> int:
    fresh = new_info(like.features, like.info.robot_type, video=video or bool(like.info.videos))
    with DatasetWriter(change, like.features, fresh) as writer:
        for take in episodes:
            writer.add(take)
            advance(1)
        writer.finish(whole=True)
        return len(writer.rows)


def _difference(found: Dataset, expected: Dataset) -> str:
    if bool(found.info.videos) != bool(expected.info.videos):
        return "one keeps its pictures as video, the other as images (`hilrt dataset export --video` makes the former)"
    return difference(found.features, expected.features)


def _present(dataset: Dataset, numbers: Sequence[int]) -> Sequence[int]:
    if absent := [number for number in numbers if not 0 <= number < len(dataset)]:
        raise EpisodesAbsentError(str(dataset.root), absent, len(dataset))
    return numbers
