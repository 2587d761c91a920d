"""What becomes of fields of arm, cameras and operator's device (`env.robot`, `env.teleop`)."""

from hilrt.setup.lerobot import turns
from hilrt.setup.lerobot.rule import Carry, Leave, Note, Rules

IK = "processor.inverse_kinematics"

ROBOT: Rules = {
    "env.robot.type": Carry("robot.type", turns.robot_type),
    "env.robot.port": Carry("robot.port"),
    "env.robot.id": Carry("robot.id"),
    "env.robot.calibration_dir": Note("robot calibration", "see the calibration below"),
    "env.robot.use_degrees": Note("use_degrees", "joints are in degrees here"),
    "env.robot.disable_torque_on_disconnect": Leave(
        "safety.park_pose, park_torque and on_crash say what holds"
    ),
    "env.robot.max_relative_target": Leave("safety.max_joint_velocity_deg_s limits every command here"),
    # of earlier versions, in which the arm knew its own workspace
    "env.robot.urdf_path": Carry(f"{IK}.urdf_path", turns.urdf),
    "env.robot.target_frame_name": Carry(f"{IK}.target_frame_name"),
    "env.robot.end_effector_bounds.*": Carry(f"{IK}.end_effector_bounds.*"),
    "env.robot.end_effector_step_sizes.*": Carry(f"{IK}.end_effector_step_sizes.*"),
    "env.robot.action_scale": Carry(f"{IK}.end_effector_step_sizes", turns.on_each_axis),
    "env.robot.max_gripper_pos": Carry("processor.max_gripper_pos"),
}
CAMERA: Rules = {
    "env.robot.cameras.*.type": Carry("robot.cameras.*.type", turns.camera_type),
    "env.robot.cameras.*.index_or_path": Carry("robot.cameras.*.index_or_path"),
    "env.robot.cameras.*.width": Carry("robot.cameras.*.width"),
    "env.robot.cameras.*.height": Carry("robot.cameras.*.height"),
    "env.robot.cameras.*.fps": Carry("robot.cameras.*.fps"),
    "env.robot.cameras.*.rotation": Carry("robot.cameras.*.rotation", turns.rotation),
    "env.robot.cameras.*.fourcc": Carry("robot.cameras.*.fourcc"),
    "env.robot.cameras.*.color_mode": Leave("pictures are RGB here"),
    "env.robot.cameras.*.warmup_s": Leave("a run waits for each camera's first picture"),
    "env.robot.cameras.*.backend": Leave("V4L2 is the only one here"),
}
TELEOP: Rules = {
    "env.teleop.type": Carry("teleop.type", turns.teleop_type),
    "env.teleop.port": Carry("teleop.port"),
    "env.teleop.id": Carry("teleop.id"),
    "env.teleop.use_gripper": Carry("teleop.use_gripper"),
    "env.teleop.calibration_dir": Note("teleop calibration", "see the calibration below"),
    "env.teleop.use_degrees": Leave("joints are in degrees here"),
    "env.teleop.mock": Leave("the simulated arm is a [sim] table here"),
}
ARM: Rules = ROBOT | CAMERA | TELEOP
