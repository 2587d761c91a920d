"""What there is to do in the simulated world, and when it is done."""

import mujoco
import numpy as np

from hilrt.config import TWO_APART
from hilrt.errors import UnknownNameError
from hilrt.sim.insert import Insert
from hilrt.sim.model import WOOD, add_cube
from hilrt.sim.task import REACH, Array, CubeTask, Scene, Task, grasping, miss, nearness, share
from hilrt.sim.thing import OTHER

GREEN = (0.15, 0.65, 0.25, 1.0)
BLUE = (0.15, 0.35, 0.75, 1.0)
PAINT = 0.0005  # [m], half the thickness
LYING = 0.005  # [m], above its height at rest, up to which a cube lies


class PickLift(CubeTask):
    """Hold the cube 5 cm above the table."""

    keep_off = None
    height = 0.05  # [m], under the cube

    def furnish(self, spec: mujoco.MjSpec, base: Array) -> None:
        """Nothing but the cube is needed."""

    def achieved(self, scene: Scene) -> bool:
        """Held, and high enough."""
        return scene.held and float(scene.cube[2]) - self.rest >= self.height

    def progress(self, ee: Array, opening: float, cube: Array) -> float:
        """Half for reaching the cube, less if the gripper is shut beside it; half for lifting it."""
        return 0.5 * grasping(ee, opening, cube, self.empty) + 0.5 * share(
            float(cube[2]) - self.rest, self.height
        )


class Push(CubeTask):
    """Bring the cube to rest on a marked disc beside the patch."""

    target = (0.22, 0.10)  # [m], base frame
    radius = 0.03  # [m]
    rest_speed = 0.01  # [m/s]

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.keep_off = (*self.target, self.radius + self.half_diagonal)

    def furnish(self, spec: mujoco.MjSpec, base: Array) -> None:
        """Paint the disc; it is not solid."""
        _paint(spec, base, self.target, self.radius, GREEN)

    def achieved(self, scene: Scene) -> bool:
        """On the table, inside the disc, and at rest."""
        lying = float(scene.cube[2]) < self.rest + LYING
        return lying and scene.cube_speed < self.rest_speed and miss(scene.cube, self.target) < self.radius

    def progress(self, ee: Array, opening: float, cube: Array) -> float:  # noqa: ARG002 (no part in it)
        """A quarter for reaching the cube, the rest for bringing it near the target."""
        return 0.25 * nearness(ee, cube) + 0.75 * max(0.0, 1.0 - miss(cube, self.target) / REACH)


class Place(CubeTask):
    """Lift the cube, put it down inside a painted ring beside the patch, and let go."""

    target = (0.22, 0.10)  # [m], base frame
    radius = 0.035  # [m], of the ring inside
    rest_speed = 0.01  # [m/s]

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.room = self.radius - self.half_diagonal
        """Within which the centre of a cube is that lies inside [m]."""
        self.keep_off = (*self.target, self.radius + self.half_diagonal)

    def furnish(self, spec: mujoco.MjSpec, base: Array) -> None:
        """Paint the ring; it is not solid."""
        _paint(spec, base, self.target, self.radius + 0.004, BLUE)
        _paint(spec, np.add(base, (0.0, 0.0, PAINT)), self.target, self.radius, WOOD)

    def achieved(self, scene: Scene) -> bool:
        """Brought through the air, on the table, inside the ring, at rest, and let go."""
        still = scene.cube_speed < self.rest_speed and not scene.touched
        return scene.lifted and still and self.lies_inside(scene.cube)

    def progress(self, ee: Array, opening: float, cube: Array) -> float:
        """A quarter each for reaching the cube and lifting it, the rest for bringing it there and letting go."""
        there = self.lies_inside(cube)
        reached = 1.0 if there else grasping(ee, opening, cube, self.empty)
        up = 1.0 if miss(cube, self.target) < self.room else share(float(cube[2]) - self.rest, 0.03)
        near = max(0.0, 1.0 - miss(cube, self.target) / REACH)
        free = share(opening - self.empty, 0.3) if there else 0.0
        return 0.25 * reached + 0.25 * up + 0.35 * near + 0.15 * free

    def lies_inside(self, cube: Array) -> bool:
        """Whether all of the cube is inside the ring, on the table."""
        return float(cube[2]) < self.rest + LYING and miss(cube, self.target) < self.room


class PickOfTwo(PickLift):
    """Hold the red cube 5 cm above the table, and leave the blue one, which lies in the same patch."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.apart = TWO_APART * scale

    def furnish(self, spec: mujoco.MjSpec, base: Array) -> None:  # noqa: ARG002 - it lies before either arm
        """Another cube, of which there is one for all arms."""
        if not spec.body(OTHER):
            add_cube(spec.worldbody, OTHER, BLUE)


TASKS: dict[str, Task] = {
    "pick_lift": PickLift(),
    "push": Push(),
    "place": Place(),
    "insert": Insert(),
    "pick_of_two": PickOfTwo(),
}


def find_task(name: str, scale: float = 1.0) -> Task:
    """The task of that name; where it is done with a cube, with one `scale` times as large as usual.

    Raises:
        UnknownNameError: there is none; the message lists those there are.
    """
    try:
        task = TASKS[name]
    except KeyError:
        raise UnknownNameError("task", name, TASKS) from None
    return type(task)(scale) if isinstance(task, CubeTask) else task


def _paint(
    spec: mujoco.MjSpec,
    base: Array,
    target: tuple[float, float],
    radius: float,
    colour: tuple[float, float, float, float],
) -> None:
    """A disc on the table."""
    spec.worldbody.add_site(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        pos=np.add(base, (*target, PAINT)),
        size=(radius, PAINT, 0),
        rgba=colour,
    )
