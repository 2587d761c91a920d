"""Limits that hold whatever the policy or the operator wants."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hilrt.config import MOTORS, Config
from hilrt.control.tick import Float64
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration, units_from_radians
from hilrt.devices.feetech.registers import Fault
from hilrt.errors import (
    JointRangeError,
    OvercurrentError,
    OverheatError,
    ServoFaultError,
    StartPoseError,
    VoltageError,
)
from hilrt.robots.kinematics import Kinematics
from hilrt.step.record import Limit

FAULT_READINGS = 3
"""A single reading with a fault bit, or of a strange voltage, may be a disturbance on the wire."""
OVERCURRENT_S = 1.0
"""Starting and stopping draw more for an instant."""
TOUCH = 1e-9


class JointLimits:
    """Position limits, shape (arms, 6), and the largest change per tick [rad].

    The tighter of calibration and URDF, less the margin; the gripper keeps its whole range up to the widest opening
    allowed, because it must be able to close on nothing.
    """

    def __init__(
        self, config: Config, calibrations: Sequence[Calibration], kinematics: Sequence[Kinematics]
    ) -> None:
        margin = np.deg2rad(config.safety.joint_margin_deg)
        lows, highs = zip(*(calibration.limits for calibration in calibrations), strict=True)
        self.lower: Float64 = np.array(lows)
        self.upper: Float64 = np.array(highs)
        self._closed, self._open = self.lower[:, 5].copy(), self.upper[:, 5].copy()
        for arm, solver in enumerate(kinematics):
            self.lower[arm, :5] = np.maximum(self.lower[arm, :5], solver.lower) + margin
            self.upper[arm, :5] = np.minimum(self.upper[arm, :5], solver.upper) - margin
            solver.lower, solver.upper = self.lower[arm, :5].copy(), self.upper[arm, :5].copy()
        for arm, motor in np.argwhere(self.lower >= self.upper).tolist():
            raise JointRangeError(MOTORS[motor], calibrations[arm].path, config.safety.joint_margin_deg)
        self.max_step = float(np.deg2rad(config.safety.max_joint_velocity_deg_s) / config.env.fps)
        self.opening_step = self.max_step
        """Signed change of the gripper's joint towards open, per tick [rad]."""
        for solver in kinematics:
            solver.max_step = self.max_step
        self._limit_opening(config.processor.gripper.open_position == 0, config.processor.max_gripper_pos)

    def _limit_opening(self, reversed_: bool, widest: float) -> None:
        if reversed_:
            self._closed, self._open = self._open, self._closed
            self.opening_step = -self.max_step
        end = self._closed + (self._open - self._closed) * widest / 100.0
        if reversed_:
            self.lower[:, 5] = end
        else:
            self.upper[:, 5] = end

    def require(self, pose: Float64) -> Float64:
        """A start pose, shape (arms, 6) [rad], as it is.

        Raises:
            StartPoseError: a joint of it is out of its limits.
        """
        off = np.abs(pose - self.clip(pose))
        if off.max() > TOUCH:
            arm, motor = divmod(int(np.argmax(off)), 6)
            asked, low, high = (units_from_radians(q[arm])[motor] for q in (pose, self.lower, self.upper))
            raise StartPoseError(MOTORS[motor], asked, low, high)
        return pose

    def clip(self, joints: Float64) -> Float64:
        """Joints brought inside the limits, shape (arms, 6) [rad]."""
        return np.clip(joints, self.lower, self.upper)

    def opening(self, joints: Float64) -> Float64:
        """Of the grippers, shape (arms,), 0 closed .. 1 open, of joints (arms, 6) [rad]."""
        opening: Float64 = (joints[:, 5] - self._closed) / (self._open - self._closed)
        return opening

    def touched(self, goal: Float64, before: Float64) -> Limit:
        """Which limits the arm's joints are at, given this goal and the last one, shape (arms, 6) [rad]."""
        arm, limits = goal[:, :5], Limit(0)
        if (arm <= self.lower[:, :5] + TOUCH).any() or (arm >= self.upper[:, :5] - TOUCH).any():
            limits |= Limit.JOINT
        if np.abs(arm - before[:, :5]).max() >= self.max_step - TOUCH:
            limits |= Limit.VELOCITY
        return limits


class Streak:
    """Readings in a row on which something was wrong, for each motor."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = np.zeros(6, np.int64)

    def worst(self, wrong: npt.NDArray[np.bool_]) -> int | None:
        """Take in a reading, shape (6,); the motor for which the limit is reached, if there is one."""
        self._count = np.where(wrong, self._count + 1, 0)
        motor = int(np.argmax(self._count))
        return motor if self._count[motor] >= self._limit else None


class Health:
    """Refuses to go on with an arm that is being damaged, or that no longer does what it is told."""

    def __init__(self, config: Config, calibration: Calibration, port: str) -> None:
        self._limits = config.safety
        self._ids, self._port = calibration.ids, port
        self._overcurrent = Streak(max(FAULT_READINGS, round(OVERCURRENT_S * config.env.fps)))
        self._voltage, self._faulty = Streak(FAULT_READINGS), Streak(FAULT_READINGS)

    def check(self, reading: ArmReading) -> None:
        """Look at one reading.

        Raises:
            OverheatError: a servo is hotter than `safety.max_temperature_c`.
            OvercurrentError: a servo has drawn more than `safety.max_current_a` for a second.
            VoltageError: the supply is out of its range for the third time in a row.
            ServoFaultError: a servo reports a fault for the third time in a row; with an overload it is limp.
        """
        limits, amperes, volts = self._limits, np.abs(reading.current), reading.voltage
        hottest = int(np.argmax(reading.temperature))
        if reading.temperature[hottest] > limits.max_temperature_c:
            raise OverheatError(
                MOTORS[hottest], float(reading.temperature[hottest]), limits.max_temperature_c
            )
        if (motor := self._overcurrent.worst(amperes > limits.max_current_a)) is not None:
            raise OvercurrentError(MOTORS[motor], float(amperes[motor]), limits.max_current_a)
        strange = (volts < limits.min_voltage_v) | (volts > limits.max_voltage_v)
        if (motor := self._voltage.worst(strange)) is not None:
            raise VoltageError(MOTORS[motor], float(volts[motor]), limits.min_voltage_v, limits.max_voltage_v)
        if (motor := self._faulty.worst(reading.status != 0)) is not None:
            what = Fault.describe(int(reading.status[motor]))
            raise ServoFaultError(self._port, self._ids[motor], MOTORS[motor], what)
