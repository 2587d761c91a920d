"""The workspace box: for what is wanted, and for the arm that hangs below it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hilrt.control.observation import POSE
from hilrt.control.pipeline import Signal
from hilrt.control.sag import Sag
from hilrt.control.setpoint import Setpoint
from hilrt.control.tick import Float64, Tick
from hilrt.errors import StartOutsideBoxError
from hilrt.step.record import Limit

TARGET = Signal("target", ("arms", 4, 4), "m")
LIMITS = Signal("limits")

LED_BACK = 1 / 3
"""Of a step: how fast a command that is outside the box comes back in without being driven, as a reset goes."""
ROUNDING = 1e-3
"""By as much a start pose may be outside the box, whose corners are whole millimetres [m]."""
MAY = 2e-3
"""So far the arm itself may hang out of the box [m]."""
MORE = 0.03
"""At most so much narrower the box gets for what the arm's weight does not foretell [m]."""
LEAD, RELEASE = 2.0, 0.3
"""Share of what the arm hangs out, or stays in, by which the box gets narrower, or wider, in a second."""


class Box(NamedTuple):
    """Workspace of all arms: corners, shape (arms, 3) [m], and the longest way in a tick, shape (3,) [m]."""

    low: Float64
    high: Float64
    step: Float64

    def contains(self, arm: int, position: Float64, before: Float64) -> bool:
        """Whether a position is in the box, or no further out of it than the last one."""
        low, high = np.minimum(self.low[arm], before), np.maximum(self.high[arm], before)
        return bool(((position >= low) & (position <= high)).all())

    def require(self, start: Float64, sides: Sequence[str]) -> None:
        """Look at the arms' start positions, shape (arms, 3) [m].

        Raises:
            StartOutsideBoxError: one is outside: its arm would run into the box by itself.
        """
        for side, off in zip(sides, start - np.clip(start, self.low, self.high), strict=True):
            if outside := {axis: o for axis, o in zip("xyz", off.tolist(), strict=True) if abs(o) > ROUNDING}:
                raise StartOutsideBoxError(side, outside)


class Workspace:
    """What of the box is left for the reference, so that the arm that hangs from it is in the box, too.

    Its weight is foretold (`Sag`); what else it hangs out by is seen. A reading alone moves nothing: of two in a row
    the one further inside counts. What is seen narrows the box while nobody drives the arm back in: one that is on its
    way lags. The floor comes first where there is no room for both.
    """

    def __init__(self, box: Box, sag: Sag, period_s: float) -> None:
        self.box, self._sag, self._period_s = box, sag, period_s
        self.now = box
        """As it is in this tick."""
        self.begin()

    def begin(self) -> None:
        """A new episode."""
        self._low, self._high = np.zeros_like(self.box.low), np.zeros_like(self.box.high)
        self._last: Float64 | None = None

    def fit(self, joints: Float64, before: Float64, way: Float64, measured: Float64) -> Box:
        """The box of this tick.

        Args:
            joints: where the arms were last told to be, shape (arms, 6) [rad].
            before: the same as positions, shape (arms, 3) [m].
            way: from there to what is wanted now, likewise.
            measured: where they are, likewise.
        """
        last = measured if self._last is None else self._last
        self._last = measured
        box, hang = self.box, self._sag.hang(joints)
        low, high = (np.maximum(0.0, side * hang - MAY) for side in (-1.0, 1.0))
        out = box.low - MAY - np.maximum(measured, last)
        self._low = self._more(self._low, out, before - box.low - low, way)
        out = np.minimum(measured, last) - box.high - MAY
        self._high = self._more(self._high, out, box.high - high - before, -way)
        floor = np.minimum(box.low + low + self._low, box.high)
        self.now = box._replace(low=floor, high=np.maximum(box.high - high - self._high, floor))
        return self.now

    def _more(self, more: Float64, out: Float64, room: Float64, way: Float64) -> Float64:
        """How much narrower one side of the box gets for what is seen; all of shape (arms, 3) [m].

        Args:
            more: so far.
            out: how far the arm is outside; below 0 inside.
            room: from this side, as weight alone narrows it, to the reference.
            way: of the reference, positive inwards.
        """
        led = np.clip(np.maximum(more, room) + LEAD * self._period_s * out, more, MORE)
        kept = more + RELEASE * self._period_s * np.clip(out + MAY, -MAY, 0.0)
        return np.where((out > 0.0) & (way <= 0.0), led, np.maximum(kept, 0.0))


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
        inside = np.clip(before, box.low, box.high)
        led = before + np.clip(inside - before, -LED_BACK * box.step, LED_BACK * box.step)
        allowed = np.clip(wanted, np.minimum(box.low, led), np.maximum(box.high, led))
        if (allowed != wanted).any():
            tick.limits |= Limit.BOX
        tick.target[:, :3, 3] = before + np.clip(allowed - before, -box.step, box.step)
