"""How the scripted person does her task in one episode: nobody repeats herself to the millimetre."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HOVER = 0.05  # [m], height of the finger tip on its way
LIFTED = 0.09  # [m]


class Manner(NamedTuple):
    """What she does each time differently; the defaults are what she does without variety."""

    speed: float = 1.0
    """Of her hand at most, as a share of a full action."""
    hover: float = HOVER
    """Height of the finger tip on its way [m]."""
    lifted: float = LIFTED
    """How high she brings what she has gripped [m]."""
    grip: Array = np.zeros(3)
    """Where along, off and above the usual place the fingers grip, shape (3,), not turned [m]."""
    bend: Array = np.zeros(2)
    """Side from which she comes, shape (2,), base frame: she aims beside her goal by this share of the way to it,
    which is less than the whole, so that she arrives from anywhere."""
    aim: Array = np.zeros(2)
    """Where in a goal that has room she aims, shape (2,), base frame, as a share of that room."""


USUAL = Manner()


def draw_manner(rng: np.random.Generator, variety: float) -> Manner:
    """One episode's manner; `variety` from 0, the usual one, to 1, as much as still succeeds."""
    return Manner(
        speed=1.0 - variety * rng.uniform(0.0, 0.4),
        hover=HOVER + variety * rng.uniform(-0.006, 0.035),
        lifted=LIFTED + variety * rng.uniform(-0.015, 0.015),
        grip=variety * rng.uniform((-0.005, -0.003, -0.001), (0.005, 0.003, 0.006)),
        bend=variety * _in_disc(rng, 0.5),
        aim=variety * _in_disc(rng, 1.0),
    )


def _in_disc(rng: np.random.Generator, radius: float) -> Array:
    """Uniform in a disc around 0, shape (2,)."""
    angle, distance = rng.uniform(-np.pi, np.pi), radius * np.sqrt(rng.uniform())
    return np.array([distance * np.cos(angle), distance * np.sin(angle)])
