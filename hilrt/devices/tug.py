"""A hand that takes a leader arm without pressing a key, and one that holds it still again.

The figures are those that users of leader arms know: taken when the variance of the last 2 tracking errors exceeds 10,
given back when that of the last 4 positions is below 0.01 [deg2]. They belong to 10 looks a second, whatever the
control rate. See docs/guide/operator.md for what is counted as a tracking error, and why.
"""

from collections import deque

import numpy as np

from hilrt.devices.calibration import Vector

LOOK_S = 0.1
TAKEN, LOOKS_TAKEN = 10.0, 2
STILL, LOOKS_STILL = 1e-2, 4
LAG_S = 0.5
"""A leader that nobody holds has caught up within this."""


class Tug:
    """Looks at one leader arm, once a tick."""

    def __init__(self, fps: int) -> None:
        self._every = max(1, round(LOOK_S * fps))
        self._sent: deque[Vector] = deque(maxlen=max(2, round(LAG_S * fps)))
        self.forget()

    def forget(self) -> None:
        """It has just changed hands."""
        self._sent.clear()
        self._looks: list[Vector] = []
        self._ticks = 0

    def pulled(self, sent: Vector, position: Vector) -> bool:
        """Whether a hand is at an arm that tracks.

        A servo that lags is where it has lately been told to be, somewhere between; how far it is outside of that,
        joint by joint, is the tracking error. The gripper has none: it may be squeezed at any time.

        Args:
            sent: where the arm has been told to be, shape (6,) [rad].
            position: where it is, shape (6,) [rad].
        """
        self._sent.append(sent)
        recent = np.array(self._sent)
        inside = np.clip(position, recent.min(axis=0), recent.max(axis=0))
        return self._variance((position - inside)[:5], LOOKS_TAKEN) > TAKEN

    def still(self, position: Vector) -> bool:
        """Whether an arm that is limp, at `position`, shape (6,) [rad], lies still."""
        return self._variance(position, LOOKS_STILL) < STILL

    def _variance(self, values: Vector, looks: int) -> float:
        """Of the last looks, summed over the joints [deg2]; NaN until there are as many, and between two looks."""
        self._ticks += 1
        if self._ticks % self._every:
            return np.nan
        self._looks = [*self._looks, np.rad2deg(values)][-looks:]
        return float(np.var(self._looks, axis=0).sum()) if len(self._looks) == looks else np.nan
