"""What lies between two poses of an arm, along the axes of the action."""

from collections.abc import Sequence

import numpy as np

from hilrt.control.rotation import tool_angles
from hilrt.control.tick import Float64
from hilrt.robots.kinematics import Kinematics


class Motion:
    """The inverse of the action: `between(a, b)` is what would bring an arm from a to b."""

    def __init__(self, kinematics: Kinematics, axes: Sequence[str]) -> None:
        """`axes` by name; none: joint control."""
        self._kinematics, self._axes = kinematics, tuple(axes)

    def between(self, start: Float64, end: Float64) -> Float64:
        """Of joints, shape (6,) [rad]; shape (axes,) [m or rad]."""
        if not self._axes:
            return end[:5] - start[:5]
        before, after = self._coordinates(start), self._coordinates(end)
        return np.array(
            [
                _turn(b - a) if axis in {"pitch", "roll"} else b - a
                for axis, a, b in zip(self._axes, before, after, strict=True)
            ]
        )

    def _coordinates(self, joints: Float64) -> list[float]:
        pose = self._kinematics.forward(joints)
        pitch, roll = tool_angles(pose, self._kinematics.root)
        here = {**dict(zip("xyz", pose[:3, 3].tolist(), strict=True)), "pitch": pitch, "roll": roll}
        return [here[axis] for axis in self._axes]


def _turn(angle: float) -> float:
    """The same turn, the short way round [rad]."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
