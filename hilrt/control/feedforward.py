"""Goals as much beyond what is meant as soft servos give in to the arm's weight; off the record."""

from collections.abc import Callable

import numpy as np

from hilrt.control.collision import Clearance
from hilrt.control.safety import JointLimits
from hilrt.control.sag import Sag
from hilrt.control.tick import Float64

MOST = float(np.deg2rad(5.0))
"""What a goal is changed by at most [rad]."""
SPEED = float(np.deg2rad(10.0))
"""How fast that comes and goes [rad/s]."""

Meets = Callable[[int, Float64, Float64], Clearance | None]


class Feedforward:
    """Learns once how soft the arms are, where they first come to rest, and then acts against their weight."""

    def __init__(self, sag: Sag, limits: JointLimits, meets: Meets, period_s: float) -> None:
        """`meets`: the collision check, as for a reset."""
        self._sag, self._limits, self._meets = sag, limits, meets
        self._max_step = SPEED * period_s
        self.compliance: Float64 = np.zeros(len(sag.compliance))
        """Of the arms, shape (arms,) [rad/(N m)]."""
        self.learnt = False
        self._now: Float64 = np.zeros((len(sag.compliance), 6))

    def learn(self) -> None:
        """The arms have just come to rest: what they hang by there is to be compensated from now on."""
        self.compliance, self._sag.compliance = self._sag.compliance, np.zeros_like(self.compliance)
        self.learnt = True

    def of(self, goal: Float64) -> Float64:
        """For the goals that go out in this tick, both of shape (arms, 6) [rad].

        No joint is sent beyond its limits by it, nor an arm into what its collision check sees.
        """
        wanted = np.zeros_like(goal)
        wanted[:, :5] = np.clip(-self.compliance[:, None] * self._sag.pull(goal), -MOST, MOST)
        wanted = self._limits.clip(goal + wanted) - self._limits.clip(goal)
        for arm, beyond in enumerate(goal + wanted):
            if self._meets(arm, beyond, goal[arm]):
                wanted[arm] = 0.0
        self._now = self._now + np.clip(wanted - self._now, -self._max_step, self._max_step)
        return self._now
