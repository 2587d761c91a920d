"""What there is to do in the simulated world: where the cube starts, and when the task is done.

Positions are in the base frame of the arm concerned; with two arms, a task is done when one of them has done it.
"""

from typing import NamedTuple, Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilrt.errors import UnknownNameError
from hilrt.sim.model import CUBE_SIDE

Array = NDArray[np.float64]

PATCH_CENTRE = (0.22, 0.0)  # [m], base frame of either arm
PATCH_SIDE = 0.10  # [m]
CUBE_REST = CUBE_SIDE / 2  # [m], height of the centre of a cube that lies on the table
EMPTY = 0.14  # share of the gripper's range, closed further than any cube between the fingers allows
REACH = 0.2  # [m], distance from the cube at which progress starts


class Scene(NamedTuple):
    """What success is judged by; positions (3,) in the base frame [m]."""

    cube: Array
    cube_speed: float  # [m/s]
    held: bool  # both fingers of the arm touch the cube


class Task(Protocol):
    """A task; it has no state, so one instance serves every world and every operator."""

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


class PickLift:
    """Hold the cube 5 cm above the table."""

    height = 0.05  # [m], under the cube

    def furnish(self, spec: mujoco.MjSpec, base: Array) -> None:
        """Nothing but the cube is needed."""

    def achieved(self, scene: Scene) -> bool:
        """Held, and high enough."""
        return scene.held and float(scene.cube[2]) - CUBE_REST >= self.height

    def progress(self, ee: Array, opening: float, cube: Array) -> float:
        """Half for reaching the cube, less if the gripper is shut beside it; half for lifting it."""
        lifted = (float(cube[2]) - CUBE_REST) / self.height
        able = 1.0 if opening > EMPTY else 0.6
        return 0.5 * able * _nearness(ee, cube) + 0.5 * min(max(lifted, 0.0), 1.0)


class Push:
    """Bring the cube to rest on a marked disc beside the patch."""

    target = (0.22, 0.10)  # [m], base frame
    radius = 0.03  # [m]
    rest_speed = 0.01  # [m/s]

    def furnish(self, spec: mujoco.MjSpec, base: Array) -> None:
        """Paint the disc; it is not solid."""
        spec.worldbody.add_site(
            type=mujoco.mjtGeom.mjGEOM_CYLINDER,
            pos=np.add(base, (*self.target, 0.0005)),
            size=(self.radius, 0.0005, 0),
            rgba=(0.15, 0.65, 0.25, 1.0),
        )

    def achieved(self, scene: Scene) -> bool:
        """On the table, inside the disc, and at rest."""
        lying = float(scene.cube[2]) < CUBE_REST + 0.005
        return lying and scene.cube_speed < self.rest_speed and self.miss(scene.cube) < self.radius

    def progress(self, ee: Array, opening: float, cube: Array) -> float:  # noqa: ARG002 (no part in it)
        """A quarter for reaching the cube, the rest for bringing it near the target."""
        return 0.25 * _nearness(ee, cube) + 0.75 * max(0.0, 1.0 - self.miss(cube) / REACH)

    def miss(self, cube: Array) -> float:
        """Horizontal distance of the cube's centre from the target's [m]."""
        return float(np.hypot(cube[0] - self.target[0], cube[1] - self.target[1]))


TASKS: dict[str, Task] = {"pick_lift": PickLift(), "push": Push()}


def find_task(name: str) -> Task:
    """The task of that name.

    Raises:
        UnknownNameError: there is none; the message lists those there are.
    """
    try:
        return TASKS[name]
    except KeyError:
        raise UnknownNameError("task", name, TASKS) from None


def draw_cube_pose(rng: np.random.Generator, bases: Array) -> tuple[float, float, float]:
    """A cube's x, y [m] and yaw [rad], world frame, uniform over the patches of arms with these bases (arms, 3)."""
    in_patch = np.add(PATCH_CENTRE, rng.uniform(-PATCH_SIDE / 2, PATCH_SIDE / 2, 2))
    yaw = float(rng.uniform(-np.pi / 4, np.pi / 4))
    x, y = in_patch + bases[rng.integers(len(bases)), :2]
    return float(x), float(y), yaw


def _nearness(ee: Array, cube: Array) -> float:
    return max(0.0, 1.0 - float(np.linalg.norm(ee - cube)) / REACH)
