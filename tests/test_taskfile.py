"""The task file: what it accepts, and what it says when it does not."""

from pathlib import Path

import pytest

from hilrt import taskfile
from hilrt.config import SIM_CAMERAS, SIM_TASKS
from hilrt.errors import ConfigError
from hilrt.sim.model import CAMERAS
from hilrt.sim.tasks import TASKS

CONFIGS = sorted(Path(__file__).parents[1].glob("configs/*.toml"))
SIM = Path(__file__).parents[1] / "configs" / "sim_so100.toml"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_shipped(path):
    """Every task file that ships with hilrt is valid."""
    assert taskfile.load(path).env.task


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("env.fsp=3", ["$.env", "unknown key `fsp`", "Did you mean `fps`?"]),
        ("nonsense=1", ["$:", "unknown key `nonsense`", "Known here: env, robot"]),
        ("env.fps='x'", ["$.env.fps", "expected `int`, got `str`"]),
        ("env.fps=0", ["$.env.fps", ">= 1, got 0"]),
        ("learner.discount=2.0", ["$.learner.discount", "< 1.0, got 2.0"]),
        ("teleop.type=gamepod", ["$.teleop.type", "'gamepod'", "scripted, keyboard"]),
        ("robot.cameras.front.widht=3", ["$.robot.cameras.front", "Did you mean `width`?"]),
        ("robot.cameras.front.fps=5", ["$.robot.cameras.front.fps", "5 is below env.fps = 10"]),
        ("robot.port=/dev/ttyACM0", ["$.robot.port", "[sim] brings its own"]),
        (
            "processor.inverse_kinematics.end_effector_bounds.min=[1.0, 0.0, 0.0]",
            ["min x = 1.0 is not below max x"],
        ),
        ("processor.inverse_kinematics.end_effector_step_sizes.z=0.5", ["z spans", "not more than one step"]),
        ("processor.inverse_kinematics.urdf_path=no.urdf", ["urdf_path", "no such file: no.urdf"]),
        ("processor.reset.control_time_s=inf", ["$.processor.reset.control_time_s: inf is not a number"]),
        ("processor.reset.fixed_reset_joint_positions=[0, 0, 0, 0, 0, 101]", ["gripper's opening"]),
        ("env.task=juggle", ["$.env.task", "pick_lift, push"]),
        ("robot.cameras.back.type=sim", ["$.robot.cameras.back", "front, wrist"]),
        ("learner.bc_weight_final=2.0", ["bc_weight_final", "the weight only falls"]),
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
    with pytest.raises(ConfigError, match="missing required field `robot`"):
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


def test_real_arm_needs_port():
    """Without a simulator the port must be given."""
    with pytest.raises(ConfigError, match=r"\$\.robot\.port: empty"):
        taskfile.load(SIM.with_name("so100.toml"), ["robot.port=''"])


def test_scripted_needs_simulator():
    """A scripted operator is refused on a real arm."""
    with pytest.raises(ConfigError, match="needs the simulator"):
        taskfile.load(SIM.with_name("so100.toml"), ["teleop.type=scripted"])


def test_override_makes_tables():
    """An override reaches into tables that the file does not have."""
    config = taskfile.load(SIM, ["safety.max_temperature_c=50.0", "env.name=abc"])
    assert (config.safety.max_temperature_c, config.env.name) == (50.0, "abc")


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
