"""The workspace box: for what is wanted, and for the arm that hangs below it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hilrt.control.observation import POSE
from hilrt.control.pipeline import Signal
from hilrt.control.sag import Sag
from hilrt.control.setpoint import Setpoint
from hilrt.control.tick import Float64, Tick
from hilrt.control.underside import Underside
from hilrt.step.record import Limit

TARGET = Signal("target", ("arms", 4, 4), "m")
LIMITS = Signal("limits")

LED_BACK = 1 / 3
"""Of a step: how fast a command that is outside the box comes back in without being driven, as a reset goes."""
MAY = 1e-3
"""So far the arm itself may hang out of the box [m]."""
SURE = 1.25
"""Times what is foretold of an arm's sag: friction hides some of it where the arm comes to rest."""
MORE = 0.03
"""At most so much higher the floor gets for what is not foretold [m]."""
LEAD, RELEASE = 3.0, 1.0
"""Share of what the arm hangs below its floor, or stays above, by which that is raised, or lowered, in a second."""
LIMP = 0.015
"""An arm that hangs further than this swings where it is driven about [m]; others hold themselves."""
SWINGS = 0.65
"""Of what it hangs beyond that: by how much lower it swings."""
SLOW = 0.05
"""A reference that goes no faster makes no arm swing [m/s]."""
SWING_S = 0.5
"""A swing has died down to a third so long after the last move."""
RESTS = 2e-3
"""A reference so near to the floor rests on it, and so does an arm that goes no further in a tick [m]."""


class Box(NamedTuple):
    """Workspace of all arms: corners, shape (arms, 3) [m], and the longest way in a tick, shape (3,) [m]."""

    low: Float64
    high: Float64
    step: Float64

    def contains(self, arm: int, position: Float64, before: Float64) -> bool:
        """Whether a position is in the box, or no further out of it than the last one."""
        low, high = np.minimum(self.low[arm], before), np.maximum(self.high[arm], before)
        return bool(((position >= low) & (position <= high)).all())


class Workspace:
    """What of the box is left for the reference, so that the arm that hangs from it is in the box, too.

    Its sag is foretold (`Sag`), and at the floor put right by what is seen. A reading alone moves nothing: of two in a
    row the one that is less wrong counts. Nothing is concluded while the arm is driven up: one that is on its way lags.
    The floor comes first where there is no room for both, and holds for the gripper that is tilted where it hangs.
    """

    def __init__(self, box: Box, sag: Sag, period_s: float, undersides: Sequence[Underside]) -> None:
        self.box, self._sag, self._period_s, self._undersides = box, sag, period_s, undersides
        self.now = box
        """As it is in this tick."""
        self.begin()

    def begin(self) -> None:
        """A new episode."""
        self._more: Float64 = np.zeros(len(self.box.low))
        """By how much the floor is higher than foretold, shape (arms,) [m]."""
        self._foretold = self._more
        self._last: Float64 = np.full(len(self.box.low), np.inf)
        self._swing: Float64 = np.zeros(len(self.box.low))
        """How far below where they hang the arms may swing, shape (arms,) [m]."""
        self._before: Float64 | None = None
        """Where they were told to be last, shape (arms, 3) [m]."""

    def fit(self, joints: Float64, before: Float64, way: Float64, measured: Float64) -> Box:
        """The box of this tick.

        Args:
            joints: where the arms were last told to be, shape (arms, 6) [rad].
            before: the same as positions, shape (arms, 3) [m].
            way: from there to what is wanted now, likewise.
            measured: where they are, likewise.
        """
        box, hang = self.box, SURE * self._sag.hang(joints)
        low, high = np.maximum(-hang - MAY, 0.0), np.maximum(hang - MAY, 0.0)
        tilted = self._tilted(joints)
        floor = box.low[:, 2] + tilted
        seen = measured[:, 2] - floor
        self._more = self._corrected(low[:, 2], before[:, 2] - floor, way[:, 2], seen)
        low[:, 2] += self._more + tilted + self._swung(-hang[:, 2] / SURE, before)
        lowest = np.minimum(box.low + low, box.high)
        self.now = box._replace(low=lowest, high=np.maximum(box.high - high, lowest))
        return self.now

    def _swung(self, hang: Float64, before: Float64) -> Float64:
        """How much higher the floor is for arms that are driven about, shape (arms,) [m].

        `hang`: how far they hang, likewise; `before`: see `fit`.
        """
        last, self._before = before if self._before is None else self._before, before.copy()
        driven = np.linalg.norm(before - last, axis=1) > SLOW * self._period_s
        fresh = SWINGS * np.maximum(hang - LIMP, 0.0) * driven
        self._swing = np.maximum(fresh, np.exp(-self._period_s / SWING_S) * self._swing)
        return self._swing

    def _tilted(self, joints: Float64) -> Float64:
        """How much higher the floor is for grippers as they hang, shape (arms,) [m]."""
        hung = [self._sag.under(arm, told) for arm, told in enumerate(joints)]
        return np.array([side.below(q) for side, q in zip(self._undersides, hung, strict=True)])

    def _corrected(self, foretold: Float64, room: Float64, way: Float64, seen: Float64) -> Float64:
        """How much higher the floor is for what is seen; all of shape (arms,), upwards [m].

        Args:
            foretold: how far the arm hangs.
            room: from the floor, as it is for the gripper's tilt, to the reference.
            way: of the reference in this tick.
            seen: from there to the arm.
        """
        last, self._last = self._last, seen
        nearest, furthest = np.maximum(seen, last), np.minimum(seen, last)
        more = self._carried(foretold)
        out = np.maximum(-nearest - MAY, 0.0)
        raised = np.maximum(more, room - foretold) + LEAD * self._period_s * out
        rests = (room - foretold - more < RESTS) & (np.abs(seen - last) < RESTS)
        lowered = more - RELEASE * self._period_s * np.clip(furthest, 0.0, RESTS)
        corrected = np.where(out > 0.0, raised, np.where(rests, lowered, more))
        return np.where(way > 0.0, more, np.clip(corrected, -foretold, MORE))

    def _carried(self, foretold: Float64) -> Float64:
        """What was seen elsewhere: an arm that hung less than foretold does so in proportion where it hangs less."""
        last, self._foretold = self._foretold, foretold
        share = np.divide(foretold, last, out=np.ones_like(last), where=foretold < last)
        return np.where(self._more < 0.0, share * self._more, self._more)


class WorkspaceBounds:
    """Keeps the target in the box; from outside it comes back at a third of a step, or as fast as it is driven."""

    name = "workspace_bounds"
    reads = (TARGET, POSE)
    writes = (TARGET, LIMITS)

    def __init__(self, setpoint: Setpoint, workspace: Workspace) -> None:
        self._setpoint, self._workspace = setpoint, workspace

    def begin(self) -> None:
        """What the last episode showed is not held against this one."""
        self._workspace.begin()

    def __call__(self, tick: Tick) -> None:
        before, wanted = self._setpoint.pose[:, :3, 3], tick.target[:, :3, 3]
        box = self._workspace.fit(self._setpoint.joints, before, wanted - before, tick.pose[:, :3, 3])
        sent, back = self._setpoint.sent_pose[:, :3, 3], LED_BACK * box.step
        low = np.minimum(
            box.low, np.maximum(before, sent) + back
        )  # what the leash has moved out comes in at once
        high = np.maximum(box.high, np.minimum(before, sent) - back)
        allowed = np.clip(wanted, low, high)
        if (allowed != wanted).any():
            tick.limits |= Limit.BOX
        tick.target[:, :3, 3] = before + np.clip(allowed - before, -box.step, box.step)
