"""The task file: what it accepts, and what it says when it does not."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
import tomlkit

import hilrt
from hilrt.config import SIM_CAMERAS, SIM_TASKS, Config, taskfile
from hilrt.errors import ConfigError
from hilrt.sim.model import CAMERAS
from hilrt.sim.tasks import TASKS

CONFIGS = sorted(Path(__file__).parents[2].glob("configs/**/*.toml"))
SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_shipped(path):
    """Every task file that ships with hilrt is valid."""
    assert taskfile.load(path).env.task


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("env.fsp=3", ["$.env", "unknown key `fsp`", "Did you mean `fps`?"]),
        ("nonsense=1", ["$:", "unknown key `nonsense`", "Known here: env, robot"]),
        ("env.fps='x'", ["$.env.fps", "expected a whole number, got 'x'"]),
        ("env.fps=0", ["$.env.fps", ">= 1, got 0"]),
        ("env.fps=1.5", ["$.env.fps: expected a whole number, got 1.5"]),
        ("env.fps=true", ["$.env.fps: expected a whole number, got true"]),
        ("safety.park_pose=3", ["$.safety.park_pose: expected a list, got 3"]),
        ("teleop.type=stick", ["$.teleop.type: 'stick' is none of what can be chosen: scripted, keyboard"]),
        ("robot.cameras=3", ["$.robot.cameras: expected a table, got 3"]),
        ("dataset={}", ["$.dataset: `root` is missing"]),
        ("learner.discount=2.0", ["$.learner.discount", "< 1.0, got 2.0"]),
        ("teleop.type=gamepod", ["$.teleop.type", "'gamepod'", "scripted, keyboard, gamepad"]),
        ("robot.cameras.front.widht=3", ["$.robot.cameras.front", "Did you mean `width`?"]),
        ("robot.cameras.front.fps=5", ["$.robot.cameras.front.fps", "5 is below env.fps = 10"]),
        (
            "robot.cameras.front={type = 'sim', controls = {gain = 3}}",
            ["$.robot.cameras.front.controls", "only a device has them"],
        ),
        (
            "processor.reset.area={min = [0.2, 0.1], max = [0.3, 0.1]}",
            ["$.processor.reset.area", "min y = 0.1 is not below max y = 0.1"],
        ),
        ("processor.reset.next_place=weakest", ["$.processor.reset.next_place", "anywhere, weak"]),
        ("robot.port=/dev/ttyACM0", ["$.robot.port", "[sim] brings its own"]),
        (
            "processor.inverse_kinematics.end_effector_bounds.min=[1.0, 0.0, 0.0]",
            ["min x = 1.0 is not below max x"],
        ),
        ("processor.inverse_kinematics.end_effector_step_sizes.z=0.5", ["z spans", "not more than one step"]),
        ("processor.inverse_kinematics.urdf_path=no.urdf", ["urdf_path", "no such file: no.urdf"]),
        ("processor.reset.control_time_s=inf", ["$.processor.reset.control_time_s: inf is not a number"]),
        (
            "processor.reset.fixed_reset_joint_positions=[0, 0, 0, 0, 0, 101]",
            ["gripper's position: 0 .. 100"],
        ),
        ("env.task=juggle", ["$.env.task", "pick_lift, push"]),
        ("robot.cameras.front.max_age_s=0.01", ["front.max_age_s", "less than two frames at 30 fps"]),
        ("sim.line_errors=0.1", ["$.sim.line_errors", 'needs sim.clock = "realtime"']),
        ("sim.usb.frame_ms=1.0", ["$.sim.usb", 'need sim.clock = "realtime"']),
        ("robot.cameras.back.type=sim", ["$.robot.cameras.back", "front, wrist"]),
        ("learner.bc_weight_final=6.0", ["bc_weight_final", "the weight only falls"]),
        ("robot.cameras.front.fps='x'", ["$.robot.cameras.front.fps", "expected a whole number, got 'x'"]),
        ("robot.arms={left = {id = 'a'}, right = {idd = 'b'}}", ["$.robot.arms.right", "Did you mean `id`?"]),
        ("robot.arms={left = {id = 'a'}, right = {id = 'b'}}", ["$.robot", "Remove robot.port and robot.id"]),
        (
            "processor.image_preprocessing.crop_params_dict={front = [0, 0, 10]}",
            ["crop_params_dict.front", "length 4, got 3"],
        ),
        (
            "processor.image_preprocessing.crop_params_dict={front = [0, 0, 10, 'x']}",
            ["crop_params_dict.front[3]", "expected a whole number, got 'x'"],
        ),
        (
            "processor.image_preprocessing.crop_params_dict={top = [0, 0, 10, 10]}",
            ["crop_params_dict.top", "no such camera. There are: none"],
        ),
        ("processor.observation.display_cameras=true", ["display_cameras", "there are no cameras"]),
        ("processor.max_gripper_pos=40.0", ["opens the gripper by 50, more than max_gripper_pos = 40"]),
        ("processor.steps=[{step = 'x', pipeline = 'action'}]", ["$.processor.steps[0].step", "got 'x'"]),
        (
            "processor.steps=[{step = 'a:B', pipeline = 'no'}]",
            ["'no' is none of what can be chosen: observation, outcome, action"],
        ),
        (
            "processor.inverse_kinematics.end_effector_step_sizes={}",
            ["names no axis; there are x, y, z, pitch"],
        ),
        ("processor.inverse_kinematics.end_effector_step_sizes={yaw = 0.1}", ["unknown key `yaw`"]),
        (
            "processor.inverse_kinematics.end_effector_step_sizes={x = 0.02, pitch = 0.4}",
            ["end_effector_step_sizes.pitch", "229 deg/s, more than safety.max_joint_velocity_deg_s = 180"],
        ),
        ("processor.joint_step_deg=3.0", ["joint_step_deg", "is for joint control"]),
        ("processor.gripper.use_gripper=false", ["gripper_penalty", "Remove it"]),
        (
            "processor.image_preprocessing.resize_size=[100000, 128]",
            ["resize_size[0]", "<= 4096, got 100000"],
        ),
        ("learner.device=gpu", ["$.learner.device", "got 'gpu'"]),
        ("dataset.root=", ["$.dataset.root", ">= 1, got ''"]),
        ("safety.min_voltage_v=20.0", ["min_voltage_v", "is not below max_voltage_v = 13.5"]),
        (
            "processor.reward_classifier.reward_class=x",
            ["reward_class", '"x" is none of', "failure, success"],
        ),
        ("processor.reward_classifier.classes=['a', 'a']", ["reward_classifier.classes", "twice"]),
        # the reference workflow's options that are elsewhere here
        (
            "processor.reward_classifier.num_classes=2",
            ["$.processor.reward_classifier.num_classes is not needed"],
        ),
        ("processor.control_mode=gamepad", ['is "gamepad", but teleop.type is "scripted"']),
        ("processor.control_mode=leader", ['is "leader", but teleop.type is "scripted"']),
        ("processor.control_mode=keyboard", ['is "keyboard", but teleop.type is "scripted"']),
        ("teleop.type=so101_leader", ["$.teleop.id", "names the leader's calibration file"]),
        ("teleop.port=/dev/ttyACM1", ["$.teleop.port", 'for leader arms, but teleop.type is "scripted"']),
        ("teleop.auto_takeover=true", ["$.teleop.auto_takeover", "is for leader arms"]),
        ("teleop={type = 'so101_leader', id = 'a', device = 'x'}", ["$.teleop.device", "has a port"]),
        (
            "teleop={type = 'so101_leader', id = 'a', port = '/dev/x'}",
            ["$.teleop.port", "[sim] brings its own"],
        ),
        ("teleop={type = 'so101_leader', arms = {left = {id = 'a'}}}", ["$.teleop.arms", "one follower arm"]),
        (
            "teleop={type = 'so101_leader', id = 'a', arms = {left = {id = 'b'}}}",
            ["$.teleop", "Remove teleop.port and teleop.id"],
        ),
        ("teleop={type = 'so102_leader', id = 'a'}", ["so102_leader", "so100_leader, so101_leader"]),
        ("mode=train", ["$.mode is a command here: hilrt record, train, eval or replay"]),
        ("device=cuda", ["$.device is learner.device here"]),
        ("dataset.repo_id=me/cubes", ["$.dataset.repo_id is not needed"]),
        ("dataset.push_to_hub=false", ["$.dataset.push_to_hub is the hub client's job"]),
        ("teleop.scripted.hold_steps=[9, 3]", ["hold_steps", "the shortest exceeds the longest"]),
    ],
)
def test_complaints(override, words):
    """A wrong value is refused with its file, its path, what was given and what would do."""
    with pytest.raises(ConfigError) as caught:
        taskfile.load(SIM, [override])
    for word in [SIM.name, *words]:
        assert word in str(caught.value)


def test_missing_key(tmp_path):
    """A missing table is named."""
    path = tmp_path / "task.toml"
    path.write_text("[env]\ntask = 'x'\n")
    with pytest.raises(ConfigError, match="`dataset` is missing"):
        taskfile.load(path)


def test_absent_file():
    """An absent file is refused with the nearest name beside it."""
    with pytest.raises(ConfigError, match=r"no such file\. Did you mean .*sim_so100\.toml"):
        taskfile.load(SIM.with_name("sim_so10.toml"))


def test_not_toml(tmp_path):
    """Broken TOML is reported with its line."""
    path = tmp_path / "task.toml"
    path.write_text("[env]\nfps = = 3\n")
    with pytest.raises(ConfigError, match=r"not valid TOML.*line 2"):
        taskfile.load(path)


def test_weak_places_are_of_one_area():
    """Two arms have two, and a real arm by joints has none that is known."""
    weak = 'processor.reset.next_place="weak"'
    with pytest.raises(ConfigError, match=r"\$\.processor\.reset\.next_place: .* one arm"):
        taskfile.load(SIM.with_name("sim_bimanual.toml"), [weak])
    tree = taskfile.document(SIM.with_name("so100.toml"), [weak]).unwrap()
    del tree["processor"]["inverse_kinematics"]
    with pytest.raises(ConfigError, match=r"needs processor\.reset\.area: joint control has no box"):
        taskfile.from_tree(tree, "so100.toml")


def test_real_arm_needs_port():
    """Without a simulator the port must be given."""
    with pytest.raises(ConfigError, match=r"\$\.robot\.port: empty"):
        taskfile.load(SIM.with_name("so100.toml"), ["robot.port=''"])


@pytest.mark.parametrize("front", ["0", "'/dev/video0'", "'/dev/./video0'"])
def test_one_camera_under_two_names(front):
    """A device that is named twice, in whatever way, is refused with both names."""
    cameras = [f"robot.cameras.front.index_or_path={front}", "robot.cameras.wrist={index_or_path = 0}"]
    with pytest.raises(
        ConfigError, match=r"cameras\.wrist\.index_or_path: is /dev/video0, as that of front is"
    ):
        taskfile.load(SIM.with_name("so100.toml"), cameras)


def test_one_camera_by_a_link(tmp_path):
    """Names under /dev/v4l/by-id are links: what counts is where they lead. A file may be shown twice."""
    by_id, video = tmp_path / "usb-camera", tmp_path / "video.avi"
    by_id.symlink_to("/dev/null")
    video.touch()
    real = SIM.with_name("so100.toml")
    pairs = [[f"robot.cameras.{name}={{index_or_path = '{path}'}}" for name, path in (("front", a), ("wrist", b))]
             for a, b in ((by_id, "/dev/null"), (video, video))]  # fmt: skip
    with pytest.raises(ConfigError, match="is /dev/null, as that of front is"):
        taskfile.load(real, pairs[0])
    taskfile.load(real, pairs[1])


def test_scripted_needs_simulator():
    """A scripted operator is refused on a real arm."""
    with pytest.raises(ConfigError, match="needs the simulator"):
        taskfile.load(SIM.with_name("so100.toml"), ["teleop.type=scripted"])


def test_override_makes_tables():
    """An override reaches into tables that the file does not have."""
    config = taskfile.load(SIM, ["safety.max_temperature_c=50.0", "env.name=abc"])
    assert (config.safety.max_temperature_c, config.env.name) == (50.0, "abc")


def test_override_of_a_table_in_several_places(tmp_path):
    """A file may have parts of a table far from each other; what is put between them is kept, written out too."""
    path = tmp_path / "task.toml"
    shipped = SIM.read_text()
    path.write_text(f"{shipped}\n[processor.image_preprocessing]\nresize_size = [32, 32]\n")
    overrides = [
        "processor.reward_classifier.hold_s=0.6",
        f"robot.calibration_dir={SIM.parent}/calibration",
    ]
    assert taskfile.load(path, overrides).processor.reward_classifier.hold_s == 0.6
    path.write_text(tomlkit.dumps(taskfile.document(path, overrides)))
    config = taskfile.load(path)
    assert config.processor.reward_classifier.hold_s == 0.6
    assert config.processor.image_preprocessing.resize_size == (32, 32)


def test_comments_survive():
    """The document written back keeps comments and has the overrides."""
    text = taskfile.document(SIM, ["env.fps=20"]).as_string()
    assert '# or "push"' in text
    assert "fps = 20" in text


def test_simulated_names():
    """The task file knows the simulator's tasks and cameras without importing it; here they are compared."""
    assert set(SIM_TASKS) == set(TASKS)
    assert set(SIM_CAMERAS) == set(CAMERAS)


def test_discount_is_per_tenth_of_a_second():
    """The discount is rescaled to the control rate."""
    assert taskfile.load(SIM, ["env.fps=20"]).gamma == pytest.approx(0.97**0.5)


def test_time_limit_in_steps():
    """Ten seconds at 10 Hz are a hundred steps."""
    assert taskfile.load(SIM).max_episode_steps == 100


@pytest.mark.parametrize(
    ("crop", "words"),
    [
        ("[0, 0, 241, 10]", "reaches to row 241, column 10 of a frame of 240 x 320"),
        ("[230, 310, 20, 10]", "reaches to row 250, column 320"),
        ("[-1, 0, 10, 10]", "top, left >= 0"),
        ("[0, 0, 0, 10]", "height, width >= 1"),
    ],
)
def test_crop_outside_the_frame(crop, words):
    """A crop that is not inside the camera's frame is refused with both sizes."""
    camera = "robot.cameras.front={type = 'sim', width = 320, height = 240}"
    with pytest.raises(ConfigError, match=words):
        taskfile.load(SIM, [camera, f"processor.image_preprocessing.crop_params_dict={{front = {crop}}}"])


def test_control_mode_that_agrees():
    """`control_mode` as users of the reference workflow know it is accepted where it says what `teleop.type` says."""
    assert taskfile.load(SIM, ["teleop.type=keyboard", "processor.control_mode=keyboard"])
    leader = ["teleop.type=so101_leader", "teleop.id=sim", "processor.control_mode=leader"]
    assert taskfile.load(SIM, leader)


def test_scripted_operator_needs_inverse_kinematics():
    """The scripted operator moves the end effector, so joint control is refused with it."""
    tree = taskfile.document(SIM).unwrap()
    del tree["processor"]["inverse_kinematics"]
    with pytest.raises(ConfigError, match="moves the end effector"):
        taskfile.from_tree(tree, "x")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("robot.arms.right.port=/dev/x", r"robot.arms.right.port: is /dev/x, but \[sim\]"),
        ("robot.arms.third.id=x", "names 3 arms"),
        (
            "robot.arms.right.end_effector_bounds={min = [0.1, 0, 0], max = [0.1, 1, 1]}",
            "arms.right.*min x = 0.1",
        ),
    ],
)
def test_two_arms_checked_by_side(override, words):
    """What is wrong with one of two arms is said of that one."""
    with pytest.raises(ConfigError, match=words):
        taskfile.load(SIM.with_name("sim_bimanual.toml"), [override])


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["teleop.id=a"],
            "each follower arm needs its leader, by the same name: left, right; one leader has no",
        ),
        (["teleop.arms.left.id=a"], "left, right; there are leaders for left"),
        (["teleop.arms.left.id=a", "teleop.arms.right.id="], r"teleop\.arms\.right\.id: missing"),
        (
            ["teleop.arms.left.id=a", "teleop.arms.right={id = 'b', port = 'x'}"],
            r"teleop\.arms\.right\.port: is x",
        ),
    ],
)
def test_two_leaders_checked_by_side(overrides, words):
    """Each of two follower arms has a leader of its side's name; what is wrong with one is said of that one."""
    with pytest.raises(ConfigError, match=words):
        taskfile.load(SIM.with_name("sim_bimanual.toml"), ["teleop.type=so101_leader", *overrides])


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("", r"teleop\.port: empty"),
        ("/dev/ttyACM0", r"teleop\.port: is /dev/ttyACM0, the port of \$\.robot\.port"),
    ],
)
def test_a_real_leader_needs_a_port_of_its_own(port, words):
    """Without a simulator it must be given, and not be the follower's."""
    overrides = ["teleop.type=so100_leader", "teleop.id=a", f"teleop.port={port}"]
    with pytest.raises(ConfigError, match=words):
        taskfile.load(SIM.with_name("so100.toml"), overrides)


def test_one_adapter_under_two_names_is_one(tmp_path):
    """A stable name and the plain one are the same device."""
    (tmp_path / "ttyACM0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyACM0")
    overrides = ["teleop.type=so100_leader", "teleop.id=a", f"robot.port={tmp_path}/ttyACM0"]
    with pytest.raises(ConfigError, match=r"by-id, which is .*ttyACM0, the port of \$\.robot\.port"):
        taskfile.load(SIM.with_name("so100.toml"), [*overrides, f"teleop.port={tmp_path}/by-id"])


def test_a_leaders_calibration_is_named_by_its_type_and_id():
    """As the reference workflow's files lie."""
    config = taskfile.load(SIM, ["teleop.type=so101_leader", "teleop.id=mine"])
    assert str(config.leader_path("")) == "configs/calibration/teleoperators/so101_leader/mine.json"


def fields(struct):
    """Every field of a struct and of those inside it."""
    for field in msgspec.structs.fields(struct):
        yield struct.__name__, field.name
        for inner in (field.type, *get_args(field.type)):
            if hasattr(inner, "__struct_fields__"):
                yield from fields(inner)


AXES = {("StepSizes", axis) for axis in ("x", "y", "z", "pitch", "roll")}
"""Read through `StepSizes.axes`; each moves the arm in a test of the action pipeline."""


@pytest.mark.parametrize(("struct", "name"), sorted(set(fields(Config)) - AXES))
def test_no_option_is_ignored(struct, name):
    """Every option of the configuration is read by name somewhere outside the configuration itself."""
    package = Path(hilrt.__file__).parent
    sources = [p.read_text() for p in package.rglob("*.py") if p.parent.name != "config"]
    sources += [(package / "config" / name).read_text() for name in ("state.py", "crosscheck.py")]
    own = (package / "config").glob("*.py")
    inside = [
        text
        for p in own
        for text in re.findall(r"(?:self|ik|config|arm|own|robot)\.[\w.()\[\]]*", p.read_text())
    ]
    read = re.compile(rf"[\w)\]]\.{name}\b")
    assert any(map(read.search, [*sources, *inside])), f"nothing reads {struct}.{name}"


def test_all_that_is_elsewhere_is_told_at_once():
    """Of a file pasted from the reference workflow every option that has moved is named in one message."""
    with pytest.raises(ConfigError) as caught:
        taskfile.load(SIM, ["mode=train", "dataset.push_to_hub=false", "env.type=gym_manipulator"])
    for words in ("$.mode is a command", "$.dataset.push_to_hub", "$.env.type is not needed"):
        assert words in str(caught.value)


def test_overrides_are_named_as_the_source():
    """What is wrong with an override is said with the override: it is not in the file."""
    with pytest.raises(ConfigError, match=r"sim_so100\.toml with --set env\.fps=0: "):
        taskfile.load(SIM, ["env.fps=0"])


def test_crop_by_the_datasets_name_of_a_camera():
    """A camera called as datasets call it is pointed out with the name to write."""
    camera = "robot.cameras.front={type = 'sim', width = 320, height = 240}"
    crop = "processor.image_preprocessing.crop_params_dict={'observation.images.front' = [0, 0, 10, 10]}"
    with pytest.raises(ConfigError, match="Write `front`"):
        taskfile.load(SIM, [camera, crop])


def test_json_is_not_taken_for_broken_toml(tmp_path):
    """A file of the reference workflow is named for what it is, with the way over."""
    path = tmp_path / "env.json"
    path.write_text('{"env": {"name": "real_robot", "fps": 10}}')
    with pytest.raises(ConfigError, match=r"env\.json: is JSON; .*hilrt import-config FILE\.json"):
        taskfile.load(path)


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "front.left", ""])
def test_a_camera_is_named_so_that_files_can_be(name):
    """Its name becomes part of paths."""
    tree = taskfile.document(SIM.with_name("so100.toml")).unwrap()
    tree["robot"]["cameras"] = {name: tree["robot"]["cameras"]["front"]}
    with pytest.raises(ConfigError, match=r"robot\.cameras: .*letters, digits"):
        taskfile.from_tree(tree, "task.toml")
