"""How a simulated scene looks to its cameras, drawn anew with each: light, colours, mounts, what else lies there.

All of it is of a model's looks; nothing here touches its physics.
"""

from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from hilrt.config import SimPictures
from hilrt.sim.distractor import Distractor
from hilrt.sim.film import Film
from hilrt.sim.paint import Paint

Array = NDArray[np.float64]

PLAIN = SimPictures()


class Part(Protocol):
    """Something that looks otherwise in each scene."""

    def draw(self, rng: np.random.Generator) -> None:
        """Look as a new scene has it."""


class Look:
    """All that is asked for; of what is not, the model stays as it is.

    Args:
        model: made with what `furnish` adds for the same pictures; its looks are changed.
        pictures: what to draw, and how widely.
    """

    def __init__(self, model: mujoco.MjModel, pictures: SimPictures) -> None:
        p = pictures
        self._film = Film(model.ncam, p.exposure, p.noise)
        self._distractor = Distractor(model) if p.distractor else None
        self._paint = Paint(model, p.texture) if p.texture else None
        lit = p.light or p.light_angle_deg or p.colour or p.warmth or p.lamp != PLAIN.lamp
        light = Light(model, p) if lit else None
        mounts = Mounts(model, p) if p.camera_mm or p.camera_deg or p.turn_deg else None
        # The place of each tells its chance from that of the others.
        self._parts: tuple[Part | None, ...] = (light, mounts, self._film, self._paint, self._distractor)
        self._seed: int | None = None
        self._steps = 0

    def show(self, seed: int, steps: int) -> None:
        """Look as in the scene drawn from `seed`, that many physics steps after it was put up."""
        if seed != self._seed:
            self._seed = seed
            for number, part in enumerate(self._parts):
                if part:
                    part.draw(np.random.default_rng((seed, number, len(self._parts))))
        self._steps = steps
        if self._distractor:
            self._distractor.move(steps)

    @property
    def painted(self) -> int:
        """Changes with every pattern that has to be taken to where it is drawn from."""
        return self._paint.count if self._paint else 0

    def develop(self, picture: NDArray[np.uint8], camera: int) -> NDArray[np.uint8]:
        """The picture that a camera, by its number, gives of what it sees; (height, width, 3), RGB."""
        assert self._seed is not None  # a world is made with a scene
        return self._film.develop(picture, camera, (self._seed, self._steps, camera))


def furnish(spec: mujoco.MjSpec, pictures: SimPictures) -> None:
    """Add to the scene what its looks need."""
    if pictures.texture:
        Paint.furnish(spec)
    if pictures.distractor:
        Distractor.furnish(spec)


class Light:
    """The lamp, and what shines from everywhere."""

    def __init__(self, model: mujoco.MjModel, pictures: SimPictures) -> None:
        self._model, self._range = model, pictures
        self._lamp, self._place, self._way = (
            np.array(a[0]) for a in (model.light_diffuse, model.light_pos, model.light_dir)
        )
        head = model.vis.headlight
        self._ambient, self._front = np.array(head.ambient), np.array(head.diffuse)

    def draw(self, rng: np.random.Generator) -> None:
        """Its strength, where it comes from, and the tint of all light."""
        strength = 1.0 + self._range.light * rng.uniform(-1.0, 1.0)
        tilt, side = self._range.light_angle_deg * np.sqrt(rng.uniform()), rng.uniform(-np.pi, np.pi)
        tint = 1.0 + self._range.colour * rng.uniform(-1.0, 1.0, 3)
        tint *= self._range.lamp * (1.0 + self._range.warmth * np.array([1.0, 0.0, -1.0]))
        self._model.light_diffuse[0] = strength * tint * self._lamp
        self._model.vis.headlight.ambient[:] = tint * self._ambient
        self._model.vis.headlight.diffuse[:] = tint * self._front
        way = turned(self._way, np.radians(tilt) * np.array([np.cos(side), np.sin(side), 0.0]))
        reach = -self._place[2] / self._way[2]
        self._model.light_dir[0] = way
        self._model.light_pos[0] = self._place + reach * (self._way - way)


class Mounts:
    """Where the cameras are."""

    def __init__(self, model: mujoco.MjModel, pictures: SimPictures) -> None:
        self._model, self._metres = model, pictures.camera_mm * 1e-3
        self._angle = np.radians(pictures.camera_deg)
        self._places, self._turns = np.array(model.cam_pos), np.array(model.cam_quat)
        left = quat_of(np.array([0.0, np.radians(pictures.turn_deg), 0.0]))
        for turn in self._turns:
            mujoco.mju_mulQuat(turn, turn.copy(), left)

    def draw(self, rng: np.random.Generator) -> None:
        """Each off its place, and turned."""
        for camera, (place, turn) in enumerate(zip(self._places, self._turns, strict=True)):
            self._model.cam_pos[camera] = place + self._metres * in_ball(rng)
            mujoco.mju_mulQuat(self._model.cam_quat[camera], turn, quat_of(self._angle * in_ball(rng)))


def in_ball(rng: np.random.Generator) -> Array:
    """Uniform in a ball of radius 1, shape (3,)."""
    way = rng.normal(size=3)
    return np.asarray(way * (rng.uniform() ** (1 / 3) / np.linalg.norm(way)))


def quat_of(turn: Array) -> Array:
    """Quaternion of a turn about an axis, shape (3,) [rad]."""
    quat = np.empty(4)
    angle = float(np.linalg.norm(turn))
    mujoco.mju_axisAngle2Quat(quat, turn / angle if angle else np.array([0.0, 0.0, 1.0]), angle)
    return quat


def turned(vector: Array, turn: Array) -> Array:
    """A vector (3,), turned about an axis, shape (3,) [rad]."""
    result = np.empty(3)
    mujoco.mju_rotVecQuat(result, vector, quat_of(turn))
    return result
