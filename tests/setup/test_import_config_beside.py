"""With LeRobot's configuration its calibration and its demonstrations come over."""

import re
import shlex

import numpy as np
import pytest
from data.lerobot import others
from desk import play
from foreign import CLASSIFIER, EARLIER, ENVIRONMENT, changed, imported
from typer.testing import CliRunner

from hilrt.cli.app import app
from hilrt.config import MOTORS, taskfile
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.setup.doctor import doctor
from hilrt.sim.servos import ServoBank
from hilrt.step.features import from_config
from hilrt.step.record import vector

pytestmark = pytest.mark.usefixtures("lerobot")


def test_its_calibration_is_used_where_it_is(tmp_path, lerobot, desk):
    """LeRobot's calibration is hilrt's: doctor finds the arm to be as its file says."""
    calibration = Calibration.nominal()
    calibration.save(lerobot / "robots" / "so101_follower" / "blue.json")
    desk.connect(*ServoBank.calibrated(calibration).servos)
    tree = changed(
        ENVIRONMENT, env__robot__port=desk.port, env__robot__cameras={}, env__teleop={"type": "keyboard"}
    )
    tree = changed(tree, env__processor__image_preprocessing=None)
    out, told = imported(tmp_path, tree)
    assert f"calibration: {lerobot}/robots/so101_follower/blue.json, used where it is" in told
    lines = []
    play(doctor(lines.append, taskfile.load(out), str(out)))
    mine = [line for line in lines if "arm " in line or "pipelines" in line]
    assert len(mine) == 10
    assert [line for line in mine if not line.startswith("ok")] == []


def test_its_demonstrations_come_over_by_the_command_that_is_named(tmp_path):
    """Rows as LeRobot's recorder writes them, in degrees and without names, become steps in radians."""
    rows = 5
    state = np.arange(rows * 12, dtype=np.float32).reshape(rows, 12)
    theirs = {
        "observation.state": state,
        "action": np.tile(np.float32([0.5, -0.5, 1.0, 2.0]), (rows, 1)),
        "next.reward": np.float32([0, 0, 0, 0, 1]),
        "next.done": np.array([False] * 4 + [True]),
    }
    others.write(tmp_path / "lerobot" / "somebody" / "stack", theirs, [rows], fps=20)
    tree = changed(
        ENVIRONMENT,
        env__robot__cameras={},
        env__processor__image_preprocessing=None,
        env__robot__port="/dev/x",
    )
    out, told = imported(tmp_path, tree)
    command = re.search(r"hilrt (dataset import .*?setpoint_error\.\*=0')", told)[1].replace("\\ ", "")
    done = CliRunner().invoke(app, shlex.split(command), catch_exceptions=False)
    assert "1 episodes imported into datasets/stack, 1 of them successes" in done.output
    config = taskfile.load(out)
    (episode,) = open_dataset(tmp_path / config.dataset.root)
    names = from_config(config).state
    got = dict(zip(names, vector(episode.records[1].state), strict=True))
    angles = radians_from_units(state[1, :6])
    np.testing.assert_allclose([got[f"{motor}.pos"] for motor in MOTORS], angles, rtol=1e-5)
    speeds = radians_from_units(state[1, 6:]) - radians_from_units([0.0] * 6)
    np.testing.assert_allclose([got[f"{motor}.vel"] for motor in MOTORS], speeds, rtol=1e-5)
    assert got["setpoint_error.x"] == 0


def test_a_calibration_elsewhere_has_a_command(tmp_path, lerobot):
    """Later versions of LeRobot have one folder for both arms, where hilrt does not look: it is to be copied."""
    Calibration.nominal().save(lerobot / "robots" / "so_follower" / "blue.json")
    out, told = imported(tmp_path, ENVIRONMENT)
    assert (
        f"install -D {lerobot}/robots/so_follower/blue.json calibration/robots/so101_follower/blue.json"
        in told
    )
    assert taskfile.load(out).robot.calibration_dir == "calibration"


def test_commands_can_be_pasted_whatever_the_names(tmp_path, lerobot):
    """Spaces and semicolons of paths and names, which are of the files, stay within a word."""
    folder, name = tmp_path / "my tasks", "x; touch y"
    folder.mkdir()
    Calibration.nominal().save(lerobot / "robots" / "so_follower" / f"{name}.json")
    tree = changed(ENVIRONMENT, env__robot__id=name, dataset__root="my data/a; b")
    out, told = imported(folder, tree, changed(CLASSIFIER, dataset__root="labels of $me"))
    for command in (
        [
            "install",
            "-D",
            f"{lerobot}/robots/so_follower/{name}.json",
            f"calibration/robots/so101_follower/{name}.json",
        ],
        ["hilrt", "doctor", str(out)],
        ["hilrt", "dataset", "import", "my data/a; b", "datasets/stack", "--config", str(out)],
        ["hilrt", "dataset", "import", "labels of $me", "datasets/labels-of-me", "--config", str(out)],
        ["hilrt", "train-classifier", str(out), "datasets/labels-of-me"],
        ["hilrt", "record", str(out)],
    ):
        assert shlex.join(command) in told


def test_a_leader_has_its_calibration_in_the_same_folder(tmp_path):
    """Of a folder that the user names; where one of two is missing, both are told."""
    folder = tmp_path / "kept"
    Calibration.nominal().save(folder / "robots" / "so100_follower" / "red.json")
    out, told = imported(tmp_path, EARLIER, calibration=folder)
    assert "none found here; put it at calibration/teleoperators/so101_leader/lead.json" in told
    out.unlink()
    Calibration.nominal().save(folder / "teleoperators" / "so101_leader" / "lead.json")
    out, _ = imported(tmp_path, EARLIER, calibration=folder)
    config = taskfile.load(out)
    assert config.robot.calibration_path("").is_file()
    assert config.leader_path("").is_file()
