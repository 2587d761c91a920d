"""A task file whose start pose is outside its box is wrong."""

from pathlib import Path

import pytest

from hilrt.config import taskfile
from hilrt.devices.calibration import Calibration
from hilrt.devices.zerofile import ZeroOffsets
from hilrt.errors import StartOutsideBoxError
from hilrt.jobs.evaluate import Question, evaluate
from hilrt.jobs.record import record
from hilrt.jobs.task import load
from hilrt.jobs.teleoperate import teleoperate
from hilrt.jobs.train import train
from hilrt.run.start import calibrations_of, require_start, start_places

CONFIGS = Path(__file__).parents[2] / "configs"
SIM, TWO = CONFIGS / "sim_so100.toml", CONFIGS / "sim_bimanual.toml"
BOX = "processor.inverse_kinematics.end_effector_bounds"
HIGH = f"{BOX}={{min = [0.1, -0.2, 0.15], max = [0.21, 0.2, 0.25]}}"


def test_file_keys_and_way_are_named() -> None:
    """The file, its overrides, both tables, by how much, where the pose is, and what to do."""
    with pytest.raises(StartOutsideBoxError) as caught:
        load(SIM, [HIGH])
    assert str(caught.value).startswith(
        f"{SIM} with --set {HIGH}: the start pose of the arm is outside its workspace box: 7 mm above max in x, "
        "76 mm below min in z. The arm would run into the box by itself, so nothing moves. "
        "$.processor.reset.fixed_reset_joint_positions puts the end effector at [0.217, 0.0, 0.074]; "
        "change it, or $.processor.inverse_kinematics.end_effector_bounds, so that it is inside."
    )


def test_an_arms_own_tables_are_named() -> None:
    """Pose and box of one of two arms."""
    own = "robot.arms.right.{}=".format
    box = own("end_effector_bounds") + "{min = [0.15, -0.11, 0.1], max = [0.31, 0.17, 0.2]}"
    pose = own("fixed_reset_joint_positions") + "[2.5, -7.5, 9.0, 88.5, -84.7, 50.0]"
    for overrides, table in (([box], "processor.reset"), ([box, pose], "robot.arms.right")):
        with pytest.raises(StartOutsideBoxError, match="of the right arm is") as caught:
            load(TWO, overrides)
        assert f"$.{table}.fixed_reset_joint_positions puts" in str(caught.value)
        assert "$.robot.arms.right.end_effector_bounds, so" in str(caught.value)


def test_a_millimetre_is_rounding() -> None:
    """Poses are given in tenths of a degree, corners in whole millimetres."""
    config = taskfile.load(SIM)
    ((x, y, z),) = start_places(config, calibrations_of(config))
    assert z == pytest.approx(0.0745, abs=1e-3)
    load(SIM, [f"{BOX}.min=[0.15, -0.11, {z + 0.0009}]"])
    with pytest.raises(StartOutsideBoxError, match="1 mm below min in z"):
        require_start(taskfile.load(SIM, [f"{BOX}.min=[0.15, -0.11, {z + 0.0012}]"]), [(x, y, z)])


def test_zero_offsets_count(tmp_path: Path) -> None:
    """A box is in the base frame: where the arm's model says that the end effector is."""
    folder = tmp_path / "robots" / "so100_follower"
    folder.mkdir(parents=True)
    path = folder / "sim.json"
    path.write_text((CONFIGS / "calibration/robots/so100_follower/sim.json").read_text())
    here = f"robot.calibration_dir={tmp_path}"
    load(SIM, [here])
    ZeroOffsets(
        calibration=Calibration.load(path).digest,
        zero_offsets_deg={"elbow_flex": -20.0},
        rms_mm=1.0,
        found="today",
    ).save(path)
    with pytest.raises(StartOutsideBoxError, match="above max in z"):
        load(SIM, [here])


@pytest.mark.parametrize("job", [record, train, teleoperate])
def test_no_job_begins(tmp_path: Path, job: object) -> None:
    """Each is refused before there is a folder, a process or a lock."""
    with pytest.raises(StartOutsideBoxError, match=r"sim_so100.toml with --set .* outside its workspace box"):
        job(SIM, [HIGH, f"dataset.root={tmp_path}/d", f"runs_dir={tmp_path}/runs"])
    assert not list(tmp_path.iterdir())


def test_no_evaluation_begins(tmp_path: Path) -> None:
    """Of a run whose config was changed to that."""
    run = tmp_path / "x-train-1"
    (run / "checkpoints" / "00000001").mkdir(parents=True)
    (run / "config.toml").write_text(SIM.read_text())
    with pytest.raises(StartOutsideBoxError, match=r"x-train-1/config.toml with --set"):
        evaluate(run, Question(1), [HIGH])
    assert not (run / "evals").exists()
