"""Turning the tool: pitch in the arm's vertical plane, roll about the tool's own axis."""

import numpy as np
import pinocchio as pin

from hilrt.control.tick import Float64

UP = np.array([0.0, 0.0, 1.0])


def leashed(wanted: Float64, reached: Float64, most: float) -> tuple[Float64, bool]:
    """An orientation, shape (3, 3), brought to within `most` [rad] of one that is reached; whether that changed it."""
    ahead = np.asarray(pin.log3(reached.T @ wanted))
    angle = float(np.linalg.norm(ahead))
    if angle <= most:
        return wanted, False
    return np.asarray(reached @ pin.exp3(ahead * (most / angle))), True


def tilted(before: Float64, position: Float64, root: Float64, pitch: float, roll: float) -> Float64:
    """The tool's orientation, shape (3, 3), after a move from pose `before` to `position`, pitched and rolled.

    An arm of five joints cannot turn its tool out of the vertical plane through its first axis, so the orientation
    goes with the direction from that axis to the tool; pitch and roll are counted from there.

    Args:
        before: T_base_ee, shape (4, 4) [m].
        position: shape (3,), base frame [m].
        root: where the first axis stands, shape (3,), base frame [m].
        pitch: [rad], positive raises the tool.
        roll: [rad], about the tool's z axis, which points forward.
    """
    was, azimuth = _azimuth(before[:3, 3] - root), _azimuth(position - root)
    turned: Float64 = pin.exp3((azimuth - was) * UP) @ before[:3, :3] @ pin.exp3(roll * UP)
    return np.asarray(pin.exp3(pitch * _sideways(azimuth)) @ turned)


def tool_angles(pose: Float64, root: Float64) -> tuple[float, float]:
    """Pitch and roll of a tool [rad], which `tilted` changes by what it is asked for.

    Args:
        pose: T_base_ee, shape (4, 4) [m].
        root: see `tilted`.
    """
    azimuth = _azimuth(pose[:3, 3] - root)
    ahead, sideways = np.array([np.cos(azimuth), np.sin(azimuth), 0.0]), _sideways(azimuth)
    x, z = pose[:3, 0], pose[:3, 2]
    pitch = np.arctan2(z @ UP, z @ ahead)
    roll = np.arctan2(x @ np.cross(z, sideways), x @ sideways)
    return float(pitch), float(roll)


def _sideways(azimuth: float) -> Float64:
    return np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])


def _azimuth(way: Float64) -> float:
    return float(np.arctan2(way[1], way[0]))
