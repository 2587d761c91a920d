"""Where an episode begins: at the start pose, or at a place that is drawn around it."""

from collections.abc import Callable, Sequence

import numpy as np

from hilrt.control.route import REACHED, line
from hilrt.control.tick import Float64
from hilrt.control.workspace import Box
from hilrt.robots.kinematics import Kinematics

TRIES = 50
"""Places that are drawn before an arm begins at the start pose itself."""


class Starts:
    """Draws start poses: the tool somewhere around where the start pose has it, in the box, reachable, free."""

    def __init__(
        self,
        home: Float64,
        kinematics: Sequence[Kinematics],
        box: Box | None,
        reach: tuple[float, float, float],
        free: Callable[[int, Float64], bool],
    ) -> None:
        """`home`: shape (arms, 6) [rad]; `reach`: to either side along each axis [m]; `free`: of collisions, by arm."""
        self._home, self._kinematics, self._box, self._free = home, kinematics, box, free
        self._reach = np.array(reach)

    @property
    def drawn(self) -> bool:
        """Whether there is a choice."""
        return bool(self._reach.any())

    def draw(self, seed: int) -> Float64:
        """A start pose, shape (arms, 6) [rad]; equal seeds give equal ones."""
        if not self.drawn:
            return self._home
        rng = np.random.default_rng((seed, 1))  # the scene's own draws come from `seed` alone
        return np.array([self._draw(arm, rng) for arm in range(len(self._home))])

    def _draw(self, arm: int, rng: np.random.Generator) -> Float64:
        home: Float64 = self._home[arm]
        kinematics = self._kinematics[arm]
        middle = kinematics.forward(home)[:3, 3]
        low, high = middle - self._reach, middle + self._reach
        if self._box:
            low = np.minimum(np.maximum(low, self._box.low[arm]), middle)
            high = np.maximum(np.minimum(high, self._box.high[arm]), middle)
        for _ in range(TRIES):
            place = rng.uniform(low, high)
            *_, joints = home, *line(kinematics, home, place)
            off = np.linalg.norm(kinematics.forward(joints)[:3, 3] - place)
            if off < REACHED and self._free(arm, joints):
                return joints
        return home
