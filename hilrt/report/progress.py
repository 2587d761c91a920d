"""A bar for what takes longer than two seconds; on standard error, so that output stays what was asked for."""

import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hilrt.resource import Resource

T = TypeVar("T")

PATIENCE_S = 2.0
"""What takes less is not worth a line."""


class Bar(Resource):
    """How much of a piece of work is done."""

    def __init__(self, what: str, total: float) -> None:
        """`total`: all that `advance` will be told, in whatever unit."""
        self._console = Console(stderr=True)
        self._progress: Progress | None = None
        self._what, self._total, self._done = what, total, 0.0
        self._began = time.monotonic()

    def advance(self, done: float) -> None:
        """So much more is done."""
        self._done += done
        if self._progress is None:
            if time.monotonic() - self._began < PATIENCE_S:
                return
            columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
            self._progress = Progress(*columns, console=self._console)
            self._progress.start()
            self._task = self._progress.add_task(self._what, total=self._total)
        self._progress.update(self._task, completed=self._done)

    def say(self, line: str) -> None:
        """A line beside the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take it off the screen; may be called again."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


class Track(Protocol):
    """Passes items on, and shows how many have been."""

    def __call__(self, items: Iterable[T], what: str, total: int, /) -> Iterator[T]:
        """`what` is done `total` times."""


def track(items: Iterable[T], what: str, total: int) -> Iterator[T]:
    """Pass them on under a bar."""
    with Bar(what, total) as bar:
        for item in items:
            yield item
            bar.advance(1)
