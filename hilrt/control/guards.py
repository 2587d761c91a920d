"""The last steps of the action pipeline: what no goal gets past, whatever came before."""

from collections.abc import Sequence

import numpy as np

from hilrt.control.action import GOAL
from hilrt.control.collision import Clearance, Collisions
from hilrt.control.pipeline import Stateless
from hilrt.control.safety import JointLimits
from hilrt.control.sag import Sag
from hilrt.control.setpoint import Setpoint
from hilrt.control.tick import Float64, Tick
from hilrt.control.workspace import LIMITS, TARGET
from hilrt.errors import START_POSE, CollisionError
from hilrt.robots.kinematics import Kinematics
from hilrt.step.record import Limit

CLEARANCE = 0.002
"""Distance kept in a collision check [m]."""


class CollisionGuard(Stateless):
    """An arm whose goal would bring it into itself or into the table stays where it is; the way out is free.

    It comes after all that changes a goal: what it checks is what is sent, and where an arm hangs that is told so. The
    gripper of an arm that is stopped still moves where that is free: it must be able to let go.
    """

    name = "collision_guard"
    reads = (GOAL, TARGET)
    writes = (GOAL, TARGET, LIMITS)

    def __init__(self, setpoint: Setpoint, checks: Sequence[Collisions], sag: Sag) -> None:
        self._setpoint, self._checks, self._sag = setpoint, checks, sag

    def __call__(self, tick: Tick) -> None:
        for arm, goal in enumerate(tick.joint_goal):
            before = self._setpoint.sent[arm]
            if self._barred(arm, goal, before) is None:
                continue
            tick.limits |= Limit.COLLISION
            gripper_alone = np.append(before[:5], goal[5])
            tick.joint_goal[arm] = before if self._barred(arm, gripper_alone, before) else gripper_alone
            tick.target = tick.target.copy()
            tick.target[arm] = self._setpoint.sent_pose[arm]

    def _barred(self, arm: int, goal: Float64, before: Float64) -> Clearance | None:
        """What would be too near an arm that is told to be there, or hangs from there."""
        under = self._sag.under
        return self.meets(arm, goal, before) or self.meets(arm, under(arm, goal), under(arm, before))

    def meets(self, arm: int, goal: Float64, before: Float64) -> Clearance | None:
        """What is too near at `goal`, shape (6,) [rad], and nearer than at `before`; None where the way is free."""
        there = self._checks[arm].clearance(goal)
        if there.distance >= CLEARANCE or there.distance >= self._checks[arm].clearance(before).distance:
            return None
        return there

    def free(self, arm: int, joints: Float64) -> bool:
        """Whether nothing is too near an arm there, shape (6,) [rad]."""
        return self._checks[arm].clearance(joints).distance >= CLEARANCE

    def require_free(self, pose: Float64, name: str = "the start pose", option: str = START_POSE) -> None:
        """Look at a pose of the task file, shape (arms, 6) [rad].

        Raises:
            CollisionError: something is too near there.
        """
        for check, joints in zip(self._checks, pose, strict=True):
            there = check.clearance(joints)
            if there.distance < CLEARANCE:
                raise CollisionError(f"at {name}", there.first, there.second, option)


class JointLimitGuard(Stateless):
    """No joint leaves its range or moves faster than it may, whatever came before; one outside comes back slowly."""

    name = "joint_limits"
    reads = (GOAL, TARGET)
    writes = (GOAL, TARGET, LIMITS)

    def __init__(self, setpoint: Setpoint, limits: JointLimits, kinematics: Sequence[Kinematics]) -> None:
        self._setpoint, self._limits, self._kinematics = setpoint, limits, kinematics

    def __call__(self, tick: Tick) -> None:
        before, limits = self._setpoint.sent, self._limits
        goal = np.clip(limits.clip(tick.joint_goal), before - limits.max_step, before + limits.max_step)
        for arm in np.flatnonzero((goal != tick.joint_goal)[:, :5].any(axis=1)).tolist():
            tick.target = tick.target.copy()  # the reference stays where the arm is told to be
            tick.target[arm, :3, 3] = self._kinematics[arm].forward(goal[arm])[:3, 3]
        tick.limits |= limits.touched(goal, before)
        tick.joint_goal = goal
