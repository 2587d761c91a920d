"""The way from pose to pose by way of a lift: up, over and down, so that no arm sweeps through the scene."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hilrt.control.safety import JointLimits
from hilrt.control.tick import Float64
from hilrt.robots.kinematics import Kinematics

STEP = 0.01
"""Between two points of the way that are solved for [m]."""
TURN = 0.1
"""The same on the way over [rad]."""
NEAR = 0.03
"""A way over the table that is shorter needs no lift [m]."""
RISE = 0.1
"""Above the higher of its two ends: no way goes further up, whatever the box [m]."""
REACHED = 1e-3
"""[m]."""

Way = Callable[[Float64, Float64], list[Float64]]
"""Points from one pose of the arms to another, each of shape (arms, 6) [rad], the last the other pose itself."""


class Lift:
    """Plans a way: each tool straight up, to the top of its box, over in joint space and no lower, straight down.

    Where an arm cannot get up so far it goes as far as it can. A gripper that is to open lets go before anything
    moves, and one that is to close does so at the end: nothing is carried that nobody wants.
    """

    def __init__(
        self, kinematics: Sequence[Kinematics], limits: JointLimits, tops: Sequence[float | None]
    ) -> None:
        """`tops`: of the workspace boxes, each in its arm's base frame [m]; None: there is no box."""
        self._kinematics, self._limits, self._tops = kinematics, limits, tops

    def way(self, start: Float64, goal: Float64) -> list[Float64]:
        """See `Way`; arms that are there sooner wait."""
        ways = [self._of(arm, *ends) for arm, ends in enumerate(zip(start, goal, strict=True))]
        longest = max(map(len, ways))
        return [np.array([way[min(i, len(way) - 1)] for way in ways]) for i in range(longest)]

    def _of(self, arm: int, start: Float64, goal: Float64) -> list[Float64]:
        ends = np.array([self._place(arm, joints) for joints in (start, goal)])
        if np.hypot(*(ends[1] - ends[0])[:2]) < NEAR:
            return [goal]
        top, highest = self._tops[arm], float(ends[:, 2].max()) + RISE
        height = highest if top is None else min(top, highest)
        up, down = self._climb(arm, start, height), self._climb(arm, goal, height)[::-1]
        way = [joints.copy() for joints in (*up, *self._over(arm, up[-1], down[0]), *down)]
        wide = max if self._limits.opening_step > 0 else min
        for joints in way:
            joints[5] = wide(start[5], goal[5])
        return [*way, goal]

    def _climb(self, arm: int, joints: Float64, height: float) -> list[Float64]:
        """From these joints, included, straight up."""
        place = self._place(arm, joints)
        if place[2] >= height:
            return [joints]
        return [joints, *line(self._kinematics[arm], joints, np.append(place[:2], height))]

    def _over(self, arm: int, start: Float64, goal: Float64) -> Iterator[Float64]:
        """In joint space, raised where the tool would dip below the straight line between the two ends."""
        heights = [self._place(arm, joints)[2] for joints in (start, goal)]
        points = int(np.abs(goal - start)[:5].max() / TURN)
        for share in np.linspace(0.0, 1.0, points + 2)[1:-1]:
            joints, least = start + share * (goal - start), np.interp(share, (0.0, 1.0), heights)
            place = self._place(arm, joints)
            if place[2] < least:
                *_, joints = joints, *line(self._kinematics[arm], joints, np.append(place[:2], least))
            yield joints

    def _place(self, arm: int, joints: Float64) -> Float64:
        return self._kinematics[arm].forward(joints)[:3, 3]


def line(kinematics: Kinematics, joints: Float64, place: Float64) -> Iterator[Float64]:
    """Joints, shape (6,) [rad], on the straight way of a tool to a place, shape (3,) [m], a centimetre apart.

    The tool keeps its orientation as far as it can; the line ends where the arm gets no further.
    """
    target = kinematics.forward(joints)
    begin = target[:3, 3].copy()
    points = max(1, int(np.ceil(np.linalg.norm(place - begin) / STEP)))
    for share in np.linspace(0.0, 1.0, points + 1)[1:]:
        target[:3, 3] = begin + share * (place - begin)
        solution = kinematics.inverse(joints, target)
        if not solution.converged:
            return
        joints = np.append(solution.q, joints[5:])
        yield joints


def ahead(here: Float64, points: Sequence[Float64], reach: float) -> tuple[Float64, list[Float64]]:
    """Where to be next on a way, and what is left of it: no joint goes further than `reach` in all [rad]."""
    left = list(points)
    while left:
        most = float(np.abs(left[0] - here).max())
        if most > reach:
            return here + (left[0] - here) * (reach / most), left
        here, reach = left.pop(0), reach - most
    return here, left
