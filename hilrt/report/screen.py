"""The terminal while a run goes on: a panel that is redrawn, or a line now and then where nobody looks."""

import sys
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO, cast

import msgspec
from rich.console import Console
from rich.live import Live

from hilrt.report.outlet import Outlet
from hilrt.report.panel import render
from hilrt.report.view import View, line, unit, view
from hilrt.shm.status import Status

REDRAW_S = 0.25
LINE_S = 10.0
PACE_S = 300.0
"""The pace is that of the last five minutes: evaluations and resets are part of it."""
PACE_MIN_S = 5.0


class Screen:
    """Shows a run on standard output as long as somebody calls `update`.

    It rings when time to put the scene back is over and an episode begins, when the coach wants to be heard, and when
    the arm calls: its reader looks at the arm.
    """

    def __init__(self, status: Status, run: str, hints: Sequence[str] = ()) -> None:
        """`hints`: which keys do what."""
        self._status = status
        self._run = run
        self._hints = hints
        self._putting_back, self._bells = False, 0
        self._pace = Pace()
        self._outlet = Outlet(sys.stdout)
        self._console = Console(file=cast("TextIO", self._outlet))
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._due = 0.0

    def update(self) -> None:
        """Redraw if it is time to, and what was drawn before has been taken; cheap to call often."""
        now = time.monotonic()
        if now >= self._due and not self._outlet.busy:
            self._due = now + (REDRAW_S if self._live else LINE_S)
            self._draw(now)

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._outlet.settle():
            self._draw(time.monotonic())
        if self._live:
            self._live.stop()
        self._outlet.close()

    def _draw(self, now: float) -> None:
        seen = self._look(now)
        if self._live:
            self._live.update(render(seen, self._hints), refresh=True)
            self._ring(seen)
        else:
            self._console.print(line(seen), soft_wrap=True, markup=False, highlight=False)

    def _ring(self, seen: View) -> None:
        before, self._putting_back = self._putting_back, seen.putting_back
        bells, self._bells = self._bells, seen.control.advice_bells + seen.control.calls
        if (before and not self._putting_back) or self._bells > bells:
            self._console.bell()

    def _look(self, now: float) -> View:
        seen = view(self._status, self._run)
        if seen.control.ready:  # before, what earlier starts have reached is not counted yet
            self._pace.add(now, seen.reached, from_first=unit(seen) == "steps")
        return msgspec.structs.replace(seen, pace=self._pace.per_s)


class Pace:
    """How fast a counter has gone lately."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, now: float, count: int, *, from_first: bool) -> None:
        """Note the counter; a step back (a restart) begins anew.

        Args:
            now: [s].
            count: what was reached until now.
            from_first: so does waiting for the first one; else that is part of it, as of an episode that goes on.
        """
        if self._seen and (count < self._seen[-1][1] or (from_first and count == self._seen[0][1])):
            self._seen.clear()
        self._seen.append((now, count))
        while now - self._seen[0][0] > PACE_S:
            self._seen.popleft()

    @property
    def per_s(self) -> float | None:
        """Counts per second; None until there is something to go by."""
        if not self._seen:
            return None
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - began) if now - began >= PACE_MIN_S and last > first else None
