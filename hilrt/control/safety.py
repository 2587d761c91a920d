"""Limits that hold whatever the policy or the operator wants."""

import numpy as np
import numpy.typing as npt

from hilrt.config import MOTORS, Config
from hilrt.control.kinematics import Kinematics
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.errors import OverheatError

Float64 = npt.NDArray[np.float64]


class JointLimits:
    """Position limits [rad], shape (6,), and the largest change per tick [rad].

    The tighter of calibration and URDF, less the margin; the gripper keeps its whole range, because it must
    be able to close on nothing and to open fully.
    """

    def __init__(self, config: Config, calibration: Calibration, kinematics: Kinematics) -> None:
        margin = np.deg2rad(config.safety.joint_margin_deg)
        lower, upper = calibration.limits
        self.lower, self.upper = lower.copy(), upper.copy()
        self.lower[:5] = np.maximum(lower[:5], kinematics.lower) + margin
        self.upper[:5] = np.minimum(upper[:5], kinematics.upper) - margin
        self.max_step = float(np.deg2rad(config.safety.max_joint_velocity_deg_s) / config.env.fps)
        kinematics.lower, kinematics.upper = self.lower[:5].copy(), self.upper[:5].copy()

    def clip(self, joints: Float64) -> Float64:
        """Joints brought inside the limits, shape (6,) [rad]."""
        return np.clip(joints, self.lower, self.upper)


def check_health(reading: ArmReading, config: Config) -> None:
    """Refuse to go on with an arm that is about to be damaged.

    Raises:
        OverheatError: a servo is hotter than `safety.max_temperature_c`.
    """
    hottest = int(np.argmax(reading.temperature))
    if reading.temperature[hottest] > config.safety.max_temperature_c:
        raise OverheatError(
            MOTORS[hottest], float(reading.temperature[hottest]), config.safety.max_temperature_c
        )
