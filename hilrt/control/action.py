"""From a normalised action to goal positions: reference, workspace box, inverse kinematics, joint limits."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hilrt.config import MOTORS, Config
from hilrt.control.kinematics import Kinematics
from hilrt.control.safety import JointLimits
from hilrt.errors import ArmBlockedError
from hilrt.record import GripperCommand

Float64 = npt.NDArray[np.float64]

SETTLE_TICKS = 2


class Command(NamedTuple):
    """What is sent, and the action it amounts to."""

    joint_goal: Float64
    """Shape (6,) [rad]."""
    executed: npt.NDArray[np.float32]
    """Shape (3,), in [-1, 1]: the action carried out. Box and joint limits are not in it: they belong to the world
    that answers to the action. Were they in it, an actor that pushes against the box would never see what its own
    action is worth, and the critics' guess about it would feed on itself."""
    solved: bool
    """Whether inverse kinematics reached the reference."""


class EndEffectorControl:
    """Moves a reference point by the action and turns it into joints.

    The reference is the last commanded position, not the measured one: sag and lag never add up.
    """

    def __init__(self, config: Config, kinematics: Kinematics, limits: JointLimits) -> None:
        steps = config.processor.inverse_kinematics.end_effector_step_sizes
        bounds = config.processor.inverse_kinematics.end_effector_bounds
        self._kinematics = kinematics
        self._limits = limits
        self._step = np.array([steps.x, steps.y, steps.z])
        self._low, self._high = np.array(bounds.min), np.array(bounds.max)
        self.joints = np.zeros(6)
        self.pose = np.eye(4)

    @property
    def position(self) -> Float64:
        """Reference position, shape (3,), base frame [m]."""
        return self.pose[:3, 3]

    def anchor(self, joints: Float64) -> None:
        """Start from these joints, shape (6,) [rad]: the reference is where they put the end effector."""
        self.joints = joints.copy()
        self.pose = self._kinematics.forward(joints)

    def command(self, action: npt.ArrayLike, gripper: GripperCommand) -> Command:
        """Advance the reference by one action.

        A reference outside the box is led back a step at a time.

        Args:
            action: shape (3,), in [-1, 1], in units of the axis steps.
            gripper: close and open move the gripper's goal at the joint velocity limit; stay keeps it.
        """
        before = self.position.copy()
        executed = np.clip(action, -1.0, 1.0).astype(np.float32)
        wanted = before + executed * self._step
        inside = np.clip(wanted, self._low, self._high)
        target = before + np.clip(inside - before, -self._step, self._step)
        self.pose[:3, 3] = target
        solution = self._kinematics.inverse(self.joints, self.pose)
        if solution.converged:
            self.joints[:5] = solution.q
        else:
            self._go_as_near_as_possible(solution.q, before, target)
        self.joints[5] = self._gripper_goal(gripper)
        return Command(self.joints.copy(), executed, solution.converged)

    def _go_as_near_as_possible(self, joints: Float64, before: Float64, target: Float64) -> None:
        """Out of reach: move only if that is nearer, and keep the reference where the arm can follow."""
        reached = self._kinematics.forward(joints)[:3, 3]
        nearer = np.linalg.norm(reached - target) < np.linalg.norm(before - target)
        if nearer and (np.abs(reached - before) <= self._step).all() and self._contains(reached, before):
            self.joints[:5] = joints
            self.pose[:3, 3] = reached
        else:
            self.pose[:3, 3] = before

    def _contains(self, position: Float64, before: Float64) -> bool:
        """Whether a position is in the box, or no further out of it than the last one."""
        low, high = np.minimum(self._low, before), np.maximum(self._high, before)
        return bool(((position >= low) & (position <= high)).all())

    def _gripper_goal(self, command: GripperCommand) -> float:
        step = (int(command) - int(GripperCommand.STAY)) * self._limits.max_step
        low, high = self._limits.lower[5], self._limits.upper[5]
        return float(np.clip(self.joints[5] + step, low, high))


class ResetMove:
    """Straight in joint space to the start pose, at limited speed, from wherever the arm is."""

    def __init__(self, start: Float64, goal: Float64, max_step: float, patience: int) -> None:
        """`patience`: ticks that the arm may take to settle once it has been told to be there."""
        self._goal, self._max_step, self._patience = goal, max_step, patience
        self.joints = start.copy()
        self._ticks_at_goal = 0

    def advance(self) -> Float64:
        """The next goal positions, shape (6,) [rad]."""
        self.joints += np.clip(self._goal - self.joints, -self._max_step, self._max_step)
        self._ticks_at_goal += bool(np.allclose(self.joints, self._goal))
        return self.joints

    def arrived(self, measured: Float64) -> bool:
        """Whether the arm is there, within 3 degrees, and has settled.

        Raises:
            ArmBlockedError: it is not, and patience is at an end; an episode that began here would begin with a jump.
        """
        off = np.abs(measured - self._goal)
        worst = int(np.argmax(off))
        if off[worst] < np.deg2rad(3.0):
            return self._ticks_at_goal > SETTLE_TICKS
        if self._ticks_at_goal > self._patience:
            raise ArmBlockedError(MOTORS[worst], float(np.rad2deg(off[worst])))
        return False
