"""A thing that has nothing to do with the task: it lies beyond the patch, or moves slowly along it."""

import mujoco
import numpy as np

from hilrt.sim.model import TIMESTEP
from hilrt.sim.paint import another_colour
from hilrt.sim.thing import OBJECT, OTHER

NAME = "distractor"
LARGEST = 0.02  # [m], half its width
X = 0.37  # [m], world frame: beyond the corners of the largest cube in the widest patch
Y = (-0.16, 0.16)  # [m], between which it moves to and fro
FASTEST = 0.03  # [m/s]
RESTS = 0.3  # chance that it does not move
NOTHING = 32  # collision class that nothing meets; with none at all it would be left out of the model
SHAPES = (mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER, mujoco.mjtGeom.mjGEOM_SPHERE)


class Distractor:
    """Its shape, size, colour, place and speed are drawn; nothing can touch it. `model`: with what `furnish` adds."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model, self._body, self._geom = model, model.body(NAME).id, model.geom(NAME).id
        self._start = self._speed = 0.0

    @staticmethod
    def furnish(spec: mujoco.MjSpec) -> None:
        """Put it there."""
        body = spec.worldbody.add_body(name=NAME, pos=(X, 0.0, LARGEST))
        body.add_geom(
            name=NAME,
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=(LARGEST,) * 3,
            contype=NOTHING,
            conaffinity=0,
            mass=0.0,
        )

    def draw(self, rng: np.random.Generator) -> None:
        """Another one."""
        model, half = self._model, rng.uniform(LARGEST / 2, LARGEST, 3)
        shape = SHAPES[rng.integers(len(SHAPES))]
        if shape == mujoco.mjtGeom.mjGEOM_SPHERE:
            half[:] = half[0]
        elif shape == mujoco.mjtGeom.mjGEOM_CYLINDER:
            half[1] = half[2]
        model.geom_type[self._geom], model.geom_size[self._geom] = shape, half
        things = {model.geom(i).name: model.geom_rgba[i, :3] for i in range(model.ngeom)}
        colour = another_colour(rng, [things[name] for name in (OBJECT, OTHER) if name in things])
        model.geom_rgba[self._geom, :3] = colour
        model.body_pos[self._body] = (X, 0.0, half[2])
        self._start = rng.uniform(0.0, 2.0 * (Y[1] - Y[0]))
        self._speed = 0.0 if rng.uniform() < RESTS else rng.uniform(0.0, FASTEST)

    def move(self, steps: int) -> None:
        """Be where it is that many physics steps after the scene was put up."""
        way = (self._start + self._speed * steps * TIMESTEP) % (2.0 * (Y[1] - Y[0]))
        self._model.body_pos[self._body, 1] = Y[0] + min(way, 2.0 * (Y[1] - Y[0]) - way)
