"""From a hand's motion at a leader arm to the follower's action.

What counts is how the leader moves from the moment of takeover on: the difference there was then is kept to the end
of the intervention. Bled off, it would move the follower without the hand; and it is small, because until then the
leader has tracked the follower, and gone when it does so again.
"""

from collections.abc import Callable

import numpy as np

from hilrt.devices.calibration import Vector, units_from_radians
from hilrt.step.record import GripperCommand

Between = Callable[[Vector, Vector], Vector]
"""Motion from one joint vector, shape (6,) [rad], to another, along each axis of the action [m or rad]."""

DEAD_BAND = 0.05
"""Least difference of openings that moves the gripper."""
STEPS = 0.6
"""The same in steps of the gripper: beyond half a step it would go to and fro."""
END = 0.03
"""A leader's gripper nearer than this to either end of its way is there."""


class Steering:
    """One leader arm and the follower arm that it leads."""

    def __init__(self, between: Between, steps: Vector, opening_step: float, widest: float) -> None:
        """What the follower can do in one tick.

        Args:
            between: the follower's kinematics, which are the leader's too.
            steps: motion of a full action, shape (axes,) [m or rad].
            opening_step: change of the gripper's opening.
            widest: opening that is ever commanded, 0..1.
        """
        self._between, self._steps, self._widest = between, steps, widest
        self._dead_band = max(DEAD_BAND, STEPS * opening_step)
        self._offset: Vector = np.zeros(len(steps))
        self._gripper_offset = 0.0

    def engage(self, leader: Vector, joints: Vector, opening: float) -> None:
        """From here on motion counts: the leader's joints, shape (6,) [rad], and where the follower was told to be."""
        self._offset = self._between(joints, leader)
        self._gripper_offset = _opening(leader) - opening

    def motion(self, leader: Vector, joints: Vector) -> Vector:
        """Action, shape (axes,) in [-1, 1], that brings the follower after the leader; arguments as `engage`."""
        way = self._between(joints, leader) - self._offset
        return np.clip(way / self._steps, -1.0, 1.0)

    def grip(self, leader: Vector, opening: float) -> GripperCommand:
        """Close, stay or open.

        At either end of the way the offset gives, like a mouse's at the edge of the screen: closed is closed.
        """
        led = _opening(leader) - self._gripper_offset
        wanted = 0.0 if led < END else self._widest if led > self._widest - END else led
        self._gripper_offset += led - min(max(led, 0.0), self._widest)
        gap = wanted - opening
        if abs(gap) <= (DEAD_BAND / 10 if wanted in {0.0, self._widest} else self._dead_band):
            return GripperCommand.STAY
        return GripperCommand.OPEN if gap > 0 else GripperCommand.CLOSE


def _opening(joints: Vector) -> float:
    return float(units_from_radians(joints)[5]) / 100.0
