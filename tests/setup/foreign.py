"""Configuration files as LeRobot's HIL-SERL has them, of an arm that nobody owns."""

import copy
import io
import json

from rich.console import Console

from hilrt.setup.lerobot.job import import_config

ENVIRONMENT = {
    "env": {
        "type": "gym_manipulator",
        "name": "my robot",
        "task": "stack",
        "fps": 20,
        "robot": {
            "type": "so101_follower",
            "port": "/dev/ttyACM7",
            "id": "blue",
            "use_degrees": True,
            "max_relative_target": None,
            "cameras": {
                "side": {
                    "type": "opencv",
                    "index_or_path": 2,
                    "width": 480,
                    "height": 640,
                    "fps": 30,
                    "rotation": -90,
                    "color_mode": "rgb",
                }
            },
        },
        "teleop": {"type": "gamepad", "use_gripper": True},
        "processor": {
            "control_mode": "gamepad",
            "max_gripper_pos": 80.0,
            "observation": {"add_joint_velocity_to_observation": True, "add_current_to_observation": False},
            "image_preprocessing": {
                "crop_params_dict": {"observation.images.side": [20, 30, 300, 310]},
                "resize_size": [96, 96],
            },
            "gripper": {"use_gripper": True, "gripper_penalty": -0.03},
            "reset": {
                "fixed_reset_joint_positions": [2.5, -7.5, 9.0, 88.5, -84.7, 50.0],
                "reset_time_s": 3.0,
                "control_time_s": 12.0,
                "terminate_on_success": False,
            },
            "inverse_kinematics": {
                "urdf_path": "nowhere/so101.urdf",
                "target_frame_name": "gripper_frame_link",
                "end_effector_bounds": {"min": [0.14, -0.11, 0.01], "max": [0.3, 0.13, 0.12]},
                "end_effector_step_sizes": {"x": 0.01, "y": 0.011, "z": 0.012},
            },
            "reward_classifier": {
                "pretrained_path": None,
                "success_threshold": 0.5,
                "success_reward": 1.0,
            },
        },
    },
    "dataset": {
        "repo_id": "somebody/stack",
        "task": "stack",
        "root": None,
        "num_episodes_to_record": 14,
        "push_to_hub": False,
    },
    "mode": "record",
    "device": "cuda",
}
TRAINING = {
    "seed": 7,
    "batch_size": 128,
    "output_dir": "outputs/stack",
    "wandb": {"enable": True, "project": "stack"},
    "policy": {
        "type": "sac",
        "device": "cuda",
        "storage_device": "cuda",
        "vision_encoder_name": "helper2424/resnet10",
        "freeze_vision_encoder": True,
        "discount": 0.98,
        "temperature_init": 0.02,
        "critic_target_update_weight": 0.005,
        "num_critics": 4,
        "critic_lr": 0.0001,
        "actor_lr": 0.0001,
        "utd_ratio": 3,
        "num_discrete_actions": 3,
        "online_steps": 1000000,
        "online_buffer_capacity": 20000,
        "actor_learner_config": {
            "learner_host": "127.0.0.1",
            "policy_parameters_push_frequency": 1,
        },
    },
    "env": ENVIRONMENT["env"],
}
CLASSIFIER = {
    "policy": {
        "type": "reward_classifier",
        "model_name": "helper2424/resnet10",
        "model_type": "transformer",
        "num_cameras": 1,
        "num_classes": 2,
        "hidden_dim": 128,
        "dropout_rate": 0.2,
        "learning_rate": 0.0002,
    },
    "dataset": {"repo_id": "somebody/stack_labels", "root": "labels/stack"},
    "seed": 99,
    "steps": 3000,
}
EARLIER = {
    "type": "gym_manipulator",
    "name": "old",
    "task": "lift",
    "fps": 10,
    "mode": "record",
    "repo_id": "somebody/lift",
    "num_episodes": 9,
    "robot": {
        "type": "so100_follower_end_effector",
        "port": "/dev/ttyACM0",
        "id": "red",
        "end_effector_bounds": {"min": [0.14, -0.11, 0.01], "max": [0.3, 0.13, 0.12]},
        "end_effector_step_sizes": {"x": 0.01, "y": 0.01, "z": 0.01},
        "max_gripper_pos": 60,
    },
    "teleop": {"type": "so101_leader", "port": "/dev/ttyACM1", "id": "lead"},
    "wrapper": {
        "control_mode": "leader_automatic",
        "add_ee_pose_to_observation": True,
        "crop_params_dict": None,
        "fixed_reset_joint_positions": [2.5, -7.5, 9.0, 88.5, -84.7, 50.0],
        "gripper_penalty": -0.02,
        "my_own_thing": 4,
    },
}


def changed(tree, **values):
    """A copy with other values, by path with `__` for a dot; `...` takes a field out."""
    made = copy.deepcopy(tree)
    for path, value in values.items():
        *parents, last = path.split("__")
        here = made
        for key in parents:
            here = here[key]
        if value is ...:
            del here[last]
        else:
            here[last] = value
    return made


def written(folder, *trees):
    """Each as a file, in their order."""
    paths = [folder / f"{number}.json" for number in range(len(trees))]
    for path, tree in zip(paths, trees, strict=True):
        path.write_text(json.dumps(tree))
    return paths


def imported(folder, *trees, calibration=None, valid=True):
    """The task file that is made, and what was said, in one line."""
    out, said = folder / "task.toml", io.StringIO()
    console = Console(file=said, width=400, highlight=False, markup=False)
    files = written(folder, *trees)
    assert import_config(lambda line: print(line, file=said), console, files, out, calibration) is valid
    return out, " ".join(said.getvalue().split())
