"""The end of a run: who wants it, and whether an arm may still go to its park pose then."""

from typing import Protocol


class Words(Protocol):
    """What the supervisor says."""

    stop: int
    stop_asks: int


class Ending:
    """Counts who asks for an end: what ends the run lets the arm go to rest, what is asked after that stops it there.

    Attributes:
        terminated: whether somebody wants this very process to end, at once.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self._presses = 0
        self._heard: int | None = None
        self.terminated = False

    def press(self) -> None:
        """The stop button of the operator's device."""
        self._presses += 1

    def terminate(self) -> None:
        """A signal to this process."""
        self.terminated = True

    @property
    def _asks(self) -> int:
        return self._words.stop_asks + self._presses

    def wanted(self) -> bool:
        """Whether the run is to end."""
        return self.terminated or self._presses > 0 or self._words.stop > 0

    def rest(self) -> None:
        """The run is over, and the way to rest begins: whoever asked twice wants none."""
        self._heard = min(self._asks, 1)

    def halted(self) -> bool:
        """Whether nothing is to move any more: on the way to rest, whether it was asked again."""
        if self._heard is None:
            return self.wanted()
        return self.terminated or self._asks > self._heard
