"""Turning the tool: pitch in the arm's vertical plane, roll about the tool's own axis."""

import numpy as np
import pinocchio as pin

from hilrt.control.tick import Float64

UP = np.array([0.0, 0.0, 1.0])


def tilted(before: Float64, position: Float64, pitch: float, roll: float) -> Float64:
    """The tool's orientation, shape (3, 3), after a move from pose `before` to `position`, pitched and rolled.

    An arm of five joints cannot turn its tool out of the vertical plane through its base, so the orientation goes
    with the direction from the base to the tool; pitch and roll are counted from there.

    Args:
        before: T_base_ee, shape (4, 4) [m].
        position: shape (3,), base frame [m].
        pitch: [rad], positive raises the tool.
        roll: [rad], about the tool's z axis, which points forward.
    """
    was, azimuth = np.arctan2(before[1, 3], before[0, 3]), np.arctan2(position[1], position[0])
    sideways = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
    turned: Float64 = pin.exp3((azimuth - was) * UP) @ before[:3, :3] @ pin.exp3(roll * UP)
    return np.asarray(pin.exp3(pitch * sideways) @ turned)
