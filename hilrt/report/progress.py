"""A bar for what takes longer than a moment."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


class Track(Protocol):
    """Passes items on, and shows how many have been."""

    def __call__(self, items: Iterable[T], what: str, total: int, /) -> Iterator[T]:
        """`what` is done `total` times."""


def track(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """On the terminal; where there is none, nothing is shown until the end."""
    columns = (TextColumn("{task.description:>8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        yield from progress.track(items, total=total, description=what)
