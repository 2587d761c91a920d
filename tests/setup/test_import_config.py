"""LeRobot's configuration files become a task file, and nothing of them is lost without a word."""

import re
import tomllib
from pathlib import Path
from typing import get_args, get_origin

import msgspec
import pytest
from foreign import CLASSIFIER, EARLIER, ENVIRONMENT, TRAINING, changed, imported

from hilrt.config import Config, taskfile
from hilrt.setup.lerobot.reading import RULES
from hilrt.setup.lerobot.rule import Carry

pytestmark = pytest.mark.usefixtures("lerobot")


def test_an_environment_comes_over(tmp_path):
    """Every option of arm, camera, pipelines and dataset is as it was, under hilrt's names and in its units."""
    out, told = imported(tmp_path, ENVIRONMENT)
    config = taskfile.load(out)
    assert (config.env.name, config.env.task, config.env.fps) == ("my-robot", "stack", 20)
    assert (config.robot.type, config.robot.port, config.robot.id) == (
        "so101_follower",
        "/dev/ttyACM7",
        "blue",
    )
    camera = config.robot.cameras["side"]
    assert (camera.index_or_path, camera.rotation, camera.frame_size) == (2, 270, (640, 480))
    assert (camera.width, camera.height) == (640, 480)  # LeRobot's are of the turned picture
    assert config.processor.image_preprocessing.crop_params_dict == {"side": (20, 30, 300, 310)}
    assert config.processor.image_preprocessing.resize_size == (96, 96)
    assert config.processor.observation.add_joint_velocity_to_observation
    assert config.processor.gripper.gripper_penalty == -0.03
    assert config.reset_pose("") == (2.5, -7.5, 9.0, 88.5, -84.7, 50.0)
    reset = config.processor.reset
    assert (reset.reset_time_s, reset.control_time_s, reset.terminate_on_success) == (3.0, 12.0, False)
    assert config.bounds("").max == (0.3, 0.13, 0.12)
    assert config.action_scale == (0.01, 0.011, 0.012)
    assert (config.dataset.root, config.dataset.num_episodes_to_record) == ("datasets/stack", 14)
    assert "To see to" not in told
    assert "Unknown" not in told


def test_all_that_is_left_is_told(tmp_path):
    """Fields without a counterpart are named with value and reason, nulls are counted, data have a command."""
    _, told = imported(tmp_path, ENVIRONMENT)
    for words in (
        "mode record a command here",
        "dataset.push_to_hub False the hub client's job",
        "env.robot.cameras.side.color_mode rgb pictures are RGB here",
        "nowhere/so101.urdf no such file here; hilrt's own description",
        "3 fields are null or empty",
        f"hilrt dataset import {tmp_path}/lerobot/somebody/stack datasets/stack --config {tmp_path}/task.toml",
        "--state-names shoulder_pan.pos",
        "--convert '*.vel=0.0174533'",
    ):
        assert words in told


def test_a_table_that_is_empty_is_no_unknown_field(tmp_path):
    """LeRobot writes null for a table that is not used; a field that nobody knows is told with null, too."""
    tree = changed(ENVIRONMENT, env__robot__cameras={}, env__processor__image_preprocessing=None)
    _, told = imported(tmp_path, changed(tree, env__processor__what=None))
    assert "Unknown here: read what it was for (1) field value" in told
    assert "env.processor.what" in told


def test_what_was_chosen_of_an_algorithm_comes_over(tmp_path):
    """What LeRobot has by default is not carried over, where hilrt has its own; a discount is of another time."""
    training = changed(TRAINING, dataset={"image_transforms": {"enable": True}})
    out, told = imported(tmp_path, ENVIRONMENT, training)
    learner = taskfile.load(out).learner
    tree = tomllib.loads(out.read_text())
    assert (learner.batch_size, learner.critic_updates, learner.num_critics) == (128, 3, 4)
    assert (learner.learning_rate, learner.temperature_init) == (0.0001, 0.02)
    assert (learner.online_buffer_capacity, learner.policy_parameters_push_frequency) == (20000, 1)
    assert taskfile.load(out).gamma == pytest.approx(0.98, abs=1e-6)  # of a step at 20 Hz, there and here
    assert tree["learner"].keys().isdisjoint({"tau", "online_steps", "storage_device"})
    assert tree["policy"] == {"encoder": "resnet10"}
    assert tree["seed"] == 7
    for words in (
        "critic_target_update_weight 0.005 LeRobot's default; learner.tau stays 0.02",
        "learner_host 127.0.0.1 hilrt's processes share memory: no network here",
        "TensorBoard in its place: hilrt dashboard",
        "policy.jitter is for light and colours",
        "policy.storage_device cuda decided by the machine",
    ):
        assert words in told
    assert "Said twice" not in told
    assert "# 0.98 a step; here for 0.1 s" in out.read_text()


def test_a_classifier_comes_over(tmp_path):
    """Its options are the task's; its seed is not, and commands tell how to make one."""
    out, told = imported(tmp_path, ENVIRONMENT, CLASSIFIER)
    options = taskfile.load(out).processor.reward_classifier
    assert (options.model_name, options.model_type, options.hidden_dim) == ("resnet10", "transformer", 128)
    assert (options.dropout_rate, options.learning_rate) == (0.2, 0.0002)
    assert taskfile.load(out).seed == 0
    assert f"hilrt dataset import labels/stack datasets/stack --config {out}" in told
    assert f"hilrt train-classifier {out} datasets/stack" in told


def test_an_earlier_version_comes_over(tmp_path):
    """A flat file with a wrapper is read, too; a field that nobody knows is named."""
    out, told = imported(tmp_path, EARLIER)
    config = taskfile.load(out)
    assert (config.robot.type, config.teleop.type, config.teleop.id) == (
        "so100_follower",
        "so101_leader",
        "lead",
    )
    assert config.teleop.auto_takeover
    assert config.processor.max_gripper_pos == 60
    assert config.processor.observation.add_ee_pose_to_observation
    assert config.dataset.num_episodes_to_record == 9
    assert config.action_scale == (0.01, 0.01, 0.01)
    assert "Unknown here" in told
    assert "wrapper.my_own_thing 4" in told


def test_a_saved_policy_and_later_names_are_known(tmp_path):
    """A policy's own config.json, `algorithm` beside the policy, `reward_model` in place of it."""
    own = {"type": "gaussian_actor", "online_step_before_learning": 12}
    algorithm = {"policy": {"type": "gaussian_actor"}, "algorithm": {"type": "sac", "temperature_init": 0.05}}
    judge = {"reward_model": {"type": "reward_classifier", "hidden_dim": 64}}
    out, _ = imported(tmp_path, ENVIRONMENT, own, algorithm, judge)
    config = taskfile.load(out)
    assert (config.learner.online_step_before_learning, config.learner.temperature_init) == (12, 0.05)
    assert config.processor.reward_classifier.hidden_dim == 64


def test_a_null_takes_nothing_away(tmp_path):
    """Of a `reward_model` beside a policy, and of an encoder: hilrt's own default holds."""
    policy = TRAINING["policy"] | {"vision_encoder_name": None, "freeze_vision_encoder": None}
    out, told = imported(tmp_path, TRAINING | {"reward_model": None, "policy": policy})
    assert taskfile.load(out).learner.num_critics == 4
    assert "policy" not in tomllib.loads(out.read_text())
    assert "Unknown" not in told


@pytest.mark.parametrize("name", ["microsoft/resnet-101", "resnet101", "timm/resnet180"])
def test_a_larger_resnet_is_no_smaller_one(tmp_path, name):
    """What begins with the name of an encoder that hilrt has is another."""
    out, told = imported(tmp_path, changed(TRAINING, policy__vision_encoder_name=name))
    assert f"policy.vision_encoder_name {name} no such encoder here" in told
    assert "policy" not in tomllib.loads(out.read_text())


def test_what_lerobot_wrote_by_itself_is_not_chosen(tmp_path):
    """Batch size and seed have defaults there as the rest of a training has."""
    out, told = imported(tmp_path, changed(TRAINING, seed=1000, batch_size=8))
    assert (taskfile.load(out).seed, taskfile.load(out).learner.batch_size) == (0, 256)
    assert "seed 1000 LeRobot's default; seed stays 0" in told
    assert "batch_size 8 LeRobot's default; learner.batch_size stays 256" in told


@pytest.mark.parametrize("first", [0, 1])
def test_a_default_against_a_choice_is_told(tmp_path, first):
    """Whichever of two files comes first, what somebody chose counts, and it is not said to stay hilrt's."""
    files = TRAINING, changed(TRAINING, policy__num_critics=2)
    out, told = imported(tmp_path, files[first], files[1 - first])
    assert taskfile.load(out).learner.num_critics == 4
    assert f"policy.num_critics 2 policy.num_critics of {first}.json says 4, which counts" in told
    assert "learner.num_critics stays" not in told


def test_names_stay_in_their_folders(tmp_path):
    """A name of dots alone would be a way out."""
    tree = changed(ENVIRONMENT, env__name="..", dataset__repo_id="somebody/..")
    labels = changed(CLASSIFIER, dataset__root="labels/..")
    out, told = imported(tmp_path, tree, labels)
    config = taskfile.load(out)
    assert (config.env.name, config.dataset.root) == ("lerobot", "datasets/lerobot")
    assert f"hilrt train-classifier {out} datasets/lerobot" in told


def test_the_later_of_two_files_counts(tmp_path):
    """Where they contradict each other, it is said which value counts."""
    other = changed(TRAINING, env__fps=10, env__robot__port="/dev/ttyACM9")
    out, told = imported(tmp_path, ENVIRONMENT, other)
    config = taskfile.load(out)
    assert (config.env.fps, config.robot.port) == (10, "/dev/ttyACM9")
    assert config.learner.discount == 0.98
    assert "Said twice (2)" in told
    assert "env.fps 20 env.fps of " in told
    assert "1.json says 10, which counts" in told


def test_an_action_without_gripper_is_told(tmp_path):
    """A policy of three outputs never moved it."""
    outputs = {"action": {"type": "ACTION", "shape": [3]}}
    training = changed(TRAINING, policy__output_features=outputs, policy__num_discrete_actions=None)
    _, told = imported(tmp_path, training)
    assert "none for the gripper" in told


PAGE = Path(__file__).parents[2] / "docs" / "for-users-of-lerobot.md"
OPTION = r"\b(?:env|robot|teleop|processor|reward|dataset|policy|learner|eval|safety)\.(?!md\b)[\w.*]+\w"


def there_is(option):
    """Whether a task file may have it; `*` is any name."""
    here = Config
    for key in option.split("."):
        if get_origin(here) is dict:
            here = get_args(here)[1]
            continue
        if key == "*":
            return True
        here = next((field.type for field in msgspec.structs.fields(here) if field.name == key), None)
        if here is None:
            return False
        kinds = (here, *get_args(here))
        here = next((k for k in kinds if get_origin(k) is dict or hasattr(k, "__struct_fields__")), here)
    return True


def test_options_that_are_named_exist():
    """By rules as the place of a field, in reasons, and on the page for users of LeRobot on hilrt's side."""
    reasons = " ".join(getattr(rule, "why", "") for rule in RULES.values())
    places = {rule.to for rule in RULES.values() if isinstance(rule, Carry)}
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    named = places | {*re.findall(OPTION, reasons)} | {*re.findall(OPTION, " ".join(row[2] for row in rows))}
    assert len(named) > 70
    assert [option for option in sorted(named) if not there_is(option)] == []
    assert not there_is("learner.nonsense")
