"""When bytes on the servos' wire reach the computer: USB frames, an adapter's latency timer, what lies between."""

from collections.abc import Iterator, Sequence
from math import ceil

from hilrt.config import SimUsb

ROOM = 64
"""Bytes that an adapter passes on at once [B]."""

BYTE_S = 10e-6
"""What a byte takes on a bus of 1 Mbaud [s]."""
IDEAL = SimUsb()

Stamped = tuple[float, int]
"""When a byte is on the wire as a whole [s], and the byte."""


class Usb:
    """One adapter; all times are of `time.monotonic` [s].

    Full-speed USB moves data once in each frame of 1 ms, so replies of several servos come together. An adapter with a
    latency timer keeps what it has until its buffer is full or the timer, which runs since it last passed something
    on, is at its end.
    """

    def __init__(self, nature: SimUsb = IDEAL) -> None:
        self._frame_s, self._timer_s = 1e-3 * nature.frame_ms, 1e-3 * nature.latency_timer_ms
        self._delay_s = 1e-3 * nature.delay_ms
        self.echoes = nature.echo
        self._passed_on = 0.0

    @property
    def ideal(self) -> bool:
        """Whether it takes no time."""
        return not (self._frame_s or self._timer_s or self._delay_s)

    def leaves(self, now: float) -> float:
        """When a request that is written `now` begins on the wire."""
        return _next(now, self._frame_s)

    def arrivals(self, wire: Sequence[Stamped]) -> Iterator[tuple[float, bytes]]:
        """Pieces in which these bytes reach the computer, each with its time."""
        at = 0
        while at < len(wire):
            end, expiry = at + 1, self._expiry(wire[at][0])
            while end < len(wire) and end - at < ROOM and wire[end][0] <= expiry:
                end += 1
            waits = (self._timer_s or self._frame_s) and end - at < ROOM
            self._passed_on = expiry if waits else wire[end - 1][0]
            yield (
                _next(self._passed_on, self._frame_s) + self._delay_s,
                bytes(byte for _, byte in wire[at:end]),
            )
            at = end

    def _expiry(self, first: float) -> float:
        """When it passes on a byte that it has since `first`, at the latest."""
        if self._timer_s:
            return self._passed_on + _next(first - self._passed_on, self._timer_s)
        return _next(first, self._frame_s) if self._frame_s else first + ROOM * BYTE_S


def _next(time: float, period: float) -> float:
    return ceil(time / period) * period if period else time
