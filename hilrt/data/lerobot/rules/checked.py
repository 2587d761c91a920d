"""What all rules look at, and what breaks one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from hilrt.data.lerobot.layout import SIDECAR, Feature, Info, read_sidecar
from hilrt.data.lerobot.store import Store
from hilrt.data.pictures import decoded
from hilrt.errors import PictureError

Advance = Callable[[float], None]
Mask = npt.NDArray[np.bool_]


class Violation(Struct, frozen=True):
    """Something that is not as the format wants it."""

    file: str
    """Below the root."""
    problem: str
    row: int | None = None
    """In that file, from 0."""

    def __str__(self) -> str:
        """One line."""
        return f"{self.file}{'' if self.row is None else f' row {self.row}'}: {self.problem}"


class Checked(Store):
    """An opened dataset, of hilrt or of others."""

    def __init__(self, root: Path, info: Info) -> None:
        super().__init__(root, info)
        self.features = read_sidecar(root).features if (root / SIDECAR).exists() else None
        """None for a dataset of others."""


def first_of(name: str, at: int, wrong: Mask, words: Callable[[int], str]) -> Iterator[Violation]:
    """The first row that is wrong, and how many more are.

    Args:
        name: of the file.
        at: of the first of these rows in the file.
        wrong: for each row.
        words: what is wrong with a row.
    """
    if wrong.any():
        first, more = int(wrong.argmax()), int(wrong.sum()) - 1
        yield Violation(name, words(first) + (f" (and {more} more rows)" if more else ""), at + first)


def picture_problem(file: bytes | None, feature: Feature) -> str:
    """What is wrong with an encoded picture; empty if nothing is."""
    if not file:
        return "no picture"
    try:
        shape = decoded(file).shape
    except PictureError:
        return "a picture that cannot be decoded"
    wanted = feature.picture_shape
    return "" if shape == wanted else f"a picture of shape {shape}, not {wanted}"
