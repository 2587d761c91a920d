"""Steps from what is wanted to goal positions: who decides, the set-point, workspace box, joints, limits."""

from collections.abc import Sequence

import numpy as np

from hilrt.control.grip import Grip
from hilrt.control.observation import JOINTS
from hilrt.control.pipeline import Signal, Stateless
from hilrt.control.rotation import leashed, tilted
from hilrt.control.safety import JointLimits
from hilrt.control.setpoint import Setpoint
from hilrt.control.tick import Float64, Tick
from hilrt.control.workspace import LIMITS, TARGET, Workspace
from hilrt.errors import ActionError
from hilrt.robots.kinematics import Kinematics
from hilrt.step.record import GripperCommand, Limit

ACTION = Signal("action", ("action",))
GRIPPER = Signal("gripper", ("arms",))
DELTA = Signal("delta", ("arms", "axes"), "m or rad")
HANDOVER = Signal("handover")
GOAL = Signal("joint_goal", ("arms", 6), "rad")

HANDOVER_LEAD = float(np.deg2rad(10.0))
"""How far the command may be ahead of an arm that changes hands [rad]: more than gravity and friction make of it."""
LEAD = float(np.deg2rad(20.0))
"""How far it may ever be, beside one tick of the fastest motion [rad]."""
LEASH = 0.1
"""How far a wanted orientation may be ahead of the one that the arm can follow [rad]."""


class Intervention:
    """Takes the operator's action while she has the arm, the policy's otherwise; notes when the arm changes hands."""

    name = "intervention"
    reads = (Signal("wish"), Signal("policy_action", ("action",)), Signal("policy_gripper", ("arms",)))
    writes = (Signal("human"), HANDOVER, ACTION, GRIPPER)

    def __init__(self, arms: int, axes: int, *, gripper: bool, operator_gripper: bool) -> None:
        """`gripper`: whether the action has one; `operator_gripper`: whether the device moves it."""
        self._size = arms * axes
        self._stay = (GripperCommand.STAY,) * arms
        self._gripper, self._operator_gripper = gripper, operator_gripper
        self._human: bool | None = None

    def begin(self) -> None:
        """The set-point is fresh: the first tick is no handover."""
        self._human = None

    def __call__(self, tick: Tick) -> None:
        tick.human = tick.wish.intervening
        tick.handover = self._human is not None and self._human is not tick.human
        self._human = tick.human
        action = tick.wish.action or None if tick.human else tick.policy_action
        tick.action = np.zeros(self._size, np.float32) if action is None else np.asarray(action, np.float32)
        gripper = tick.wish.gripper if tick.human and self._operator_gripper else tick.policy_gripper
        tick.gripper = gripper if gripper and self._gripper else self._stay


class Delta(Stateless):
    """Action to motion: kept to one full step, then in units of the axis steps. From here on it is what is recorded.

    Box and joint limits are not in it: they belong to the world that answers to the action. Were they in it, an actor
    that pushes against the box would never see what its own action is worth, and the critics' guess about it would
    feed on itself.
    """

    name = "delta"
    reads = (ACTION,)
    writes = (ACTION, DELTA, LIMITS)

    def __init__(self, steps: Float64, arms: int) -> None:
        """`steps`: motion of a full action, shape (axes,) [m or rad]."""
        self._steps, self._arms = steps, arms
        self._size = arms * len(steps)

    def __call__(self, tick: Tick) -> None:
        """Raises `ActionError`: a NaN would be recorded, and would come back in the next state."""
        action = np.asarray(tick.action, np.float32)
        if action.shape != (self._size,) or not np.isfinite(action).all():
            raise ActionError(self._size, tick.action)
        if np.abs(action).max(initial=0.0) > 1.0:
            tick.limits |= Limit.STEP
            action = np.clip(action, np.float32(-1.0), np.float32(1.0))
        tick.action = action
        tick.delta = action.reshape(self._arms, -1) * self._steps


class Leash:
    """Keeps the last command near an arm that something holds back, and nearer when it changes hands.

    One reading moves nothing: of each joint's last two, the one nearer to its goal counts. When the arm changes hands,
    the way that it was sent last is not held against it: an arm in motion is a tick behind, and nobody brakes it.
    """

    name = "leash"
    reads = (HANDOVER, JOINTS)
    writes = (LIMITS,)

    def __init__(self, setpoint: Setpoint, max_step: float) -> None:
        """`max_step`: of a joint's goal in one tick [rad]."""
        self._setpoint, self._max_step = setpoint, max_step
        self.begin()

    def begin(self) -> None:
        """The set-point is fresh, and the arm is there."""
        self._sent = self._setpoint.sent
        self._last: Float64 | None = None
        self._ticks = 0.0
        """That a change of hands goes on for: the command may need several to come near."""

    def __call__(self, tick: Tick) -> None:
        seen, sent = tick.joints, self._setpoint.sent
        if self._last is not None:
            seen = np.where(np.abs(sent - self._last) < np.abs(sent - seen), self._last, seen)
        ahead = sent - seen
        near = HANDOVER_LEAD + np.maximum((sent - self._sent) * np.sign(ahead), 0.0)
        self._last, self._sent = tick.joints, sent
        if tick.handover:
            self._ticks = float((np.abs(ahead) - near)[:, :5].max()) / self._max_step
        changing = tick.handover or self._ticks > 0.0
        self._ticks -= 1.0
        reach = near if changing else np.full_like(near, LEAD + self._max_step)
        if self._setpoint.catch_up(seen, reach):
            tick.limits |= Limit.HELD


class ReferenceAndDelta(Stateless):
    """The last commanded pose, moved by the action."""

    name = "reference_and_delta"
    reads = (DELTA,)
    writes = (TARGET,)

    def __init__(self, setpoint: Setpoint, axes: Sequence[str], root: Float64) -> None:
        """`axes` by name; `root`: see `tilted`."""
        self._setpoint, self._root = setpoint, root
        self._linear = [(i, "xyz".index(axis)) for i, axis in enumerate(axes) if axis in "xyz"]
        self._pitch, self._roll = (axes.index(axis) if axis in axes else None for axis in ("pitch", "roll"))

    def __call__(self, tick: Tick) -> None:
        tick.target = self._setpoint.pose.copy()
        for i, row in self._linear:
            tick.target[:, row, 3] += tick.delta[:, i]
        if self._pitch is not None or self._roll is not None:
            for arm, before in enumerate(self._setpoint.pose):
                pitch = tick.delta[arm, self._pitch] if self._pitch is not None else 0.0
                roll = tick.delta[arm, self._roll] if self._roll is not None else 0.0
                tick.target[arm, :3, :3] = tilted(before, tick.target[arm, :3, 3], self._root, pitch, roll)


class InverseKinematics(Stateless):
    """Target to joints; out of reach the arm goes as near as it can, and the target stays where it can follow."""

    name = "inverse_kinematics"
    reads = (TARGET,)
    writes = (GOAL, TARGET, LIMITS)

    def __init__(
        self, setpoint: Setpoint, kinematics: Sequence[Kinematics], workspace: Workspace, *, turns: bool
    ) -> None:
        """`turns`: whether pitch or roll are actions."""
        self._setpoint, self._kinematics, self._workspace = setpoint, kinematics, workspace
        self._turns = turns

    def __call__(self, tick: Tick) -> None:
        tick.joint_goal = self._setpoint.joints.copy()
        for arm, kinematics in enumerate(self._kinematics):
            solution = kinematics.inverse(tick.joint_goal[arm], tick.target[arm])
            if solution.converged:
                tick.joint_goal[arm, :5] = solution.q
            else:
                tick.limits |= Limit.REACH
                self._go_as_near_as_possible(tick, arm, solution.q)
            if self._turns:
                self._keep_turn_in_reach(tick, arm)

    def _keep_turn_in_reach(self, tick: Tick, arm: int) -> None:
        """Else it would wind up: turned on and on at the end of a joint, the tool swings back the other way at pi."""
        reached = self._kinematics[arm].forward(tick.joint_goal[arm])[:3, :3]
        tick.target[arm, :3, :3], cut = leashed(tick.target[arm, :3, :3], reached, LEASH)
        if cut:
            tick.limits |= Limit.REACH

    def _go_as_near_as_possible(self, tick: Tick, arm: int, joints: Float64) -> None:
        """Move only if that is nearer, no longer a step than allowed, and not out of the box."""
        before, target, box = self._setpoint.pose[arm, :3, 3], tick.target[arm, :3, 3], self._workspace.now
        reached = self._kinematics[arm].forward(joints)[:3, 3]
        nearer = np.linalg.norm(reached - target) < np.linalg.norm(before - target)
        if nearer and (np.abs(reached - before) <= box.step).all() and box.contains(arm, reached, before):
            tick.joint_goal[arm, :5] = joints
            tick.target[arm, :3, 3] = reached
        else:
            tick.target[arm] = self._setpoint.pose[arm]


class JointDelta(Stateless):
    """Joint control, where no inverse kinematics is configured: the last commanded joints, moved by the action."""

    name = "joint_delta"
    reads = (DELTA,)
    writes = (GOAL, TARGET)

    def __init__(self, setpoint: Setpoint, kinematics: Sequence[Kinematics]) -> None:
        self._setpoint, self._kinematics = setpoint, kinematics

    def __call__(self, tick: Tick) -> None:
        tick.joint_goal = self._setpoint.joints.copy()
        tick.joint_goal[:, :5] += tick.delta
        tick.target = np.array([k.forward(q) for k, q in zip(self._kinematics, tick.joint_goal, strict=True)])


class GripperToJoint(Stateless):
    """Close and open move the gripper's goal at the joint velocity limit; stay keeps its goal, and so its force.

    A jaw that an object stops is not driven on into it: see `Grip`.
    """

    name = "gripper_to_joint"
    reads = (GRIPPER, GOAL)
    writes = (GOAL,)

    def __init__(self, setpoint: Setpoint, limits: JointLimits, grip: Grip) -> None:
        self._setpoint, self._limits, self._grip = setpoint, limits, grip

    def __call__(self, tick: Tick) -> None:
        steps = np.array([int(command) - int(GripperCommand.STAY) for command in tick.gripper])
        kept = self._grip.kept(self._setpoint.joints)[:, 5]
        tick.joint_goal[:, 5] = kept + steps * self._limits.opening_step
        tick.joint_goal = self._grip.near(tick.joint_goal)
