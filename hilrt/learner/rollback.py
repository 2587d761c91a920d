"""Seeing that a policy which was good has collapsed."""

from hilrt.data.episodes import Tally
from hilrt.step.record import Mode


class Watch:
    """Mean autonomous success of the last training episodes, a window of them, against the best mean there was.

    A fall by more than `collapse` is one; after it, the best is measured anew.
    """

    def __init__(self, collapse: float) -> None:
        self._collapse = collapse
        self.best = self.now = 0.0
        self.fallen_from: float | None = None
        """Where the last episode's fall began; absent unless it was a collapse."""

    def episode(self, tally: Tally) -> None:
        """A training episode has ended and is in the tally."""
        self.fallen_from = None
        if tally.episodes[Mode.TRAIN] < tally.window:
            return
        self.now = tally.autonomous_rate
        self.best = max(self.best, self.now)
        if self.best - self.now > self._collapse:
            self.fallen_from, self.best = self.best, self.now
