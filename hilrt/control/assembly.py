"""Builds the pipelines that a config asks for; every job uses what is built here."""

from collections.abc import Callable, Sequence

import numpy as np

from hilrt.config import MOTORS, Config, CustomStep
from hilrt.config.state import state_groups
from hilrt.control import action, guards, observation, outcome
from hilrt.control.collision import Clearance, Collisions
from hilrt.control.custom import load_step
from hilrt.control.feedforward import Feedforward
from hilrt.control.grasp import GraspDetector
from hilrt.control.grip import Grip
from hilrt.control.judge import Judge
from hilrt.control.pipeline import Pipeline, Step
from hilrt.control.possession import Possession
from hilrt.control.route import Lift, Way
from hilrt.control.safety import JointLimits
from hilrt.control.sag import Sag
from hilrt.control.setpoint import Setpoint
from hilrt.control.start import Starts
from hilrt.control.tick import Float64
from hilrt.control.underside import Underside
from hilrt.control.workspace import Box, Workspace, WorkspaceBounds
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import RobotModelError, StepError
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.run.start import require_start
from hilrt.step.features import Features

KEEPING_WEIGHT = 0.005
"""What a radian of orientation is worth in inverse kinematics [m]: the tool keeps the start pose's as it can."""
TURNING_WEIGHT = 0.02
"""The same where pitch or roll are actions, and the arm can follow both: fewer solves end with a degree missing."""
PARK_POSE = "safety.park_pose"
LEAD_BACK = 0.01
"""A step along an axis that the action does not have: see `WorkspaceBounds` [m]."""


class Pipelines:
    """From measurements to the state, from there to the outcome of the last step, and from an action to goals.

    Raises:
        RobotModelError, UnknownNameError: of the arm's description.
        StepError: a step of the user's own cannot be used.
        StartPoseError, StartOutsideBoxError, CollisionError: a start pose, or safety.park_pose, cannot be.
        ShutUnknownError: see `GraspDetector`.
    """

    def __init__(
        self,
        config: Config,
        features: Features,
        calibrations: Sequence[Calibration],
        show: observation.Show | None = None,
        judge: Judge | None = None,
        *,
        resets: bool = True,
    ) -> None:
        """`calibrations`: one for each arm; `show`: where pictures go, if anywhere.

        `judge`: is asked whether the task is done; `resets`: whether the arm may put the scene back, if the task file
        wants that.
        """
        parts = _Parts(config, calibrations)
        self.setpoint, self.limits, self.home = parts.setpoint, parts.limits, parts.home
        self.kinematics, self.sag, self.grip = parts.kinematics, parts.sag, parts.grip
        self.judge = judge
        own = [(declared, load_step(declared, config)) for declared in config.processor.steps]
        self._guard = _collision_guard(config, parts)
        self.feedforward: Feedforward | None = None
        """None where the task file wants none."""
        if config.robot.gravity_compensation:
            self.feedforward = Feedforward(self.sag, self.limits, self.meets, 1.0 / config.env.fps)
        self.park = _park_pose(config, parts, self._guard)
        self.lift = Lift(
            parts.kinematics, parts.limits, [box.max[2] if box else None for box in parts.bounds]
        ).way
        self.way: Way | None = self.lift if config.processor.reset.via == "lift" else None
        """To a start pose; None: straight."""
        reach = config.processor.reset.start_range_m
        self.starts = Starts(parts.home, parts.kinematics, parts.box if parts.ik else None, reach, self.free)
        self.possession: Possession | None = None
        """None where a person puts the scene back."""
        if resets and config.processor.reset.scene == "self":
            self.possession = Possession(config, calibrations[0], parts.limits, parts.grip)
        self.observation = _pipeline("observation", _observation(config, features, parts, show), own)
        self.outcome = _pipeline("outcome", _outcome(config, parts, judge, self.possession), own)
        self.action = _pipeline("action", _action(config, parts), own, self._guard)
        self.all = (self.observation, self.outcome, self.action)

    def begin(self, start: Float64 | None = None) -> None:
        """A new episode, from the start pose or from `start`: whatever was commanded before is forgotten."""
        self.setpoint.anchor(self.home if start is None else start)
        for pipeline in self.all:
            pipeline.begin()

    def meets(self, arm: int, goal: Float64, before: Float64) -> Clearance | None:
        """What an arm would run into on its way from `before` to `goal`, shape (6,) [rad]; None without a check."""
        return self._guard.meets(arm, goal, before) if self._guard else None

    def free(self, arm: int, joints: Float64) -> bool:
        """Whether an arm that is at these joints, shape (6,) [rad], touches nothing that the check knows of."""
        return self._guard is None or self._guard.free(arm, joints)

    def take_times_us(self) -> dict[str, float]:
        """Mean time of each step since last asked [us]."""
        return {name: us for pipeline in self.all for name, us in pipeline.take_times_us().items()}


class _Parts:
    """What steps share."""

    def __init__(self, config: Config, calibrations: Sequence[Calibration]) -> None:
        processor = config.processor
        self.ik, sides = processor.inverse_kinematics, config.robot.sides
        self.urdf = (self.ik and self.ik.urdf_path) or SO100_URDF
        self.frame = self.ik.target_frame_name if self.ik else SO100_FRAME
        self.axes = self.ik.end_effector_step_sizes.axes if self.ik else {}
        weight = TURNING_WEIGHT if self.axes.keys() & {"pitch", "roll"} else KEEPING_WEIGHT
        self.zeros = [calibration.zeros for calibration in calibrations]
        self.kinematics = [
            Kinematics(self.urdf, self.frame, orientation_weight=weight, zeros=zeros) for zeros in self.zeros
        ]
        if (carrying := self.kinematics[0].joints) != len(MOTORS) - 1:
            problem = (
                f'"{self.frame}" is carried by {carrying} joints, not by the five of an arm; name another'
            )
            raise RobotModelError(str(self.urdf), f"{problem} target_frame_name")
        self.sag = Sag(self.kinematics)
        self.calibrations = calibrations
        self.limits = JointLimits(config, calibrations, self.kinematics)
        self.bounds = [config.bounds(side) for side in sides]
        poses = [radians_from_units(config.reset_pose(side)) for side in sides]
        self.home: Float64 = self.limits.require(np.array(poses))
        self.setpoint = Setpoint(self.kinematics, len(processor.action_names))
        self.setpoint.anchor(self.home)
        self.grip = Grip(len(sides), config.robot.grip_lead_deg, self.limits.opening_step, config.env.fps)
        for arm, solver in enumerate(self.kinematics):
            solver.inverse(
                self.home[arm], self.setpoint.pose[arm]
            )  # the first call takes 30 ms: not in a tick

    @property
    def box(self) -> Box:
        bounds = self.bounds
        lead = min((step for axis, step in self.axes.items() if axis in "xyz"), default=LEAD_BACK)
        return Box(
            low=np.array([b.min for b in bounds if b]),
            high=np.array([b.max for b in bounds if b]),
            step=np.array([self.axes.get(axis, lead) for axis in "xyz"]),
        )


def _observation(
    config: Config, features: Features, parts: _Parts, show: observation.Show | None
) -> list[Step]:
    """Those that write to the state vector come in the order of its names."""
    add, setpoint = config.processor.observation, parts.setpoint
    gripper = config.processor.gripper.use_gripper
    makers: dict[str, Callable[[], Step]] = {
        "joints": observation.Joints,
        "joint_velocity": observation.JointVelocity,
        "motor_current": observation.MotorCurrent,
        "forward_kinematics": lambda: observation.ForwardKinematics(
            parts.kinematics, parts.home, in_state=add.add_ee_pose_to_observation
        ),
        "setpoint_error": lambda: observation.SetpointError(
            setpoint, by_joint=parts.ik is None, gripper=gripper
        ),
        "previous_action": lambda: observation.PreviousAction(setpoint, gripper=gripper),
        "object_pose": observation.ObjectPose,
        "other_object": observation.OtherObject,
    }
    wanted = {"forward_kinematics", *state_groups(config)}
    steps = [make() for name, make in makers.items() if name in wanted]
    steps.append(observation.State())
    if cameras := [view.name for view in features.views]:
        preprocess = Preprocess(config.processor.image_preprocessing, features)
        steps.append(observation.CropResize(cameras, preprocess))
        if show:
            steps.append(observation.Display(cameras, show))
    return steps


def _outcome(config: Config, parts: _Parts, judge: Judge | None, possession: Possession | None) -> list[Step]:
    grasp, worth = "grasp" in config.reward.by, config.processor.reward_classifier.success_reward
    return [
        *([possession] if possession else []),
        *([GraspDetector(config, parts.calibrations, parts.limits, parts.grip)] if grasp else []),
        *([judge] if judge else []),
        outcome.Success(terminate=config.processor.reset.terminate_on_success, worth=worth),
        outcome.OperatorEvents(),
        outcome.TimeLimit(config.max_episode_steps),
        outcome.Interruption(),
    ]


def _action(config: Config, parts: _Parts) -> list[Step]:
    processor, setpoint, limits = config.processor, parts.setpoint, parts.limits
    arms, axes = len(parts.kinematics), len(processor.action_names)
    intervention = action.Intervention(
        arms, axes, gripper=processor.gripper.use_gripper, operator_gripper=config.teleop.use_gripper
    )
    steps: list[Step] = [
        intervention,
        action.Delta(np.array(config.action_scale), arms),
        action.Leash(setpoint, limits.max_step),
    ]
    if parts.ik is None:
        steps.append(action.JointDelta(setpoint, parts.kinematics))
    else:
        box = parts.box
        require_start(config, setpoint.pose[:, :3, 3].tolist())
        undersides = [Underside(parts.urdf, parts.frame, zeros) for zeros in parts.zeros]
        workspace = Workspace(box, parts.sag, 1.0 / config.env.fps, undersides)
        steps += [
            action.ReferenceAndDelta(setpoint, tuple(parts.axes), parts.kinematics[0].root),
            WorkspaceBounds(setpoint, workspace),
            action.InverseKinematics(
                setpoint, parts.kinematics, workspace, turns=bool(parts.axes.keys() & {"pitch", "roll"})
            ),
        ]
    steps.append(action.GripperToJoint(setpoint, limits, parts.grip))
    return [*steps, guards.JointLimitGuard(setpoint, limits, parts.kinematics)]


def _collision_guard(config: Config, parts: _Parts) -> guards.CollisionGuard | None:
    """None where no check is wanted.

    Raises:
        CollisionError: the start pose is in a collision.
    """
    table, itself = config.safety.table_height_m, config.safety.self_collision
    if table is None and not itself:
        return None
    checks = [Collisions(parts.urdf, table_height=table, itself=itself, zeros=z) for z in parts.zeros]
    guard = guards.CollisionGuard(parts.setpoint, checks, parts.sag)
    guard.require_free(parts.home)
    return guard


def _park_pose(config: Config, parts: _Parts, guard: guards.CollisionGuard | None) -> Float64 | None:
    """Of all arms, shape (arms, 6) [rad].

    Raises:
        StartPoseError, CollisionError: it cannot be taken up.
    """
    if config.safety.park_pose is None:
        return None
    pose = np.tile(radians_from_units(config.safety.park_pose), (len(parts.home), 1))
    parts.limits.require(pose, PARK_POSE)
    if guard:
        guard.require_free(pose, "the park pose", PARK_POSE)
    return pose


BEFORE = {
    "observation": ("state",),
    "outcome": ("success",),
    "action": ("delta",),
}
"""Where a user's own step goes when the config does not say."""


def _pipeline(
    name: str, steps: list[Step], own: Sequence[tuple[CustomStep, Step]], guard: Step | None = None
) -> Pipeline:
    """The built-in steps with the user's among them, and behind all `guard`: a goal changed later is not checked."""
    for declared, step in own:
        if declared.pipeline == name:
            names = [there.name for there in steps]
            wanted = (declared.before,) if declared.before else BEFORE[name]
            place = next((i for i, there in enumerate(names) if there in wanted), None)
            if place is None:
                problem = f'cannot come before "{declared.before}"; the steps here are {", ".join(names)}'
                raise StepError(declared.step, problem)
            steps.insert(place, step)
    return Pipeline(name, [*steps, guard] if guard else steps)
