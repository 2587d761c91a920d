"""Limits that hold whatever the policy or the operator wants."""

import numpy as np
import numpy.typing as npt

from hilrt.config import MOTORS, Config
from hilrt.control.kinematics import Kinematics
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault
from hilrt.errors import OverheatError, ServoFaultError

Float64 = npt.NDArray[np.float64]

FAULT_READINGS = 3
"""A single reading with a fault bit may be a disturbance on the wire."""


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


class Health:
    """Refuses to go on with an arm that is being damaged, or that no longer does what it is told."""

    def __init__(self, config: Config, calibration: Calibration, port: str) -> None:
        self._limit_c = config.safety.max_temperature_c
        self._ids, self._port = calibration.ids, port
        self._faulty = np.zeros(6, np.int64)

    def check(self, reading: ArmReading) -> None:
        """Look at one reading.

        Raises:
            OverheatError: a servo is hotter than `safety.max_temperature_c`.
            ServoFaultError: a servo reports a fault for the third time in a row; with an overload it is limp.
        """
        hottest = int(np.argmax(reading.temperature))
        if reading.temperature[hottest] > self._limit_c:
            raise OverheatError(MOTORS[hottest], float(reading.temperature[hottest]), self._limit_c)
        self._faulty = np.where(reading.status != 0, self._faulty + 1, 0)
        worst = int(np.argmax(self._faulty))
        if self._faulty[worst] >= FAULT_READINGS:
            what = Fault.describe(int(reading.status[worst]))
            raise ServoFaultError(self._port, self._ids[worst], MOTORS[worst], what)
