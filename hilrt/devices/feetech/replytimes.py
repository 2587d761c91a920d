"""How fast an adapter brings replies, learned from those that came, and what a loop can expect of it."""

from collections import deque

RECENT = 128
"""Replies that are remembered."""
UNKNOWN_S = 0.02
"""What is assumed of an adapter that has not answered yet: the slowest known, an FTDI chip as it comes."""
MARGIN = 1.5
"""A reply is given up after so many times the slowest recent one."""
MOST = 64
READ_SHARE = 0.7
"""Share of a control period within which a reading must be in, its time on the wire excluded."""


def read_deadline_s(hz: float) -> float:
    """How long a loop at this rate can wait for a reading, its time on the wire excluded [s]."""
    return READ_SHARE / hz


class ReplyTimes:
    """Reply times of one adapter: what passes beyond the bytes' own time on the wire [s].

    Only replies to a first attempt tell how long one takes; after each failure patience doubles until there is one.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._sorted = [UNKNOWN_S]
        self._backoff = 1

    def within(self, share: float) -> float:
        """Time within which this share of the recent replies came; what is assumed while there are none."""
        return self._sorted[min(int(share * len(self._sorted)), len(self._sorted) - 1)]

    @property
    def slowest_s(self) -> float:
        """That of 98 %: a hiccup of this computer is none of the adapter's."""
        return self.within(0.98)

    @property
    def patience_s(self) -> float:
        """How long an attempt waits before it asks again."""
        return self._backoff * MARGIN * self.slowest_s

    @property
    def carries_hz(self) -> float:
        """Fastest loop whose readings are in time."""
        return READ_SHARE / self.slowest_s

    def answered(self, seconds: float) -> None:
        """A first attempt was answered in whole."""
        self._recent.append(max(seconds, 1e-6))
        self._sorted = sorted(self._recent)
        self._backoff = 1

    def failed(self) -> None:
        """A first attempt was not."""
        self._backoff = min(2 * self._backoff, MOST)
