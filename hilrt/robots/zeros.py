"""Zero offsets of an arm's joints, from touches: where its tip was, and what the joints showed meanwhile.

The tip touches known places in several postures; the offsets are those that bring forward kinematics to the places, by
least squares. Touches show a turn of the first four joints by the way that the tip goes. They hardly show that of
wrist_roll, whose axis passes the tip at 8 mm: what a hand's noise would make of it is worse than to leave it.
The marks lie together a little beside where they should: that is solved for too, and kept apart from the joints.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHOWN = 4
"""Joints whose offsets touches show, from the base on."""
HAND_M = 0.002
"""How exactly a hand puts a tip onto a mark, standard deviation."""
USUAL_RAD = np.deg2rad(10.0)
"""How large offsets are, standard deviation: what touches do not show stays near zero."""
ASTRAY = np.array((0.003, 0.003, np.deg2rad(0.7)))
"""How far all marks lie ahead, to the left [m], and turned [rad], standard deviations."""
ROUNDS = 30
SETTLED = DIFFERENCE = 1e-6


class Touch(NamedTuple):
    """Joint angles without offsets, shape (n,) [rad], while the tip was at a place, shape (3,), base frame [m]."""

    joints: Array
    place: Array


class Zeros(NamedTuple):
    """What touches show.

    Attributes:
        offsets: of the joints, to be added to what they show; shape (n,) [rad].
        doubt: standard deviation of the first ones, where hand and marks are as exact as above; shape (SHOWN,) [rad].
        before: of each touch, from its place to where the tip would be without offsets; shape (touches,) [m].
        misses: the same with them.
    """

    offsets: Array
    doubt: Array
    before: Array
    misses: Array

    @property
    def rms(self) -> float:
        """Of the misses [m]."""
        return float(np.sqrt(np.mean(self.misses**2)))


def solve(tip: Callable[[Array], Array], touches: Sequence[Touch], largest: float) -> Zeros:
    """Gauss-Newton on whitened residuals; offsets stay between +-`largest` [rad].

    `tip`: forward kinematics, from joints (n,) [rad] to a position (3,) [m].
    """
    places = np.array([touch.place for touch in touches])
    most = np.append(np.full(SHOWN, largest / USUAL_RAD), np.full(ASTRAY.size, np.inf))

    def residual(unknown: Array) -> Array:
        """All in standard deviations; `unknown`: offsets, then how the marks lie astray."""
        off = _tips(tip, touches, USUAL_RAD * unknown[:SHOWN]) - _moved(places, ASTRAY * unknown[SHOWN:])
        return np.concatenate((off.ravel() / HAND_M, unknown))

    unknown: Array = np.zeros(most.size)
    for _ in range(ROUNDS):
        now, before = residual(unknown), unknown
        jacobian = _jacobian(residual, unknown, now)
        unknown = np.clip(before - np.linalg.lstsq(jacobian, now, rcond=None)[0], -most, most)
        if np.abs(unknown - before).max() < SETTLED:
            break
    offsets = USUAL_RAD * unknown[:SHOWN]
    doubt = USUAL_RAD * np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))[:SHOWN]
    misses = [
        np.linalg.norm(_tips(tip, touches, given) - places, axis=1) for given in (np.zeros(SHOWN), offsets)
    ]
    return Zeros(_padded(offsets, touches[0].joints), doubt, *misses)


def _tips(tip: Callable[[Array], Array], touches: Sequence[Touch], offsets: Array) -> Array:
    """Where the tip was, shape (touches, 3) [m]."""
    return np.array([tip(touch.joints + _padded(offsets, touch.joints)) for touch in touches])


def _moved(places: Array, astray: Array) -> Array:
    """Places shifted on the table, and turned about their middle by a small angle, shape (touches, 3) [m]."""
    x, y = (places - places.mean(axis=0))[:, :2].T
    ahead, left, turned = astray
    moved: Array = places + np.stack((ahead - turned * y, left + turned * x, 0.0 * x), axis=1)
    return moved


def _padded(offsets: Array, like: Array) -> Array:
    return np.concatenate((offsets, np.zeros(like.size - offsets.size)))


def _jacobian(function: Callable[[Array], Array], at: Array, value: Array) -> Array:
    """By differences, shape (value, at)."""
    steps = DIFFERENCE * np.eye(at.size)
    return np.stack([(function(at + step) - value) / DIFFERENCE for step in steps], axis=1)
