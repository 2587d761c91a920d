"""What the state vector consists of, by name."""

import re

from hilrt.config import MOTORS, Config

OBJECT = ("object.x", "object.y", "object.z", "object.sin_4yaw", "object.cos_4yaw")
"""Pose of a cube in the base frame [m]; its yaw repeats every 90 degrees."""

OBJECT_FROM_EE = ("object_from_ee.x", "object_from_ee.y", "object_from_ee.z")
"""The way that is left from the end effector to the object [m]: millimetres here decide a grasp."""

OTHER_OBJECT = ("other.x", "other.y", "other.z")
"""Place of the cube that is not meant, in the base frame [m]."""


def state_groups(config: Config) -> dict[str, tuple[str, ...]]:
    """Names in the state vector by the pipeline step that writes them, in their order; all sides of a step together."""
    processor, add = config.processor, config.processor.observation
    by_joint = processor.inverse_kinematics is None
    gripper = ("gripper",) if processor.gripper.use_gripper else ()
    moved = (*(MOTORS[:-1] if by_joint else "xyz"), *gripper)
    groups = {"joints": [f"{motor}.pos" for motor in MOTORS]}
    if add.add_joint_velocity_to_observation:
        groups["joint_velocity"] = [f"{motor}.vel" for motor in MOTORS]
    if add.add_current_to_observation:
        groups["motor_current"] = [f"{motor}.current" for motor in MOTORS]
    if add.add_ee_pose_to_observation:
        groups["forward_kinematics"] = ["ee.x", "ee.y", "ee.z"]
    groups["setpoint_error"] = [f"setpoint_error.{name}" for name in moved]
    groups["previous_action"] = [f"previous.{name}" for name in (*processor.action_names, *gripper)]
    if config.sim and config.sim.observe_object:
        groups["object_pose"] = [*OBJECT, *OBJECT_FROM_EE]
        if config.has_other_object:
            groups["other_object"] = [*OTHER_OBJECT]
    named = {
        step: tuple(name_of(side, name) for side in config.robot.sides for name in names)
        for step, names in groups.items()
    }
    own = {step.step: step.state for step in processor.steps if step.state}
    return {**named, **own}


def name_of(side: str, name: str) -> str:
    """With its arm's, where there are two."""
    return f"{side}.{name}" if side else name


LEAST_SPREAD = {
    r"\.pos$": 0.01,
    r"\.vel$": 0.1,
    r"\.current$": 0.05,
    r"\b(ee|object|object_from_ee|other)\.[xyz]$": 1e-3,
    r"\bsetpoint_error\.[xyz]$": 1e-2,
    r"\bsetpoint_error\.": 0.05,
    r"\bobject\.(sin|cos)_": 0.05,
    r"\bprevious\.": 0.1,
}
"""About what the arm's play and the sensors' noise come to, each in the entry's own unit (rad, rad/s, A, m, 1).

How far an arm hangs behind its goals differs by a centimetre from arm to arm, and as it warms and wears: where that was
measured by the millimetre, a policy that won 98 of 100 on one arm won none on another."""


def least_spread(name: str) -> float:
    """Spread below which a state entry tells nothing; 0 where its unit is not known."""
    return next((spread for pattern, spread in LEAST_SPREAD.items() if re.search(pattern, name)), 0.0)
