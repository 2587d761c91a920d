"""Marks on a table, and how an arm stands whose tip is on one."""

import numpy as np

from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.setup.touch import MARKS

TRUE = Kinematics(SO100_URDF, orientation_weight=0.02)
DOWN = np.radians([0.0, -10.0, 15.0, 80.0, -90.0])
"""Roughly: the gripper straight down before the base."""
LEANS_DEG = (0.0, 40.0)


def place(number):
    """Of a mark, shape (3,), base frame [m]."""
    mark = MARKS[number]
    return np.array([TRUE.root[0] + mark.ahead / 100, TRUE.root[1] + mark.left / 100, 0.0])


def pose(at, lean_deg=0.0):
    """True angles with the tip there [m], the gripper pointing down and so far outward, shape (5,) [rad]; or None."""
    turn = np.arctan2(at[1] - TRUE.root[1], at[0] - TRUE.root[0])
    target = np.eye(4)
    target[:3, :3] = _about_z(turn) @ _about_y(-np.radians(lean_deg)) @ TRUE.forward(DOWN)[:3, :3]
    target[:3, 3] = at
    solved = TRUE.inverse(DOWN + turn * np.eye(5)[0], target)
    for _ in range(5):
        solved = TRUE.inverse(solved.q, target)
    return solved.q if solved.converged else None


def _about_y(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def _about_z(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
