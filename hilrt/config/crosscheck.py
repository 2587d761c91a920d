"""Checks the values of a task file against each other."""

import math
import os
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

from hilrt.config import SIM_CAMERAS, Bounds, CameraControls, Config, InverseKinematics
from hilrt.config.envcheck import check_environment
from hilrt.config.picturecheck import check_crops, check_encoder
from hilrt.config.resetcheck import check_reset
from hilrt.config.rewardcheck import Fail, check_reward
from hilrt.config.simcheck import check_sim
from hilrt.config.state import state_groups
from hilrt.errors import ConfigError

NAME = re.compile(r"[A-Za-z0-9_-]+")


def check(config: Config, source: str) -> None:
    """Check values against each other.

    Raises:
        ConfigError: the first contradiction found.
    """

    def fail(path: str, problem: str) -> None:
        raise ConfigError(source, f"$.{path}: {problem}")

    final = config.learner.bc_weight_final
    if final is not None and final > config.learner.bc_weight:
        fail("learner.bc_weight_final", "exceeds bc_weight; the weight only falls.")
    networks = config.policy.networks
    if networks.std_initial >= networks.std_max:
        problem = f"std_initial = {networks.std_initial:g} is not below std_max = {networks.std_max:g}"
        fail("policy.networks", f"{problem}: the noise could never be learned. Set both.")
    if config.in_environment:
        check_environment(config, fail)
        return
    _check_arms(config, fail)
    _check_steps_of_action(config, fail)
    _check_workspace(config, fail)
    _check_area(config, fail)
    _check_operator(config, fail)
    _check_leaders(config, fail)
    _check_cameras(config, fail)
    _check_steps(config, fail)
    if config.sim is not None:
        check_sim(config, config.sim, fail)
    check_reward(config, fail)
    check_reset(config, fail)
    _check_park_pose(config, fail)
    low, high = config.safety.min_voltage_v, config.safety.max_voltage_v
    if low is not None and low >= high:
        fail("safety.min_voltage_v", f"is not below max_voltage_v = {high}.")


def _check_arms(config: Config, fail: Fail) -> None:
    robot = config.robot
    if robot.arms and (robot.port or robot.id):
        fail("robot", "has arms, which have ports and ids of their own. Remove robot.port and robot.id.")
    if len(robot.arms) == 1 or len(robot.arms) > 2:
        fail("robot.arms", f"names {len(robot.arms)} arms. Name two, or use robot.port and robot.id for one.")
    for side, arm in robot.sides.items():
        if not (arm.fixed_reset_joint_positions or config.processor.reset.fixed_reset_joint_positions):
            fail("processor.reset.fixed_reset_joint_positions", "missing; it is the start pose.")
        where = f"robot.arms.{side}" if side else "robot"
        if side and not side.isidentifier():
            fail("robot.arms", f'"{side}" cannot be part of a name; use letters, digits and underscores.')
        if not arm.id:
            fail(f"{where}.id", "missing; it names the calibration file.")
        if config.sim is None and not arm.port:
            fail(f"{where}.port", "empty. Name the arm's serial device, or add a [sim] table.")
        if config.sim is not None and arm.port:
            fail(f"{where}.port", f"is {arm.port}, but [sim] brings its own. Remove one of the two.")
        _check_opening(config, side, fail)
    _check_ports(config, fail)


def _check_ports(config: Config, fail: Fail) -> None:
    """Each arm has a bus of its own: no device twice, by whatever names."""
    owners: dict[str, tuple[str, str]] = {}
    for table, arms in (("robot", config.robot.sides), ("teleop", config.teleop.leaders)):
        for side, arm in arms.items():
            where = f"{table}.arms.{side}.port" if side else f"{table}.port"
            other, port = owners.setdefault(os.path.realpath(arm.port), (where, arm.port))
            if arm.port and other != where:
                same = f"{arm.port}, which is {port}" if port != arm.port else port
                fail(
                    where,
                    f"is {same}, the port of $.{other}. Two arms cannot be on one: each has a bus of its own.",
                )


def _check_opening(config: Config, side: str, fail: Fail) -> None:
    own = side and config.robot.arms[side].fixed_reset_joint_positions
    where = f"robot.arms.{side}" if own else "processor.reset"
    _check_gripper(config, f"{where}.fixed_reset_joint_positions", config.reset_pose(side)[-1], fail)


def _check_gripper(config: Config, where: str, position: float, fail: Fail) -> None:
    """The last number of a pose."""
    if not 0.0 <= position <= 100.0:
        fail(where, f"the last, {position}, is the gripper's position: 0 .. 100.")
    opening = abs(position - (100 - config.processor.gripper.open_position))
    if opening > config.processor.max_gripper_pos:
        widest = config.processor.max_gripper_pos
        fail(where, f"opens the gripper by {opening:g}, more than max_gripper_pos = {widest:g}.")


def _check_park_pose(config: Config, fail: Fail) -> None:
    if (pose := config.safety.park_pose) is not None:
        _check_gripper(config, "safety.park_pose", pose[-1], fail)
    elif config.safety.park_torque != "hold":
        fail("safety.park_torque", "is for the arm at its park_pose, and there is none. Give one.")


def _check_workspace(config: Config, fail: Fail) -> None:
    ik = config.processor.inverse_kinematics
    if ik is None:
        for side, arm in config.robot.arms.items():
            if arm.end_effector_bounds:
                problem = "needs [processor.inverse_kinematics]: joint control has no box. Remove one."
                fail(f"robot.arms.{side}.end_effector_bounds", problem)
        return
    where = "processor.inverse_kinematics"
    if ik.urdf_path and not Path(ik.urdf_path).is_file():
        fail(f"{where}.urdf_path", f"no such file: {ik.urdf_path}.")
    if not ik.end_effector_step_sizes.axes:
        fail(f"{where}.end_effector_step_sizes", "names no axis; there are x, y, z, pitch, roll.")
    _check_box(ik.end_effector_bounds, ik, f"{where}.end_effector_bounds", fail)
    for side, arm in config.robot.arms.items():
        if arm.end_effector_bounds:
            _check_box(arm.end_effector_bounds, ik, f"robot.arms.{side}.end_effector_bounds", fail)


def _check_area(config: Config, fail: Fail) -> None:
    reset = config.processor.reset
    if reset.next_place == "weak" and config.robot.arms:
        fail("processor.reset.next_place", '"weak" is for one arm. Remove it.')
    if reset.next_place == "weak" and not (reset.area or config.sim or config.processor.inverse_kinematics):
        fail("processor.reset.next_place", '"weak" needs processor.reset.area: joint control has no box.')
    if area := config.processor.reset.area:
        for axis, low, high in zip("xy", area.min, area.max, strict=True):
            if low >= high:
                problem = f"min {axis} = {low} is not below max {axis} = {high}. Swap or widen them."
                fail("processor.reset.area", problem)


def _check_steps_of_action(config: Config, fail: Fail) -> None:
    """A full action that no joint is fast enough for would be recorded, and not done."""
    processor, fps, fastest = config.processor, config.env.fps, config.safety.max_joint_velocity_deg_s
    turns = {f"d{axis}" for axis in ("pitch", "roll")}
    by_joint = processor.inverse_kinematics is None
    for name, scale in zip(processor.action_names, config.action_scale, strict=True):
        speed = math.degrees(scale) * fps
        if (by_joint or name in turns) and speed > fastest * (1 + 1e-9):
            where = "joint_step_deg" if by_joint else f"inverse_kinematics.end_effector_step_sizes.{name[1:]}"
            problem = (
                f"a full step on every tick is {speed:.0f} deg/s, more than safety.max_joint_velocity_deg_s"
            )
            fail(f"processor.{where}", f"{problem} = {fastest:g}. Make the step smaller.")
    if processor.joint_step_deg is not None and not by_joint:
        fail(
            "processor.joint_step_deg", "is for joint control; with [processor.inverse_kinematics] remove it."
        )
    if processor.gripper.gripper_penalty and not processor.gripper.use_gripper:
        fail(
            "processor.gripper.gripper_penalty",
            "penalises a gripper that use_gripper = false takes away. Remove it.",
        )


def _check_box(box: Bounds, ik: InverseKinematics, where: str, fail: Fail) -> None:
    steps = ik.end_effector_step_sizes.axes
    for axis, low, high in zip("xyz", box.min, box.max, strict=True):
        if low >= high:
            fail(where, f"min {axis} = {low} is not below max {axis} = {high}. Swap or widen them.")
        if high - low <= steps.get(axis, 0.0):
            fail(where, f"{axis} spans {high - low:.3f} m, not more than one step of {steps[axis]} m.")


def _check_operator(config: Config, fail: Fail) -> None:
    teleop, processor = config.teleop, config.processor
    if processor.control_mode and processor.control_mode != ("leader" if teleop.leads else teleop.type):
        problem = f'is "{processor.control_mode}", but teleop.type is "{teleop.type}". Remove one of the two.'
        fail("processor.control_mode", problem)
    if teleop.scripted.hold_steps[0] > teleop.scripted.hold_steps[1]:
        fail("teleop.scripted.hold_steps", "the shortest exceeds the longest.")
    if teleop.type == "scripted":
        if config.sim is None:
            fail("teleop.type", '"scripted" needs the simulator. Use "keyboard", or add a [sim] table.')
        if processor.inverse_kinematics is None:
            fail(
                "teleop.type",
                '"scripted" moves the end effector. Add [processor.inverse_kinematics], or use "keyboard".',
            )


def _check_leaders(config: Config, fail: Fail) -> None:
    teleop = config.teleop
    if not teleop.leads:
        for key in ("port", "id", "arms", "auto_takeover"):
            if getattr(teleop, key):
                fail(
                    f"teleop.{key}",
                    f'is for leader arms, but teleop.type is "{teleop.type}". Remove one of the two.',
                )
        return
    if teleop.device:
        fail("teleop.device", "is for gamepads and keyboards; a leader arm has a port. Remove it.")
    if teleop.arms and (teleop.port or teleop.id):
        fail("teleop", "has arms, which have ports and ids of their own. Remove teleop.port and teleop.id.")
    if teleop.leaders.keys() != config.robot.sides.keys():
        _fail_sides(config, fail)
    for side, leader in teleop.leaders.items():
        where = f"teleop.arms.{side}" if side else "teleop"
        if not leader.id:
            fail(f"{where}.id", "missing; it names the leader's calibration file.")
        if config.sim is None and not leader.port:
            fail(f"{where}.port", "empty. Name the leader arm's serial device, or add a [sim] table.")
        if config.sim is not None and leader.port:
            fail(f"{where}.port", f"is {leader.port}, but [sim] brings its own. Remove one of the two.")


def _fail_sides(config: Config, fail: Fail) -> None:
    """Say which leader is missing or too many."""
    if config.robot.arms:
        sides = ", ".join(config.robot.arms)
        has = (
            f"there are leaders for {', '.join(config.teleop.arms)}"
            if config.teleop.arms
            else "one leader has no side"
        )
        fail("teleop.arms", f"each follower arm needs its leader, by the same name: {sides}; {has}.")
    fail("teleop.arms", "names sides, but there is one follower arm. Use teleop.port and teleop.id.")


def _check_cameras(config: Config, fail: Fail) -> None:
    for name, camera in config.robot.cameras.items():
        where = f"robot.cameras.{name}"
        if not NAME.fullmatch(name):  # files are named after it
            fail("robot.cameras", f'"{name}" is no name of a camera: use letters, digits, _ and -.')
        if camera.type == "sim" and config.sim is None:
            fail(f"{where}.type", '"sim" needs a [sim] table.')
        if camera.type == "sim" and name not in SIM_CAMERAS:
            fail(where, f"the simulator has no camera of this name; there are: {', '.join(SIM_CAMERAS)}.")
        if camera.fps < config.env.fps:
            fail(f"{where}.fps", f"{camera.fps} is below env.fps = {config.env.fps}.")
        if camera.max_age_s < 2 / camera.fps:
            fail(f"{where}.max_age_s", f"{camera.max_age_s} is less than two frames at {camera.fps} fps.")
        played = camera.path.is_file() or camera.path.is_dir()
        if camera.controls != CameraControls() and (camera.type != "opencv" or played):
            fail(f"{where}.controls", "only a device has them. Remove the table.")
        if len(camera.fourcc) != 4:
            fail(f"{where}.fourcc", f'"{camera.fourcc}" has not four characters.')
    devices = [(name, os.path.realpath(c.path)) for name, c in config.robot.real_cameras.items()]
    for (name, device), (other, same) in combinations(devices, 2):
        if device == same and not (Path(device).is_file() or Path(device).is_dir()):
            fail(
                f"robot.cameras.{other}.index_or_path",
                f"is {device}, as that of {name} is. hilrt find-cameras shows which there are.",
            )
    if config.processor.observation.display_cameras and not config.robot.cameras:
        fail(
            "processor.observation.display_cameras", "is on, but there are no cameras under [robot.cameras]."
        )
    check_crops(config, fail)
    check_encoder(config, fail)


def _check_steps(config: Config, fail: Fail) -> None:
    steps = config.processor.steps
    if twice := [name for name, count in Counter(step.step for step in steps).items() if count > 1]:
        fail("processor.steps", f"{twice[0]} is named twice.")
    for i, step in enumerate(steps):
        if step.state and step.pipeline != "observation":
            fail(f"processor.steps[{i}].state", "only a step of the observation pipeline adds to the state.")
        if step.state and step.before not in {"", "state"}:
            fail(f"processor.steps[{i}].before", "a step that adds to the state comes last, before `state`.")
    state = (name for names in state_groups(config).values() for name in names)
    if twice := [name for name, count in Counter(state).items() if count > 1]:
        fail("processor.steps", f"the state has {twice[0]} twice.")
