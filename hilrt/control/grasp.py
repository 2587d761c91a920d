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
        self._margin, self._height = reward.margin / 100.0, reward.height_m
        self._fps = config.env.fps
        self._patience = frames_of(reward.hold_s, config.env.fps)
        self._shut = [_shut(calibration) for calibration in calibrations]
        self.begin()

    def begin(self) -> None:
        """Nothing has been raised yet."""
        arms = len(self._shut)
        self._opening: list[float | None] = [None] * arms
        self._lowest = [inf] * arms
        """Of each end effector, since its jaw last moved freely [m]."""
        self._raised = [0] * arms
        """Ticks for which something has been."""

    def __call__(self, tick: Tick) -> None:
        """Whether one of the arms holds something up."""
        stopped, openings = self._grip.stopped(-self._limits.opening_step), self._limits.opening(tick.joints)
        for arm, opening in enumerate(openings.tolist()):
            height = float(tick.pose[arm, 2, 3])
            before, self._opening[arm] = self._opening[arm], opening
            free = before is None or abs(opening - before) * self._fps > FREE
            self._lowest[arm] = height if free else min(self._lowest[arm], height)
            held = stopped[arm] and opening > self._shut[arm] + self._margin
            raised = held and height - self._lowest[arm] >= self._height
            self._raised[arm] = self._raised[arm] + 1 if raised else 0
        tick.task_success = max(self._raised) >= self._patience


def _shut(calibration: Calibration) -> float:
    """Of its range."""
    path = Path(calibration.path)
    found = ShutGripper.of(path, calibration.digest)
    if found is None:
        raise ShutUnknownError(str(ShutGripper.path(path)))
    return found.opening / 100.0
