"""How smoothly the arms are led, and how far they are behind: root mean square and worst of an episode."""

import numpy as np

from hilrt.control.setpoint import Setpoint
from hilrt.control.tick import Float64, Tick
from hilrt.shm.status import ControlStatus


class Spread:
    """Root mean square and greatest size of all that it was given."""

    def __init__(self) -> None:
        self._squares, self._count, self.worst = 0.0, 0, 0.0

    def add(self, values: Float64) -> None:
        """Of any shape, but not empty."""
        flat = values.ravel()
        self._squares += float(flat @ flat)
        self._count += flat.size
        self.worst = max(self.worst, float(np.abs(flat).max()))

    @property
    def rms(self) -> float:
        """Zero of nothing."""
        return float(np.sqrt(self._squares / max(1, self._count)))


class Smoothness:
    """Accounts for one episode after the other; the grippers, which may be holding something, are left out."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new episode."""
        self.jerk, self._degrees, self._mm = Spread(), Spread(), Spread()

    def measured(self, tick: Tick, setpoint: Setpoint) -> None:
        """Where the arms are a tick after they were told to be at the set-point."""
        self._degrees.add(np.rad2deg((setpoint.sent - tick.joints)[:, :5]))
        apart = setpoint.sent_pose[:, :3, 3] - tick.pose[:, :3, 3]
        self._mm.add(1e3 * np.sqrt((apart * apart).sum(axis=1)))

    def report(self, status: ControlStatus) -> None:
        """Figures so far."""
        status.jerk_rms = self.jerk.rms
        status.behind_rms_deg, status.behind_worst_deg = self._degrees.rms, self._degrees.worst
        status.behind_rms_mm, status.behind_worst_mm = self._mm.rms, self._mm.worst
