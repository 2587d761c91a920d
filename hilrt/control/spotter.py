"""Tells where the object lies."""

from collections.abc import Sequence
from pathlib import Path

from hilrt.config import Vec2
from hilrt.control.assembly import Pipelines
from hilrt.control.scene import SceneSource
from hilrt.control.tick import Tick
from hilrt.devices.calibration import Calibration
from hilrt.devices.shutfile import ShutGripper
from hilrt.errors import FindingFileError

MARGIN = 0.05
"""A gripper that is stopped further open than it shuts when empty has closed on something [of its range]."""
SHUT = 0.05
"""To where it shuts, where nobody has found that out (`hilrt calibrate --shut`) [of its range]."""


class Spotter:
    """Knows it from the simulator; a real object is where the arm has put it, or where the gripper closes on it.

    What a gripper never closes on stays unknown, as an object does that is pushed or missed. Of two arms nobody tells
    which one an object is before.
    """

    def __init__(self, scene: SceneSource, pipelines: Pipelines, calibrations: Sequence[Calibration]) -> None:
        self._scene, self._grip, self._limits = scene, pipelines.grip, pipelines.limits
        self._possession = pipelines.possession
        self._knows = len(calibrations) == 1
        self._shut = _shut(calibrations[0])

    def __call__(self, tick: Tick) -> Vec2 | None:
        """x, y, base frame [m]; None where this tick does not tell."""
        if not self._knows or tick.blind:
            return None
        if (pose := self._scene.object_pose()) is not None:
            return float(pose[0, 0]), float(pose[0, 1])
        if tick.step == 0 and self._possession and self._possession.place:
            return self._possession.place
        stopped = self._grip.stopped(-self._limits.opening_step)[0]
        if not stopped or self._limits.opening(tick.joints)[0] <= self._shut + MARGIN:
            return None
        return float(tick.pose[0, 0, 3]), float(tick.pose[0, 1, 3])


def _shut(calibration: Calibration) -> float:
    """Of its range; a file that does not fit stops those jobs that cannot do without, and this one can."""
    try:
        found = ShutGripper.of(Path(calibration.path), calibration.digest)
    except FindingFileError:
        return SHUT
    return found.opening / 100.0 if found else SHUT
