"""Tells a grasp without a camera: something keeps the gripper from shutting, and goes up with it."""

from collections.abc import Sequence
from math import inf
from pathlib import Path

from hilrt.config import Config
from hilrt.control.grip import Grip
from hilrt.control.pipeline import Signal
from hilrt.control.safety import JointLimits
from hilrt.control.tick import Tick
from hilrt.devices.calibration import Calibration
from hilrt.devices.shutfile import ShutGripper
from hilrt.errors import ShutUnknownError
from hilrt.reward.hold import frames_of

FREE = 0.3
"""A jaw that nothing is in the way of is faster; where something turns or yields it is slower [of its range, 1/s]."""


class Hold:
    """Whether a gripper holds something, and how high it took hold of it."""

    def __init__(self, least: float, fps: float) -> None:
        """`least`: an opening at which an empty gripper would not stop [of its range]."""
        self._least, self._fps = least, fps
        self._opening: float | None = None
        self.taken_at = inf
        """The lowest that the end effector has been since the jaw last moved freely [m]."""

    def see(self, opening: float, height: float, *, stopped: bool) -> bool:
        """Take in an opening [of its range], the end effector's height [m], and whether the jaw pushes in vain."""
        before, self._opening = self._opening, opening
        free = before is None or abs(opening - before) * self._fps > FREE
        self.taken_at = height if free else min(self.taken_at, height)
        return stopped and opening > self._least


class GraspDetector:
    """Says that the task is done, in place of the task itself.

    A gripper that stopped half-way because nobody told it to shut holds nothing: what counts is a jaw that is driven
    on and does not come on (see `Grip`), further open than it shuts when it is empty, and a measured end effector
    `height_m` above where something began to slow the jaw, all of it for `hold_s`.
    """

    name = "grasp"
    reads = (Signal("joints", ("arms", 6), "rad"), Signal("pose", ("arms", 4, 4), "m"))
    writes = (Signal("task_success"),)

    def __init__(
        self, config: Config, calibrations: Sequence[Calibration], limits: JointLimits, grip: Grip
    ) -> None:
        """Raises `ShutUnknownError` where nobody knows how far an empty gripper shuts; what `ShutGripper.of` raises."""
        self._limits, self._grip = limits, grip
        reward = config.reward
        self._height, self._fps = reward.height_m, config.env.fps
        self._patience = frames_of(reward.hold_s, config.env.fps)
        self._least = [least_held(config, calibration) for calibration in calibrations]
        self.begin()

    def begin(self) -> None:
        """Nothing has been raised yet."""
        self._holds = [Hold(least, self._fps) for least in self._least]
        self._raised = [0] * len(self._holds)
        """Ticks for which something has been."""

    def __call__(self, tick: Tick) -> None:
        """Whether one of the arms holds something up."""
        stopped, openings = self._grip.stopped(-self._limits.opening_step), self._limits.opening(tick.joints)
        for arm, (hold, opening) in enumerate(zip(self._holds, openings.tolist(), strict=True)):
            height = float(tick.pose[arm, 2, 3])
            held = hold.see(opening, height, stopped=stopped[arm])
            raised = held and height - hold.taken_at >= self._height
            self._raised[arm] = self._raised[arm] + 1 if raised else 0
        tick.task_success = max(self._raised) >= self._patience


def least_held(config: Config, calibration: Calibration) -> float:
    """The least opening of a gripper that holds something, of its range.

    Raises:
        ShutUnknownError: nobody knows how far it shuts when it is empty.
    """
    path = Path(calibration.path)
    found = ShutGripper.of(path, calibration.digest)
    if found is None:
        raise ShutUnknownError(str(ShutGripper.path(path)))
    return (found.opening + config.reward.margin) / 100.0
