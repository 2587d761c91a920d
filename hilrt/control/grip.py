"""How far a gripper's goal leads its jaw: one that an object stops is held with some force, not driven on into it.

A servo that pushes for two seconds with more than its limit takes itself for overloaded, and lets go. So the goal of a
jaw that has stopped stays near it, which is its force on a soft servo, and its torque is limited, which is its force on
a stiff one: how stiff a servo is, nobody knows. Limited it is before the jaw meets anything, and until it is to open.
"""

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np

from hilrt.control.tick import Float64
from hilrt.devices.arm import ArmReading

STALL_S = 0.4
"""A jaw that has not come on for so long, told to be further on, has met something [s]."""
WIND = float(np.deg2rad(20.0))
"""How far a goal may be ahead of a jaw that moves, beside one tick of the fastest motion [rad]."""
PROGRESS = float(np.deg2rad(1.0))
"""A jaw that has come on by less has not [rad]."""
STRAIN = 0.2
STRAIN_S = 1.2
"""A servo that pushes for so long with more than this share of its torque gets no more, even where its jaw moves."""
RELIEF = 0.9
"""Of that: a servo that pushes with less may use all of its torque again."""


class Jaw:
    """One gripper. One reading moves nothing: of its last two openings the one nearer to the goal counts."""

    def __init__(self, lead: float, wind: float, fps: float, wide: float = 1.0) -> None:
        """How far a goal may be beyond the opening of a jaw that has stopped, `lead`, and of one that moves [rad].

        `wide`: the sign of a change that opens it.
        """
        self._wind, self._most, self._wide = wind, lead, float(np.sign(wide))
        self._opens = False
        self._patience, self._endurance = ceil(STALL_S * fps), ceil(STRAIN_S * fps)
        self._last: tuple[float, float] | None = None
        self._opening = self._from = 0.0
        self._side = 0.0
        self._lead, self._still, self._strained = lead, 0, 0

    @property
    def stopped(self) -> bool:
        """Whether it pushes against something."""
        return self._still >= self._patience

    def holds(self, direction: float) -> bool:
        """Whether it pushes against something in that direction, by its sign."""
        return self.stopped and self._side * direction > 0

    def limited(self, goal: float) -> bool:
        """Whether its servo shall use little torque on the way to a goal [rad]: always, but to open."""
        ahead = (goal - self._opening) * self._wide
        self._opens = ahead > PROGRESS or (self._opens and ahead >= 0.0)
        return not self._opens or self.stopped or self._strained >= self._endurance

    def see(self, opening: float, load: float, told: float) -> None:
        """Take in a reading [rad, share of full torque] and the goal that the servo has [rad]."""
        last_opening, last_load = self._last or (opening, load)
        self._last = opening, load
        self._opening = min(opening, last_opening, key=lambda seen: abs(told - seen))
        if self._pushes(told - self._opening):
            self._still += 1
        else:
            self._free(told - self._opening)
        force = max(abs(load), abs(last_load))
        if force > STRAIN:
            self._strained += 1
        elif force < RELIEF * STRAIN:
            self._strained = 0

    def kept(self, goal: float) -> float:
        """The goal that keeps its force: of a jaw that has stopped as far ahead of it as may be [rad]."""
        return self._opening + self._side * self._lead if self.stopped else goal

    def near(self, goal: float) -> float:
        """As much of a goal as the jaw is told; the way back is free [rad]."""
        if self._last is None:
            return goal
        low, high = self._opening - self._wind, self._opening + self._wind
        if self.stopped:
            low, high = (low, self.kept(high)) if self._side > 0 else (self.kept(low), high)
        return min(max(goal, low), high)

    def yielded(self) -> None:
        """Its servo was overloaded all the same: from here on half of the lead will do."""
        self._still, self._from = self._patience, self._opening
        self._lead /= 2

    def _pushes(self, ahead: float) -> bool:
        """Whether it is told to go on, and does not."""
        on = (self._opening - self._from) * self._side
        if not self.stopped:
            return abs(ahead) > self._most and ahead * self._side > 0 and abs(on) < PROGRESS
        if on < 0 or self._still % self._patience == 0:  # pushed open, or what yields slowly: still held
            self._from = self._opening
        return ahead * self._side > -PROGRESS and on < PROGRESS

    def _free(self, ahead: float) -> None:
        """It moves, or need not: look anew from here."""
        self._side, self._from = float(np.sign(ahead)), self._opening
        self._lead, self._still = self._most, 0


class Grip:
    """The grippers of all arms; it lasts longer than an episode, as what a gripper holds does."""

    def __init__(self, arms: int, lead_deg: float, opening_step: float, fps: float) -> None:
        """`lead_deg`: see `robot.grip_lead_deg`; `opening_step`: of a goal in one tick, towards open [rad]."""
        self.max_step = max_step = abs(opening_step)
        lead = float(np.deg2rad(lead_deg))
        self._jaws = [Jaw(lead, max(WIND, lead) + max_step, fps, opening_step) for _ in range(arms)]

    def see(self, readings: Sequence[ArmReading], told: Float64) -> None:
        """Take in what the arms say, and where they are told to be, shape (arms, 6) [rad]."""
        for jaw, reading, goal in zip(self._jaws, readings, told, strict=True):
            jaw.see(float(reading.position[5]), float(reading.load[5]), float(goal[5]))

    def stopped(self, direction: float) -> list[bool]:
        """Which grippers are driven on in that direction, by its sign, and do not come on."""
        return [jaw.holds(direction) for jaw in self._jaws]

    def limited(self, goal: Float64) -> list[bool]:
        """Which servos shall use little torque on the way to goals, shape (arms, 6) [rad]."""
        return [jaw.limited(float(q)) for jaw, q in zip(self._jaws, goal[:, 5], strict=True)]

    def kept(self, goal: Float64) -> Float64:
        """Goals, shape (arms, 6) [rad], whose grippers keep hold of what they have."""
        return self._each(Jaw.kept, goal)

    def near(self, goal: Float64) -> Float64:
        """Goals, shape (arms, 6) [rad], whose grippers lead no further than they may."""
        return self._each(Jaw.near, goal)

    def toward(self, goal: Float64, before: Float64) -> Float64:
        """The same, no further from the goals before than these may move in a tick."""
        eased = self.near(goal)
        eased[:, 5] = np.clip(eased[:, 5], before[:, 5] - self.max_step, before[:, 5] + self.max_step)
        return eased

    def yielded(self, arm: int) -> None:
        """That arm's gripper was overloaded, and is told to stay where it is."""
        self._jaws[arm].yielded()

    def _each(self, what: Callable[[Jaw, float], float], goal: Float64) -> Float64:
        grippers = [what(jaw, float(q)) for jaw, q in zip(self._jaws, goal[:, 5], strict=True)]
        return np.column_stack((goal[:, :5], grippers))
