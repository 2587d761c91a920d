"""What a task of the simulated world is.

Positions are in the base frame of the arm concerned; with two arms, a task is done when one of them has done it.
"""

import math
from typing import NamedTuple, Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilrt.sim.model import CUBE_SIDE

Array = NDArray[np.float64]

CUBE_REST = CUBE_SIDE / 2  # [m], height of the centre of a cube that lies on the table
HALF_DIAGONAL = CUBE_SIDE * math.sqrt(0.5)  # [m]
EMPTY = 0.14  # share of the gripper's range, closed further than any cube between the fingers allows
EMPTIER = 0.2  # by which that is more of a cube twice as large
REACH = 0.2  # [m], distance from the object at which progress starts


class Scene(NamedTuple):
    """What success is judged by; positions (3,) in the base frame [m]."""

    cube: Array
    cube_speed: float  # [m/s]
    upright: float  # cosine of its tilt from how it was put
    held: bool  # both fingers of the arm touch the cube
    touched: bool  # one of them does
    lifted: bool  # the cube has been well above the table since the scene was put up


class Task(Protocol):
    """A task; it has no state, so one instance serves every world and every operator.

    What is moved is a cube, unless `furnish` makes something else of it; a `CubeTask` has cubes of any size.
    """

    @property
    def rest(self) -> float:
        """Height of the centre of an object that stands as it is put [m]."""

    @property
    def keep_off(self) -> tuple[float, float, float] | None:
        """Where the object is never put: x, y, radius, base frame [m]."""

    @property
    def apart(self) -> float | None:
        """How far another object lies away at least that is not meant, centre to centre; None: there is none [m]."""

    def furnish(self, spec: mujoco.MjSpec, base: Array) -> None:
        """Add to the scene what only this task needs in front of an arm whose base is at `base` (3,) [m]."""

    def achieved(self, scene: Scene) -> bool:
        """Tell whether the goal holds at this instant; success is to keep it for half a second."""

    def progress(self, ee: Array, opening: float, cube: Array) -> float:
        """How far along the task is, from 0 to 1.

        Args:
            ee: end-effector position, shape (3,), base frame [m].
            opening: of the gripper, 0 closed .. 1 open.
            cube: its position, shape (3,), base frame [m].
        """


class CubeTask:
    """A task with a cube that is `scale` times as large as usual."""

    apart: float | None = None

    def __init__(self, scale: float = 1.0) -> None:
        self.rest = CUBE_REST * scale
        self.half_diagonal = HALF_DIAGONAL * scale
        self.empty = empty_of(scale)


def empty_of(scale: float) -> float:
    """Share of the gripper's range up to which it is closed further than a cube of that size allows."""
    return EMPTY + EMPTIER * (scale - 1.0)


def nearness(ee: Array, cube: Array) -> float:
    """From 0, far from the cube, to 1."""
    return max(0.0, 1.0 - float(np.linalg.norm(ee - cube)) / REACH)


def grasping(ee: Array, opening: float, cube: Array, empty: float = EMPTY) -> float:
    """Nearness, less if the gripper is shut beside the cube."""
    return (1.0 if opening > empty else 0.6) * nearness(ee, cube)


def miss(cube: Array, target: tuple[float, float]) -> float:
    """Horizontal distance of the cube's centre from the target's [m]."""
    return float(np.hypot(cube[0] - target[0], cube[1] - target[1]))


def share(value: float, whole: float) -> float:
    """Of the whole, from 0 to 1."""
    return min(max(value / whole, 0.0), 1.0)
