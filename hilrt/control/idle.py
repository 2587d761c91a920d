"""How long nobody has done anything."""

import math
from collections.abc import Callable
from time import monotonic


class Idle:
    """Counts while an arm waits for a person."""

    def __init__(
        self, limit_s: float, active: Callable[[], bool], clock: Callable[[], float] = monotonic
    ) -> None:
        """`limit_s`: infinite where nobody is waited for; `active`: whether somebody did something since last asked."""
        self._limit_s, self._active, self._clock = limit_s, active, clock
        self._since = clock()

    def stir(self) -> None:
        """Somebody did something, or nobody need."""
        self._since = self._clock()

    def over(self) -> bool:
        """Whether it has been too long; to be asked once a tick."""
        if self._limit_s == math.inf:
            return False
        if self._active():
            self.stir()
        return self._clock() - self._since > self._limit_s
