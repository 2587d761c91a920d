"""What becomes of fields of the environment, its pipelines and its dataset (`env`, `env.processor`, `dataset`)."""

from hilrt.setup.lerobot import turns
from hilrt.setup.lerobot.arm import IK
from hilrt.setup.lerobot.rule import Carry, Leave, Note, Rules

MODE = Leave("a command here: hilrt record, train, eval, replay")
FEATURES = Leave("follows from the options; hilrt pipeline CONFIG shows them")
SHAPES = Leave("follows from state, cameras and action")
HUB = Leave("the hub client's job: docs/guide/dataset.md")
EPISODE = Leave("hilrt replay CONFIG --episode N")
CLASSIFIER = Note("classifier", "hilrt trains its own: hilrt train-classifier")
DEMONSTRATIONS = Note("repo_id", "see the demonstrations below")
FOLDER = Note("root", "see the demonstrations below")
CONTROL = Note("control_mode", "teleop.type decides")

ENVIRONMENT: Rules = {
    "env.name": Carry("env.name", turns.plain_name),
    "env.task": Carry("env.task"),
    "env.fps": Carry("env.fps"),
    "env.type": Leave("an arm needs none"),
    "env.features": FEATURES,
    "env.features_map": FEATURES,
    "env.max_parallel_tasks": Leave("one arm does one task"),
    "env.disable_env_checker": Leave("there is no such check"),
    "mode": MODE,
    "device": Carry("learner.device", turns.device, weak=True),
}
PROCESSOR: Rules = {
    "env.processor.control_mode": CONTROL,
    "env.processor.max_gripper_pos": Carry("processor.max_gripper_pos"),
    "env.processor.image_preprocessing.crop_params_dict": Carry(
        "processor.image_preprocessing.crop_params_dict", turns.crops
    ),
    "env.processor.image_preprocessing.resize_size": Carry("processor.image_preprocessing.resize_size"),
    "env.processor.gripper.use_gripper": Carry("processor.gripper.use_gripper"),
    "env.processor.gripper.gripper_penalty": Carry("processor.gripper.gripper_penalty"),
    "env.processor.reset.fixed_reset_joint_positions": Carry(
        "processor.reset.fixed_reset_joint_positions", turns.pose
    ),
    "env.processor.reset.reset_time_s": Carry("processor.reset.reset_time_s"),
    "env.processor.reset.control_time_s": Carry("processor.reset.control_time_s"),
    "env.processor.reset.terminate_on_success": Carry("processor.reset.terminate_on_success"),
    "env.processor.inverse_kinematics.urdf_path": Carry(f"{IK}.urdf_path", turns.urdf),
    "env.processor.inverse_kinematics.target_frame_name": Carry(f"{IK}.target_frame_name"),
    "env.processor.inverse_kinematics.end_effector_bounds.*": Carry(f"{IK}.end_effector_bounds.*"),
    "env.processor.inverse_kinematics.end_effector_step_sizes.*": Carry(f"{IK}.end_effector_step_sizes.*"),
    "env.processor.reward_classifier.pretrained_path": CLASSIFIER,
    "env.processor.reward_classifier.success_threshold": Carry(
        "processor.reward_classifier.success_threshold", default=0.5
    ),
    "env.processor.reward_classifier.success_reward": Carry(
        "processor.reward_classifier.success_reward", default=1.0
    ),
}
OBSERVATION: Rules = {
    f"env.{table}.{name}": Carry(f"processor.observation.{name}")
    for table in ("processor.observation", "wrapper")
    for name in (
        "display_cameras",
        "add_joint_velocity_to_observation",
        "add_current_to_observation",
        "add_ee_pose_to_observation",
    )
}
WRAPPER: Rules = {
    f"env.wrapper.{name}": PROCESSOR[f"env.processor.{table}{name}"]
    for table, names in {
        "": ("control_mode",),
        "image_preprocessing.": ("crop_params_dict", "resize_size"),
        "gripper.": ("use_gripper", "gripper_penalty"),
        "reset.": ("fixed_reset_joint_positions", "reset_time_s", "control_time_s"),
    }.items()
    for name in names
}
"""Where earlier versions had the pipelines."""
WRAPPER |= {
    "env.wrapper.gripper_quantization_threshold": Leave("the gripper's command is close, stay or open"),
    "env.wrapper.gripper_penalty_in_reward": Leave("the gripper's critic alone has it"),
}
EARLIER: Rules = {
    "env.mode": MODE,
    "env.device": Carry("learner.device", turns.device, weak=True),
    "env.repo_id": DEMONSTRATIONS,
    "env.dataset_root": FOLDER,
    "env.num_episodes": Carry("dataset.num_episodes_to_record"),
    "env.episode": EPISODE,
    "env.push_to_hub": HUB,
    "env.reward_classifier_pretrained_path": CLASSIFIER,
    "env.number_of_steps_after_success": Leave("processor.reset.terminate_on_success = false records on"),
}
"""What earlier versions had beside the environment, in the same file."""
DATASET: Rules = {
    "dataset.repo_id": DEMONSTRATIONS,
    "dataset.root": FOLDER,
    "dataset.task": Carry("env.task", weak=True),
    "dataset.num_episodes_to_record": Carry("dataset.num_episodes_to_record"),
    "dataset.replay_episode": EPISODE,
    "dataset.push_to_hub": HUB,
}
SCENE: Rules = ENVIRONMENT | PROCESSOR | OBSERVATION | WRAPPER | EARLIER | DATASET
