"""What hilrt does not take of LeRobot's configuration is told, and the task file stands where it can."""

import tomllib

import pytest
from foreign import ENVIRONMENT, changed, imported, written
from typer.testing import CliRunner

from hilrt.cli.app import app
from hilrt.config import taskfile
from hilrt.errors import ConfigError, ForeignConfigError

pytestmark = pytest.mark.usefixtures("lerobot")


@pytest.mark.parametrize(
    ("change", "words", "line"),
    [
        (
            {"env__processor__gripper__gripper_penalty": 0.5},
            "gripper_penalty 0.5",
            "# gripper_penalty = 0.5: expected a number <= 0.0, got 0.5",
        ),
        (
            {"env__robot__type": "koch_follower"},
            "hilrt drives SO-100 and SO-101 arms",
            "# koch_follower: hilrt",
        ),
        ({"env__teleop__type": "phone"}, "no such device here", 'type = "keyboard" # phone: no such'),
        (
            {
                "env__processor__image_preprocessing__crop_params_dict": {
                    "observation.images.top": [0, 0, 9, 9]
                }
            },
            "there is no such camera. There are: side",
            "# top = [0, 0, 9, 9]: there is no such camera",
        ),
        (
            {"env__processor__image_preprocessing__crop_params_dict": {"side": [0, 0, 900, 9]}},
            "reaches to row 900",
            "# side = [0, 0, 900, 9]: reaches to row 900",
        ),
        (
            {"env__processor__reset__fixed_reset_joint_positions": [2.5, -7.5, 9.0, 88.5, -84.7, -12.0]},
            "gripper's position is 0 .. 100: 0 is written",
            "[2.5, -7.5, 9.0, 88.5, -84.7, 0.0]",
        ),
        (
            {"env__processor__reset__fixed_reset_joint_positions": [2.5, -7.5, 9.0, 88.5, -84.7, 95.0]},
            "wider open than max_gripper_pos",
            "[2.5, -7.5, 9.0, 88.5, -84.7, 80.0]",
        ),
        (
            {"env__processor__reset__fixed_reset_joint_positions": None},
            "no start pose",
            "# no start pose there",
        ),
        ({"env__robot__use_degrees": False}, "no degrees", "no degrees"),
        ({"env__robot__id": None}, "robot.id follower none there", 'id = "follower" # none there'),
        ({"env__teleop": ...}, "control_mode gamepad teleop.type decides", 'type = "gamepad"'),
        ({"env__fps": ...}, "is 30 in later versions", "fps = 10 # none there"),
        ({"env__teleop": {"type": "gamepad", "port": "/dev/x"}}, "is for leader arms", 'type = "gamepad"'),
        (
            {"env__processor__inverse_kinematics__end_effector_bounds": None},
            "no box: hilrt find-limits",
            "max = [0.31, 0.12, 0.12] # no box there",
        ),
        (
            {"env__processor__max_gripper_pos": [1, None]},
            "is no value, nor a list of them",
            "[processor.reset]",
        ),
        ({"env__fps": {"a": 1}}, "is no value", "fps = 10 # none there"),
        ({"device": "mps"}, "hilrt runs on cpu or cuda", "[dataset]"),
        ({"policy": {"type": "sac", "discount": 1e300}}, "policy.discount 1e+300", "# discount = 1e+300:"),
        ({"policy": {"type": "sac", "discount": -0.5}}, "policy.discount -0.5", "# discount = -0.5:"),
    ],
)
def test_what_hilrt_refuses_is_told_and_the_file_stands(tmp_path, change, words, line):
    """A value that hilrt does not take is named with what to do; the file has a comment, and is valid."""
    out, told = imported(tmp_path, changed(ENVIRONMENT, **change))
    assert taskfile.load(out).env.task == "stack"
    assert words in told
    assert line in out.read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"env__robot__cameras__side__fps": 5}, "robot.cameras.side.fps 5 is below env.fps = 20"),
        (
            {"env__processor__inverse_kinematics__end_effector_bounds__max": [0.3, 0.13, 0.0]},
            "min z = 0.01 is not below max z = 0.0. Swap or widen them. The file is not valid until",
        ),
        (
            {"env__processor__reset__fixed_reset_joint_positions": [2.5, -7.5, 9.0, 88.5, -175.0, 50.0]},
            "wrist_roll at -175.0 is outside",
        ),
        (
            {"env__processor__inverse_kinematics__end_effector_bounds__min": [0.14, -0.11, 0.1]},
            "hilrt fit",
        ),
        ({"env__fps": "ten"}, "env.fps expected a whole number, got 'ten'"),
    ],
)
def test_what_is_yet_to_be_mended_is_no_success(tmp_path, change, words):
    """What makes it another task, or an arm that would not start, stays in the file for the user to see to."""
    out, told = imported(tmp_path, changed(ENVIRONMENT, **change), valid=False)
    assert words in told
    assert "To see to" in told
    assert tomllib.loads(out.read_text())["robot"]["id"] == "blue"


def test_only_a_start_that_is_refused_is_mended_at_the_start_pose(tmp_path, lerobot):
    """A calibration that cannot be read is told as it is."""
    broken = lerobot / "robots" / "so101_follower" / "blue.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    _, told = imported(tmp_path, ENVIRONMENT, valid=False)
    assert f"pipelines {broken}:" in told
    assert "--start-here" not in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = 3\n", "is no JSON: .* Is it a task file already"),
        ("[1, 2]", "holds a list, not an object"),
        ('{"shoulder_pan": {"id": 1}}', r"configures neither .* \(its fields: shoulder_pan\)"),
        ('{"policy": {"type": "act"}, "dataset": {}}', 'a policy of type "act"'),
        ('{"env": {"name": "gym_hil", "task": "x"}}', "of the simulation gym_hil"),
        ('{"a": "\udcff"}', "is no JSON: it is not text in UTF-8"),
        ('{"a":' * 50_000, "is no JSON: it is nested too deep"),
        ('{"a":' * 200 + "1" + "}" * 200, "is none of LeRobot's: it is nested too deep"),
        ('{"policy": {"type": "sac"}}', "these files have no arm"),
        ('{"env": {"robot": "so100"}}', "these files have no arm"),
    ],
)
def test_other_files_are_refused(tmp_path, text, words):
    """What is no configuration of an arm is named for what it is, and nothing is written."""
    (tmp_path / "x.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ForeignConfigError, match=words):
        CliRunner().invoke(app, ["import-config", "x.json", "--out", "task.toml"], catch_exceptions=False)
    assert not (tmp_path / "task.toml").exists()


def test_no_file_is_overwritten(tmp_path):
    """A task file that is there stays, as does one whose folder is not there."""
    (path,) = written(tmp_path, ENVIRONMENT)
    (tmp_path / "task.toml").write_text("mine")
    for out, words in (
        ("task.toml", "is there already"),
        ("no/task.toml", "cannot be written: No such file"),
    ):
        with pytest.raises(ForeignConfigError, match=words):
            CliRunner().invoke(app, ["import-config", str(path), "--out", out], catch_exceptions=False)
    assert (tmp_path / "task.toml").read_text() == "mine"
    with pytest.raises(ForeignConfigError, match=r"absent\.json cannot be read: No such file"):
        CliRunner().invoke(app, ["import-config", "absent.json", "--out", "t.toml"], catch_exceptions=False)


def test_the_command_says_by_its_status_whether_all_is_well(tmp_path):
    """1: something in the file is yet to be mended; tables fit a terminal's usual width, or a file's."""
    for change, status in (({}, 0), ({"env__fps": 0}, 1)):
        (path,) = written(tmp_path, changed(ENVIRONMENT, **change))
        out = tmp_path / f"{status}.toml"
        done = CliRunner().invoke(
            app, ["import-config", str(path), "--out", str(out)], catch_exceptions=False
        )
        assert done.exit_code == status
        assert out.is_file()
        assert "Not carried over (" in done.output
        assert ("To see to (1)" in done.output) is bool(status)


def test_a_json_as_task_file_has_the_way_over(tmp_path):
    """A JSON given as CONFIG is not called broken TOML."""
    (path,) = written(tmp_path, ENVIRONMENT)
    with pytest.raises(ConfigError, match=r"is JSON; a task file is TOML.*hilrt import-config"):
        taskfile.load(path)
