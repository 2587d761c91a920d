"""Where the object of a task is put."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilrt.config import Sim

Array = NDArray[np.float64]

CENTRE = (0.22, 0.0)  # [m], base frame of either arm


class Patch(NamedTuple):
    """A square in front of each arm, and how far the object is turned in it."""

    side: float = Sim().patch_m
    """[m]"""
    yaw_deg: float = Sim().yaw_deg
    """To either side [deg]."""

    def draw(
        self, rng: np.random.Generator, bases: Array, keep_off: tuple[float, float, float] | None
    ) -> tuple[float, float, float]:
        """An object's x, y [m] and yaw [rad], world frame, uniform over the patches of arms with these bases (arms, 3).

        `keep_off`: x, y and radius of a disc in which it is not put, base frame [m].
        """
        in_patch = self._point(rng)
        while keep_off and np.hypot(*(in_patch - keep_off[:2])) < keep_off[2]:
            in_patch = self._point(rng)
        yaw = self._yaw(rng)
        x, y = in_patch + bases[rng.integers(len(bases)), :2]
        return float(x), float(y), yaw

    def draw_pair(
        self, rng: np.random.Generator, bases: Array, apart: float
    ) -> tuple[tuple[float, float, float], ...]:
        """Two objects, each as in `draw`, in one arm's patch, their centres at least so far apart [m]."""
        first = second = self._point(rng)
        while np.hypot(*(first - second)) < apart:
            first, second = self._point(rng), self._point(rng)
        base = bases[rng.integers(len(bases)), :2]
        return tuple((*(point + base).tolist(), self._yaw(rng)) for point in (first, second))

    def _yaw(self, rng: np.random.Generator) -> float:
        return float(rng.uniform(-np.radians(self.yaw_deg), np.radians(self.yaw_deg)))

    def _point(self, rng: np.random.Generator) -> Array:
        return np.add(CENTRE, rng.uniform(-self.side / 2, self.side / 2, 2))


USUAL = Patch()


def patch_of(sim: Sim) -> Patch:
    """As the task file has it."""
    return Patch(sim.patch_m, sim.yaw_deg)
