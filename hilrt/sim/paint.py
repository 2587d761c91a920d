"""Colour and pattern of the table, and the object's colour."""

from collections.abc import Sequence

import cv2
import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilrt.sim.model import WOOD
from hilrt.sim.thing import OBJECT, OTHER

Array = NDArray[np.float64]

SIDE = 256  # of the table's pattern [pixels]
CELLS = (3, 40)  # of it along each side, fewest and most
APART = 0.4  # of colours that are to be told from each other: distance in a cube of side 1
TRIES = 100
NAME = "table"


class Paint:
    """Draws them.

    Args:
        model: with what `furnish` adds.
        strength: 1: any colour; less: between that and the usual one.
    """

    def __init__(self, model: mujoco.MjModel, strength: float) -> None:
        self._model, self._strength = model, strength
        texture = model.texture(NAME)
        self._pixels = model.tex_data[texture.adr[0] : texture.adr[0] + 3 * SIDE * SIDE].reshape(
            SIDE, SIDE, 3
        )
        self._object = model.geom(OBJECT).id
        self._usual = np.array(model.geom_rgba[self._object, :3])
        other = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, OTHER)
        self._kept = np.array(model.geom_rgba[[self._object, other], :3]) if other >= 0 else None
        """Colours by which two objects are told from each other, shape (2, 3)."""
        self._wooden = np.flatnonzero((model.site_rgba == np.array(WOOD, np.float32)).all(axis=1))
        self.count = 0
        """Patterns so far."""

    @staticmethod
    def furnish(spec: mujoco.MjSpec) -> None:
        """Give the table a pattern that can be drawn anew."""
        spec.compiler.discardvisual = False  # which a URDF turns on, and which takes all textures away
        spec.add_texture(
            name=NAME,
            type=mujoco.mjtTexture.mjTEXTURE_2D,
            builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
            width=SIDE,
            height=SIDE,
            rgb1=WOOD[:3],
        )
        textures = [""] * int(mujoco.mjtTextureRole.mjNTEXROLE)
        textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = NAME
        spec.add_material(name=NAME, textures=textures)
        table = spec.geom(NAME)
        table.material, table.rgba = NAME, (1.0, 1.0, 1.0, 1.0)

    def draw(self, rng: np.random.Generator) -> None:
        """Two colours for the table, in spots of any size, and another one for the object."""
        wood = np.array(WOOD[:3])
        pair = wood + self._strength * (rng.uniform(0.1, 0.9, (2, 3)) - wood)
        while self._kept is not None and gap(pair, self._kept) < APART:
            pair = wood + self._strength * (rng.uniform(0.1, 0.9, (2, 3)) - wood)
        cells = int(np.exp(rng.uniform(*np.log(CELLS))))
        spots = cv2.resize(rng.uniform(size=(cells, cells)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        mixed = pair[0] + np.clip(spots, 0.0, 1.0)[..., None] * (pair[1] - pair[0])
        self._pixels[:] = np.rint(255 * mixed)
        self.count += 1
        middle = pair.mean(axis=0)
        self._model.site_rgba[self._wooden, :3] = middle
        if self._kept is None:
            colour = another_colour(rng, [*pair, middle], self._usual, self._strength)
            self._model.geom_rgba[self._object, :3] = colour


def gap(pair: Array, others: Array) -> float:
    """How close the mixtures of two colours, shape (2, 3), come to any of some others, shape (n, 3)."""
    way, length = others - pair[0], pair[1] - pair[0]
    share = np.clip(way @ length / (length @ length), 0.0, 1.0)
    return float(np.linalg.norm(way - share[:, None] * length, axis=1).min())


def another_colour(
    rng: np.random.Generator, others: Sequence[ArrayLike], usual: ArrayLike = 0.0, strength: float = 1.0
) -> Array:
    """A colour that can be told from all these, shape (3,), of 1 each; so far from the usual one as `strength` says."""
    colours: Array = rng.uniform(0.05, 1.0, (TRIES, 3))
    colours = (1.0 - strength) * np.asarray(usual, float) + strength * colours
    nearest = np.min([np.linalg.norm(colours - np.asarray(other, float), axis=1) for other in others], axis=0)
    first = int(np.argmax(nearest >= APART)) if (nearest >= APART).any() else int(np.argmax(nearest))
    return np.asarray(colours[first])
