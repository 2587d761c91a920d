"""What came of a replay: how far it went, and how far from the recording the arms were."""

import msgspec
import numpy as np

from hilrt.config import MOTORS
from hilrt.control.tick import Float64
from hilrt.devices.calibration import units_from_radians

REPLAY = "replay.json"


class Replayed(msgspec.Struct, kw_only=True):
    """`replay.json` of the run."""

    episode: int
    steps: int
    """Of the recording."""
    played: int = 0
    joint_deg: float = 0.0
    """Largest deviation of a measured joint from the recorded one [deg] ..."""
    joint: str = ""
    """... whose it was ..."""
    at_step: int = 0
    """... and when."""
    gripper: float = 0.0
    """The same of the grippers, which may now hold something else [0 .. 100]."""
    goal_deg: float = 0.0
    """Largest deviation of a joint target from the recorded one [deg]."""

    def see(self, measured: Float64, recorded: Float64, step: int, sides: tuple[str, ...]) -> None:
        """Compare joints, shape (arms, 6) [rad]."""
        off = _off(measured, recorded)
        self.gripper = max(self.gripper, float(off[:, 5].max()))
        arm, motor = np.unravel_index(np.argmax(off[:, :5]), (len(off), 5))
        if off[arm, motor] > self.joint_deg:
            self.joint_deg, self.at_step = float(off[arm, motor]), step
            self.joint = f"{sides[arm]} {MOTORS[motor]}".strip()

    def see_goal(self, goal: Float64, recorded: Float64) -> None:
        """Compare joint targets, shape (arms, 6) [rad]."""
        self.goal_deg = max(self.goal_deg, float(_off(goal, recorded)[:, :5].max()))

    def __str__(self) -> str:
        where = f" ({self.joint} at step {self.at_step})" if self.joint_deg >= 0.005 else ""
        return (
            f"episode {self.episode}, {self.played} of {self.steps} steps. Largest deviation from the recording: "
            f"measured joints {self.joint_deg:.2f} deg{where}, gripper {self.gripper:.1f} of 100, "
            f"joint targets {self.goal_deg:.2f} deg"
        )


def _off(found: Float64, expected: Float64) -> Float64:
    pairs = zip(found, expected, strict=True)
    return np.abs([units_from_radians(a) - units_from_radians(b) for a, b in pairs])
