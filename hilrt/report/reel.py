"""Pictures of a dataset's episodes for a person to leaf through: all cameras side by side, decoded ahead of her."""

from collections.abc import Iterator
from threading import Condition, Thread

import numpy as np

from hilrt.data.journal import Episode
from hilrt.data.lerobot.dataset import Dataset
from hilrt.errors import HilrtError
from hilrt.report.window import opencv
from hilrt.resource import Resource
from hilrt.shm.pictures import Picture

AHEAD, BEHIND = 40, 12
"""Observations that are decoded around the one that is looked at; of the next episode its first `BEHIND`."""
KEPT = 100
"""Pictures that are kept: 180 MB at the largest size."""
HEIGHT, WIDTH = 480, 1280
"""At most, of all cameras side by side; smaller ones are enlarged to one of the two [pixels]."""

Place = tuple[int, int]
"""Episode and observation."""


class Reel(Resource):
    """A thread that decodes what will be looked at next."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._at: Place = (0, 0)
        self._pictures: dict[Place, Picture] = {}
        self._episodes: dict[int, Episode] = {}
        self._error: HilrtError | None = None
        self._closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def look(self, number: int, index: int) -> Picture | None:
        """Observation `index` of an episode, RGB, uint8 (height, width, 3); None while it is on its way.

        Raises:
            DatasetError: a picture, or a file, cannot be read.
        """
        with self._changed:
            if self._error:
                raise self._error
            self._at = (number, index)
            self._changed.notify()
            return self._pictures.get(self._at)

    def close(self) -> None:
        """End the thread; may be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (place := self._due()) is not None:
            try:
                picture = side_by_side(self._decoded(*place))
            except HilrtError as error:
                with self._changed:
                    self._error = error
                return
            with self._changed:
                self._pictures[place] = picture
                self._forget()

    def _due(self) -> Place | None:
        """Wait for what is to be decoded next; None once the reel is closed."""
        with self._changed:
            while not self._closed:
                missing = (place for place in self._wanted() if place not in self._pictures)
                if (place := next(missing, None)) is not None:
                    return place
                self._changed.wait()
        return None

    def _wanted(self) -> Iterator[Place]:
        number, index = self._at
        last = self._dataset.row(number).length
        yield self._at
        yield from ((number, i) for i in range(index + 1, min(index + AHEAD, last) + 1))
        yield from ((number, i) for i in range(index - 1, max(index - BEHIND, 0) - 1, -1))
        if number + 1 < len(self._dataset):
            yield from ((number + 1, i) for i in range(min(BEHIND, self._dataset.row(number + 1).length)))

    def _forget(self) -> None:
        wanted = set(self._wanted())
        for place in [place for place in self._pictures if place not in wanted]:
            if len(self._pictures) <= KEPT:
                return
            del self._pictures[place]

    def _decoded(self, number: int, index: int) -> list[Picture]:
        """Of all cameras; two episodes are held, the one looked at and the next."""
        if number not in self._episodes:
            episode = self._dataset.episode(number, frames=True)
            kept = {n: e for n, e in self._episodes.items() if abs(n - self._at[0]) <= 1}
            self._episodes = dict([*kept.items()][-1:]) | {number: episode}
        return list(self._episodes[number].images(index).values())


def side_by_side(pictures: list[Picture]) -> Picture:
    """Pictures of equal height in one row, as large as the window may be."""
    cv2 = opencv()
    tallest = max(picture.shape[0] for picture in pictures)
    wide = [round(picture.shape[1] * tallest / picture.shape[0]) for picture in pictures]
    scale = min(HEIGHT / tallest, WIDTH / sum(wide))
    height = max(1, round(tallest * scale))
    row = [
        cv2.resize(picture, (max(1, round(width * scale)), height), interpolation=_way(scale))
        for picture, width in zip(pictures, wide, strict=True)
    ]
    return np.hstack(row)


def _way(scale: float) -> int:
    cv2 = opencv()
    return int(cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
