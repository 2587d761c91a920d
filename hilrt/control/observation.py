"""From measurements to the state vector, in the order of `Features.state`."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hilrt.config import Config
from hilrt.control.action import EndEffectorControl
from hilrt.control.kinematics import Kinematics
from hilrt.devices.arm import ArmReading
from hilrt.record import GripperCommand

Float64 = npt.NDArray[np.float64]


class Observation(NamedTuple):
    """One tick's view of the world."""

    time_ns: int
    state: npt.NDArray[np.float32]
    """Shape (len(features.state),)."""
    joints: Float64
    """Measured, shape (6,) [rad]."""
    ee: Float64
    """Measured end-effector position, shape (3,), base frame [m]."""
    object: Float64 | None


class Observer:
    """Builds observations; remembers what the next one needs of the last."""

    def __init__(self, config: Config, kinematics: Kinematics, home: Float64) -> None:
        """`home`: the start pose, shape (6,) [rad]; end-effector positions are relative to it."""
        self._add = config.processor.observation
        self._kinematics = kinematics
        self._home_ee = kinematics.forward(home)[:3, 3].copy()
        self._last: tuple[int, Float64] | None = None
        self._action = np.zeros(3, np.float32)
        self._gripper = GripperCommand.STAY

    def begin(self) -> None:
        """Forget the last episode."""
        self._last = None
        self.acted(np.zeros(3, np.float32), GripperCommand.STAY)

    def acted(self, action: npt.NDArray[np.float32], gripper: GripperCommand) -> None:
        """Note the executed action, part of the next state."""
        self._action, self._gripper = action, gripper

    def observe(
        self, reading: ArmReading, time_ns: int, reference: EndEffectorControl, obj: Float64 | None
    ) -> Observation:
        """The observation at `time_ns`, on the clock of the ticks [ns]."""
        joints = reading.position
        ee = self._kinematics.forward(joints)[:3, 3].copy()
        parts: list[npt.ArrayLike] = [joints]
        if self._add.add_joint_velocity_to_observation:
            parts.append(self._velocity(joints, time_ns))
        if self._add.add_current_to_observation:
            parts.append(reading.current)
        if self._add.add_ee_pose_to_observation:
            parts.append(ee - self._home_ee)
        parts += [reference.position - ee, [reference.joints[5] - joints[5]]]
        parts += [self._action, [float(self._gripper) - float(GripperCommand.STAY)]]
        if obj is not None:
            parts += [obj, obj[:3] - ee]
        self._last = (time_ns, joints)
        return Observation(time_ns, np.concatenate(parts).astype(np.float32), joints, ee, obj)

    def _velocity(self, joints: Float64, time_ns: int) -> Float64:
        """Over the measured time since the last observation [rad/s]; zero at the first."""
        if self._last is None or time_ns <= self._last[0]:
            return np.zeros(6)
        return (joints - self._last[1]) / ((time_ns - self._last[0]) * 1e-9)
