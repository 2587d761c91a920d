"""What a joint's answer to slow motions says of its servo: dead zone, play, lag, load at rest.

The joint goes to and fro between two places: fast, then slowly for the last of the way, so that it comes to rest
without a swing, then rests. Angles are in degrees, from the middle between the two places.

* At rest it stays behind by its dead zone and what friction adds to it, in turn on either side.
* Moving, it follows the goal late, as if that came through a first-order lag.
* Turning round, its motor first crosses the play, as fast as its torque would keep up. The longer that takes, the
  further the goal is ahead by then.
* A joint whose weight keeps it on one side shows neither dead zone nor play: its motor never pushes the other way.

Tried on simulated servos: dead zone to 0.3 degrees, lag to 0.1 s, play to half of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SLOWEST = 1.0
"""A joint that is slower rests [deg/s]."""
LAGS: Array = np.linspace(0.0, 1.5, 151)
VISCOUS_S = 0.07
"""Of the lag, what a servo's own damping makes in motion: at rest it delays nothing [s]."""
FRICTION_DEG = 0.12
"""By which a joint that has come to rest is further behind than its dead zone."""
CROSSING = 29.7
"""Speed of a motor without load, for each degree that the joint is behind beyond the dead zone, at P = 16 [1/s]."""
BEGUN, UNDER_WAY = 0.18, 0.72
"""How far a joint has come when it has certainly begun to move, and for sure goes on [deg]."""
BEFORE = 0.7
"""Where it began: as much of the time between these two before the first."""
LEANING_DEG = 0.15
"""How much further to one side than its dead zone reaches a joint is, that hangs on it [deg]."""
RESTING = 0.4
"""Share of a rest, at its end, that is taken."""


class Sample(NamedTuple):
    """One look at a joint; angles in degrees."""

    time: float
    goal: float
    position: float
    load: float
    """Share of full torque."""
    move: int
    """Which of the moves it belongs to."""
    rests: bool


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of one joint."""

    lag_s: float
    load: float
    """At rest, share of full torque; up is positive."""
    dead_zone_deg: float | None
    """Friction included; None where weight hides it."""
    play_deg: float | None
    """Likewise."""


class _Move:
    """One way from rest to rest."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        moving = np.array([s[:4] for s in samples if not s.rests])
        resting = np.array([s[:4] for s in samples if s.rests])
        resting = resting[-max(1, round(RESTING * len(resting))) :]
        self.time: Array = moving[:, 0]
        self.goal: Array = moving[:, 1]
        self.position: Array = moving[:, 2]
        self.behind, self.load = np.median(resting[:, 1] - resting[:, 2]), np.median(resting[:, 3])
        self.way = np.sign(resting[-1, 1] - self.goal[0])
        speed = np.gradient(self.position, self.time)
        self.moves = self.way * np.convolve(speed, np.ones(3) / 3, "same") > SLOWEST

    def lagging(self, lag_s: float) -> Array:
        """The goal as it comes through a lag, from rest."""
        if lag_s <= 0.0:
            return self.goal
        share = 1.0 - np.exp(-np.diff(self.time, prepend=self.time[0]) / lag_s)
        lagging = self.goal.copy()
        for i in range(1, lagging.size):
            lagging[i] = lagging[i - 1] + (self.goal[i] - lagging[i - 1]) * share[i]
        return lagging

    def begins(self) -> float:
        """When it began to move."""
        come = self.way * (self.position - self.position[0])
        begun, under_way = (float(self.time[np.argmax(come >= far)]) for far in (BEGUN, UNDER_WAY))
        return begun - BEFORE * (under_way - begun)


def figures(samples: Sequence[Sample]) -> Figures:
    """Of moves to and fro; the first of them only leads to where they begin."""
    numbers = sorted({s.move for s in samples})[1:]
    moves = [_Move([s for s in samples if s.move == number]) for number in numbers]
    up, down = (np.median([m.behind for m in moves if m.way == way]) for way in (1.0, -1.0))
    lag_s = _lag(moves)
    aside, half = float(up + down) / 2.0, float(up - down) / 2.0
    dead_zone = play = None
    if abs(aside) < half + LEANING_DEG:
        dead_zone = round(max(0.0, half), 2)
        play = round(_play(moves, lag_s - VISCOUS_S, aside, half), 2)
    load = float(np.mean([m.load for m in moves]))
    return Figures(lag_s=round(lag_s, 2), load=round(load, 3), dead_zone_deg=dead_zone, play_deg=play)


def _lag(moves: Sequence[_Move]) -> float:
    """The lag behind which moving joints are most evenly behind [s]."""

    def uneven(lag_s: float) -> float:
        total = 0.0
        for way in (1.0, -1.0):
            behind = [(m.lagging(lag_s) - m.position)[m.moves] for m in moves if m.way == way]
            together = np.concatenate(behind)
            total += float(np.var(together)) * together.size
        return total

    return float(min(LAGS, key=uneven))


def _play(moves: Sequence[_Move], lag_s: float, aside: float, half: float) -> float:
    """From how far the goal was ahead as the joint began to move, in the middle of all moves [deg].

    Crossing begins as the goal leaves the dead zone, at a speed that grows with how far it is ahead. At rest the joint
    is behind by `aside`, and `half` more or less.
    """
    crossed = []
    for move in moves:
        ahead = move.way * (move.lagging(lag_s) - move.position - aside)
        beyond = np.interp(move.begins(), move.time, ahead) - half + FRICTION_DEG
        speed = np.gradient(move.goal, move.time)[: max(2, move.time.size // 2)]
        crossed.append(CROSSING * max(0.0, float(beyond)) ** 2 / (2.0 * float(np.abs(np.median(speed)))))
    return float(np.median(crossed))
