"""A push that the object gets in the middle of an episode, as if somebody had come against the table."""

import math

import numpy as np
from numpy.typing import NDArray

from hilrt.sim.model import SLIDING
from hilrt.sim.patch import CENTRE, Patch
from hilrt.sim.thing import Thing

Array = NDArray[np.float64]

OF_NUDGE = 1
"""Tells the chance by which it is pushed from that by which it is put."""
TRIES = 32
CLOSE = 0.05  # [m], of the centres of two objects
GRAVITY = 9.81  # [m/s2]


class Nudge:
    """When and where to the object is pushed, drawn with each scene.

    Args:
        thing: how far, and between when.
        patch: which it does not leave, if that can be.
        bases: of the arms, shape (arms, 3), world frame [m].
        keep_off: a disc where it does not come to lie, as in `Patch.draw`.
    """

    def __init__(
        self, thing: Thing, patch: Patch, bases: Array, keep_off: tuple[float, float, float] | None
    ) -> None:
        self._way, self._span, self._patch, self._keep_off = thing.nudge, thing.nudged_s, patch, keep_off
        self._bases = bases[:, :2]
        self._time = math.inf

    def begin(self, seed: int) -> None:
        """A scene was put up from `seed`."""
        self._rng = np.random.default_rng((seed, OF_NUDGE))
        self._time = self._rng.uniform(*self._span) if self._way else math.inf

    def due(self, seconds: float) -> bool:
        """Whether it is time, so long after the scene was put up; True once [s]."""
        if seconds < self._time:
            return False
        self._time = math.inf
        return True

    def velocity(self, place: Array, other: Array | None = None) -> Array:
        """What makes an object slide as far as it is to, shape (2,) [m/s].

        `place`: of the object, shape (2,), world frame [m]; `other`: the same of one that it is not pushed against.
        """
        base = self._bases[np.argmin(np.linalg.norm(self._bases + CENTRE - place, axis=1))]
        angles = self._rng.uniform(-np.pi, np.pi, TRIES)
        ways = np.stack((np.cos(angles), np.sin(angles)), axis=1)
        ends = place - base + self._way * ways
        beyond = np.maximum(np.abs(ends - CENTRE).max(axis=1) - self._patch.side / 2, 0.0)
        if self._keep_off:
            x, y, radius = self._keep_off
            beyond += np.hypot(ends[:, 0] - x, ends[:, 1] - y) < radius
        if other is not None:
            beyond += np.linalg.norm(place + self._way * ways - other, axis=1) < CLOSE
        way: Array = ways[np.argmin(beyond)]
        return way * math.sqrt(2.0 * SLIDING[0] * GRAVITY * self._way)
