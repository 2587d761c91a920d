"""How long a process has shown no sign of life."""

import time

LOOK_S = 0.5
"""The most that one look adds: who was frozen together with the process, as by a laptop's lid, has seen no silence."""


class Pulse:
    """Adds up the time between looks for as long as the sign stays the same."""

    def __init__(self) -> None:
        self._sign: object = None
        self._looked_s = time.monotonic()
        self._silent_s = 0.0

    def silent_s(self, sign: object, now_s: float | None = None) -> float:
        """Time without a new sign [s]; to be asked often. `now_s`: on the monotonic clock."""
        now_s = time.monotonic() if now_s is None else now_s
        self._silent_s += min(now_s - self._looked_s, LOOK_S)
        if sign != self._sign:
            self._silent_s = 0.0
        self._sign, self._looked_s = sign, now_s
        return self._silent_s
