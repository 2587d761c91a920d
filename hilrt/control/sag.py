"""How far soft arms hang below where they are told to be: measured where they rest, foretold elsewhere."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hilrt.control.tick import Float64
from hilrt.robots.kinematics import Kinematics

SOFTEST = 1 / 8
"""Softer than any servo that was measured [rad/(N m)]; more is something else's doing."""
LITTLE = 0.1
"""A weight that tells little about how soft a joint is: friction and play are as large [N m]."""
NOTHING = 0.02
"""Less than that pulls a joint no way [N m]."""


class Sag:
    """One figure for each arm, how soft its joints are; they have the same servos and the same gains."""

    def __init__(self, kinematics: Sequence[Kinematics]) -> None:
        self._kinematics = kinematics
        self.compliance: Float64 = np.zeros(len(kinematics))
        """Of what is not compensated, shape (arms,) [rad/(N m)]."""

    def pull(self, joints: Float64) -> Float64:
        """Torque of the arms' own weight, shape (arms, 5) [N m], of joints (arms, 6) [rad]."""
        return np.array([k.gravity(q) for k, q in zip(self._kinematics, joints, strict=True)])

    def rest(self, told: Float64, measured: Float64) -> None:
        """Arms have come to rest here, told to be there; both of shape (arms, 6) [rad]."""
        pull, off = self.pull(measured), (measured - told)[:, :5]
        soft = (pull * off).sum(axis=1) / ((pull * pull).sum(axis=1) + LITTLE**2)
        self.compliance = np.clip(soft, 0.0, SOFTEST)

    def of(self, joints: Float64) -> Float64:
        """How far joints will be off, shape (arms, 5) [rad], when told to be at (arms, 6) [rad]."""
        return self.compliance[:, None] * self.pull(joints)

    def under(self, arm: int, told: Float64) -> Float64:
        """Where joints of one arm will be, shape (6,) [rad], when told to be there."""
        off = self.compliance[arm] * self._kinematics[arm].gravity(told)
        return np.append(told[:5] + off, told[5])

    def hang(self, joints: Float64) -> Float64:
        """How far the end effectors will be from there, shape (arms, 3) [m]."""
        there, off = joints[:, :5], self.of(joints)
        rows = zip(self._kinematics, there, there + off, strict=True)
        return np.array([k.forward(b)[:3, 3] - k.forward(a)[:3, 3] for k, a, b in rows])

    def along(self, off: Float64, joints: Float64) -> npt.NDArray[np.bool_]:
        """Which joints are off the way that gravity pulls them, shape (arms, 5); `off` likewise [rad]."""
        pull = self.pull(joints)
        sinks: npt.NDArray[np.bool_] = (off * pull > 0.0) & (np.abs(pull) > NOTHING)
        return sinks
