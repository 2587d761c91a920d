"""Where the arms have last been told to be; what is commanded next starts from here, not from what is measured."""

from collections.abc import Sequence

import numpy as np

from hilrt.control.tick import Float64, Tick
from hilrt.robots.kinematics import Kinematics
from hilrt.step.record import Float32, GripperCommand


class Setpoint:
    """The last command of all arms: sag and lag never add up, because neither is in it."""

    def __init__(self, kinematics: Sequence[Kinematics], axes: int) -> None:
        """`axes`: of one arm's action."""
        arms = len(kinematics)
        self._kinematics = kinematics
        self.sent: Float64 = np.zeros((arms, 6))
        """The goals that were sent last, shape (arms, 6) [rad]: what limits start from, whatever is measured."""
        self.joints = self.sent
        """Where the next command starts, shape (arms, 6) [rad]: there, but for an arm that is held back."""
        self.pose: Float64 = np.tile(np.eye(4), (arms, 1, 1))
        """T_base_ee, shape (arms, 4, 4) [m]; where inverse kinematics gave up orientation, the wanted one."""
        self.sent_pose = self.pose
        """The same of `sent`."""
        self.action: Float32 = np.zeros((arms, axes), np.float32)
        self.gripper: tuple[GripperCommand, ...] = (GripperCommand.STAY,) * arms

    def anchor(self, joints: Float64) -> None:
        """Start anew from these joints, shape (arms, 6) [rad]."""
        self.sent = self.joints = joints.copy()
        self.sent_pose = self.pose = self.pose_of(joints)
        self.action = np.zeros_like(self.action)
        self.gripper = (GripperCommand.STAY,) * len(joints)

    def pose_of(self, joints: Float64) -> Float64:
        """T_base_ee, shape (arms, 4, 4) [m], of joints (arms, 6) [rad]."""
        return np.array([k.forward(q) for k, q in zip(self._kinematics, joints, strict=True)])

    def catch_up(self, measured: Float64, reach: Float64) -> bool:
        """Go on from the last command, but no further than `reach` ahead of the arm [rad]; whether that changed it.

        An arm that something holds back is not driven on into it; one that only lags or sags a little does not drop.
        The gripper keeps its goal, and so its force.

        Args:
            measured: shape (arms, 6) [rad].
            reach: shape (arms, 6) [rad].
        """
        ahead, reach = (self.joints - measured)[:, :5], reach[:, :5]
        held = np.flatnonzero((np.abs(ahead) > reach).any(axis=1)).tolist()
        for arm in held:
            self.joints, self.pose = self.joints.copy(), self.pose.copy()
            self.joints[arm, :5] = measured[arm, :5] + np.clip(ahead[arm], -reach[arm], reach[arm])
            self.pose[arm, :3, 3] = self._kinematics[arm].forward(self.joints[arm])[:3, 3]
        return bool(held)

    def commit(self, tick: Tick) -> None:
        """The tick's command has been sent."""
        self.sent = self.joints = tick.joint_goal
        self.sent_pose = self.pose = tick.target
        self.action = tick.action.reshape(self.action.shape)
        self.gripper = tick.gripper
