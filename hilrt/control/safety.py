"""Limits of the joints that hold whatever the policy or the operator wants."""

from collections.abc import Sequence

import numpy as np

from hilrt.config import MOTORS, Config
from hilrt.control.tick import Float64
from hilrt.devices.calibration import Calibration, units_from_radians
from hilrt.errors import START_POSE, JointRangeError, StartPoseError
from hilrt.robots.kinematics import Kinematics
from hilrt.step.record import Limit

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

    def require(self, pose: Float64, option: str = START_POSE) -> Float64:
        """A start pose, or the one of another option, shape (arms, 6) [rad], as it is.

        Raises:
            StartPoseError: a joint of it is out of its limits.
        """
        off = np.abs(pose - self.clip(pose))
        if off.max() > TOUCH:
            arm, motor = divmod(int(np.argmax(off)), 6)
            asked, low, high = (units_from_radians(q[arm])[motor] for q in (pose, self.lower, self.upper))
            raise StartPoseError(option, MOTORS[motor], asked, low, high)
        return pose

    def clip(self, joints: Float64) -> Float64:
        """Joints brought inside the limits, shape (arms, 6) [rad]."""
        return np.clip(joints, self.lower, self.upper)

    def opening(self, joints: Float64) -> Float64:
        """Of the grippers, shape (arms,), 0 closed .. 1 open, of joints (arms, 6) [rad]."""
        opening: Float64 = (joints[:, 5] - self._closed) / (self._open - self._closed)
        return opening

    def at_opening(self, opening: float) -> Float64:
        """Joints of the grippers, shape (arms,) [rad], that are so far open, 0 closed .. 1 open."""
        joints: Float64 = self._closed + (self._open - self._closed) * opening
        return joints

    def touched(self, goal: Float64, before: Float64) -> Limit:
        """Which limits the arm's joints are at, given this goal and the last one, shape (arms, 6) [rad]."""
        arm, limits = goal[:, :5], Limit(0)
        if (arm <= self.lower[:, :5] + TOUCH).any() or (arm >= self.upper[:, :5] - TOUCH).any():
            limits |= Limit.JOINT
        if np.abs(arm - before[:, :5]).max() >= self.max_step - TOUCH:
            limits |= Limit.VELOCITY
        return limits
