"""Where the object of a task is put."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hilrt.config import PATCH_CENTRE, Area, Sim
from hilrt.errors import NoRoomError

Array = NDArray[np.float64]

CENTRE = PATCH_CENTRE  # [m], base frame of either arm
TRIES = 1000
"""Draws of a place after which there is none."""


class Patch(NamedTuple):
    """A square in front of each arm, and how far the object is turned in it."""

    side: float = Sim().patch_m
    """[m]"""
    yaw_deg: float = Sim().yaw_deg
    """To either side [deg]."""

    def draw(
        self,
        rng: np.random.Generator,
        bases: Array,
        keep_off: tuple[float, float, float] | None,
        within: Area | None = None,
    ) -> tuple[float, float, float]:
        """An object's x, y [m] and yaw [rad], world frame, uniform over the patches of arms with these bases (arms, 3).

        Args:
            rng: of all chance.
            bases: of the arms.
            keep_off: x, y and radius of a disc in which it is not put, base frame [m].
            within: where it is put instead of all over the patch.

        Raises:
            NoRoomError: it would be nowhere but on that disc.
        """
        for _ in range(TRIES):
            spot = self._point(rng, within)
            if not keep_off or np.hypot(*(spot - keep_off[:2])) >= keep_off[2]:
                yaw = self._yaw(rng)
                x, y = spot + bases[rng.integers(len(bases)), :2]
                return float(x), float(y), yaw
        raise NoRoomError(f"nothing of it lies off {keep_off}, where the task has its goal")

    def draw_pair(
        self, rng: np.random.Generator, bases: Array, apart: float, within: Area | None = None
    ) -> tuple[tuple[float, float, float], ...]:
        """Two objects, each as in `draw`, in one arm's patch, their centres at least so far apart [m].

        `within`: where the first is put instead of all over the patch.
        """
        for _ in range(TRIES):
            spots = self._point(rng, within), self._point(rng)
            if np.hypot(*(spots[0] - spots[1])) >= apart:
                base = bases[rng.integers(len(bases)), :2]
                return tuple((*(spot + base).tolist(), self._yaw(rng)) for spot in spots)
        raise NoRoomError(f"the patch has no place for another object {apart:g} m away")

    def _yaw(self, rng: np.random.Generator) -> float:
        return float(rng.uniform(-np.radians(self.yaw_deg), np.radians(self.yaw_deg)))

    def _point(self, rng: np.random.Generator, within: Area | None = None) -> Array:
        if within:
            return rng.uniform(within.min, within.max)
        return np.add(CENTRE, rng.uniform(-self.side / 2, self.side / 2, 2))


USUAL = Patch()


def patch_of(sim: Sim) -> Patch:
    """As the task file has it."""
    return Patch(sim.patch_m, sim.yaw_deg)
