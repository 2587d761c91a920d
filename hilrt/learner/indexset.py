"""A set of row numbers to draw from; its order depends on what was added and discarded alone."""

from array import array
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


class IndexSet:
    """Row numbers with O(1) add, discard and uniform draw."""

    def __init__(self) -> None:
        self._items = array("q")
        self._place: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[int]:
        return iter(self._items)

    def __contains__(self, index: int) -> bool:
        return index in self._place

    def add(self, index: int) -> None:
        """Put in; nothing happens if it is there."""
        if index not in self._place:
            self._place[index] = len(self._items)
            self._items.append(index)

    def discard(self, index: int) -> None:
        """Take out; nothing happens if it is not there."""
        place = self._place.pop(index, None)
        if place is None:
            return
        last = self._items.pop()
        if last != index:
            self._items[place] = last
            self._place[last] = place

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Indices:
        """Uniform with replacement."""
        items = self.indices
        drawn: Indices = items[rng.integers(len(items), size=shape)]
        return drawn

    @property
    def indices(self) -> Indices:
        """All of them; not to be kept, for nothing can be added meanwhile."""
        items: Indices = np.frombuffer(self._items, np.int64)
        return items
