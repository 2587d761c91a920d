"""The way back to the start pose."""

import numpy as np

from hilrt.config import MOTORS
from hilrt.control.tick import Float64
from hilrt.errors import ArmBlockedError

SETTLE_TICKS = 2
NEAR = np.deg2rad(3.0)


class ResetMove:
    """Straight in joint space to the start pose, at limited speed, from wherever the arms are."""

    def __init__(self, start: Float64, goal: Float64, max_step: float, patience: int) -> None:
        """Poses have shape (arms, 6) [rad]; `patience`: ticks that they may take to settle once told to be there."""
        self._goal, self._max_step, self._patience = goal, max_step, patience
        self.joints = start.copy()
        self._ticks_at_goal = 0

    def advance(self) -> Float64:
        """The next goal positions, shape (arms, 6) [rad]."""
        self.joints += np.clip(self._goal - self.joints, -self._max_step, self._max_step)
        self._ticks_at_goal += bool(np.allclose(self.joints, self._goal))
        return self.joints

    def arrived(self, measured: Float64) -> bool:
        """Whether the arms are there, within 3 degrees, and have settled.

        Raises:
            ArmBlockedError: they are not, and patience is at an end: an episode that began here would jump.
        """
        off = np.abs(measured - self._goal)
        worst = int(np.argmax(off))
        if off.flat[worst] < NEAR:
            return self._ticks_at_goal > SETTLE_TICKS
        if self._ticks_at_goal > self._patience:
            raise ArmBlockedError(MOTORS[worst % 6], float(np.rad2deg(off.flat[worst])))
        return False
