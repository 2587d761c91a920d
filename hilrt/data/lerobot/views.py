"""A dataset on its way into learning: each picture is decoded once, by as many threads as there are cores.

Decoding (OpenCV, libav) lets go of the interpreter, so threads are enough, and nothing is copied between processes.
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

import msgspec
from msgspec import Struct

from hilrt.data.journal import Episode
from hilrt.data.lerobot.dataset import Dataset
from hilrt.data.pictures import Picture
from hilrt.devices.preprocess import Preprocess

AHEAD = 1
"""Episodes that are decoded while the one before is looked at."""
TOGETHER = 8
"""Steps that a thread decodes in one go."""

Views = list[dict[str, Picture]]


class Seen(Struct):
    """An episode as a policy would have seen it."""

    episode: Episode
    """Without its frames."""
    views: Views
    """Of each record, by camera: uint8, (height, width, 3), RGB."""


def episodes_seen(dataset: Dataset, preprocess: Preprocess, threads: int | None = None) -> Iterator[Seen]:
    """A dataset's episodes in their order, with the views of their pictures.

    Args:
        dataset: opened for reading.
        preprocess: crops and resizes.
        threads: that decode; None: one for each core that this process may use.

    Raises:
        DatasetError: a picture, or a file, cannot be read.
    """
    cores = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(threads or cores) as pool:
        under_way: deque[tuple[Episode, list[Future[Views]]]] = deque()
        for number in range(len(dataset)):
            under_way.append(_begun(pool, dataset, number, preprocess))
            if len(under_way) > AHEAD:
                yield _done(*under_way.popleft())
        while under_way:
            yield _done(*under_way.popleft())


def _begun(
    pool: ThreadPoolExecutor, dataset: Dataset, number: int, preprocess: Preprocess
) -> tuple[Episode, list[Future[Views]]]:
    episode = dataset.episode(number, frames=True)
    steps = range(len(episode.records))
    # A film is read by one thread, from front to back.
    together = len(steps) if dataset.info.videos else TOGETHER
    parts = [steps[at : at + together] for at in steps[::together]]
    bare = msgspec.structs.replace(episode, frames=[])
    return bare, [pool.submit(_seen, episode, part, preprocess) for part in parts]


def _done(episode: Episode, parts: list[Future[Views]]) -> Seen:
    return Seen(episode, list(chain.from_iterable(part.result() for part in parts)))


def _seen(episode: Episode, steps: range, preprocess: Preprocess) -> Views:
    return [
        {name: preprocess.apply(name, picture) for name, picture in episode.images(index).items()}
        for index in steps
    ]
