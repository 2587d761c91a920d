"""What a job does otherwise than was recorded or trained: kept with each, noticed, said, or refused."""

import json
import shutil
from pathlib import Path

import jobs
import msgspec
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hilrt.config import Config, SimArm, taskfile
from hilrt.config.nature import nature_of
from hilrt.data.journal import JOURNAL, read_episodes
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.rewrite import delete_episodes, merge
from hilrt.data.pictures import packed
from hilrt.devices.calibration import Calibration
from hilrt.devices.zerofile import ZeroOffsets
from hilrt.errors import ConditionsError, PolicyFeaturesError
from hilrt.jobs.otherwise import UNKNOWN, played_otherwise, recorded_otherwise, trained_otherwise
from hilrt.policy.saved import FORMAT, Meta, checkpoints_of, load_meta
from hilrt.report.dataset import described
from hilrt.report.inventory import inventory
from hilrt.robots import SO100_URDF
from hilrt.run.conditions import conditions_of
from hilrt.step.conditions import Conditions
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Record, encode_into
from hilrt.step.sealed import sealed

POSE = "processor.reset.fixed_reset_joint_positions"
BOX = "processor.inverse_kinematics.end_effector_bounds"
CAMERA = "robot.cameras.front"
CALIBRATION = "robots/so100_follower/sim.json"
LOWER = f"{POSE}=[2.5, -7.5, 15.0, 88.5, -84.7, 50.0]"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the simulated arm's calibration."""
    shutil.copytree(jobs.ROOT / "configs" / "calibration", tmp_path / "calibration")
    return tmp_path


def configured(home: Path, *overrides: str) -> Config:
    """The simulated task, with a small camera on this computer."""
    camera = f'{CAMERA}={{type="opencv", index_or_path=0, width=64, height=48}}'
    here = [f"robot.calibration_dir={home}/calibration", f"dataset.root={home}/dataset", camera]
    return taskfile.load(jobs.SIM, [*here, *overrides])


def recorded(home: Path, config: Config, numbers: range, conditions: Conditions | None) -> None:
    """Demonstrations of a step each, recorded under these conditions and brought into the dataset."""
    features = from_config(config)
    state, action = (
        np.zeros(len(names), np.float32).tobytes() for names in (features.state, features.action)
    )
    frames = packed(np.zeros(features.frame_bytes, np.uint8).tobytes(), features.images, "png")
    with JournalWriter(home / "dataset" / JOURNAL, features, "pick_lift", conditions) as journal:
        for number in numbers:
            for step in range(2):
                facts = {"final": True} if step else {"action": action}
                record = Record(
                    episode=number, step=step, mode=Mode.DEMO, monotonic_ns=number, wall_ns=0, state=state,
                    terminated=True, success=True, **facts,
                )  # fmt: skip
                journal.write(bytes(encode_into(record, bytearray())), frames)
    fold(home / "dataset", features)


def checkpoint(home: Path, config: Config, conditions: Conditions | None) -> Path:
    """The meta.json of one; returns its run."""
    folder = home / "run" / "checkpoints" / "00000100"
    folder.mkdir(parents=True)
    meta = Meta(
        features=from_config(config), config="", online_steps=100, updates=0, credit=0.0, random="", digests={},
        conditions=conditions,
    )  # fmt: skip
    (folder / "meta.json").write_bytes(sealed(meta, FORMAT))
    return home / "run"


def turn_elbow(home: Path) -> None:
    """Calibrate anew, with the elbow 20 counts further."""
    path = home / "calibration" / CALIBRATION
    entries = json.loads(path.read_text())
    entries["elbow_flex"]["homing_offset"] += 20
    path.write_text(json.dumps(entries))


ENTRIES = [
    (
        f"{POSE}=[2.5, -7.5, 15.0, 88.5, -84.7, 50.0]",
        f"{POSE}: x 217 mm before, 200 mm now, 17 mm further back; y 0",
    ),
    (
        f"{BOX}.max=[0.33, 0.17, 0.12]",
        f"{BOX}: max x 310 mm before, 330 mm now, 20 mm further out. Where nobody",
    ),
    (
        f"{BOX}.min=[0.15, -0.11, 0.02]",
        f"{BOX}: min z 5 mm before, 20 mm now, 15 mm further in. What lies out",
    ),
    (
        "processor.reset.start_range_m=[0.02, 0.02, 0.0]",
        "processor.reset.start_range_m: 0, 0, 0 mm before, 20, 20, 0 mm now. Days were lost",
    ),
    ("robot.gravity_compensation=true", "robot.gravity_compensation: off before, on now. The arm hangs"),
    ("robot.grip_lead_deg=4", "robot.grip_lead_deg: 2 degrees before, 4 degrees now. A gripper holds"),
    ("sim.patch_m=0.2", "sim.patch_m: 0.1 before, 0.2 now. The policy meets"),
    ("sim.nudge_mm=20", "sim.nudge_mm: 0 before, 20 now. The policy meets"),
    ("robot.command_hz=10", "robot.command_hz: 50 Hz before, 10 Hz now. Between"),
    (
        "safety.max_joint_velocity_deg_s=120",
        "safety.max_joint_velocity_deg_s: 180 degrees/s before, 120 degr",
    ),
    ("processor.max_gripper_pos=80", "processor.max_gripper_pos: 100 of 100 before, 80 of 100 now. An open"),
    ("robot.type=so101_follower", "robot.type: so100_follower before, so101_follower now. No two arms"),
    ("robot.id=other", "robot.id: arm sim before, other now. No two arms"),
    (
        "processor.inverse_kinematics.target_frame_name=gripper_link",
        "processor.inverse_kinematics.target_frame_name: gripper_frame_link before, gripper_link now. Equal",
    ),
    (
        "processor.steps=[{step = 'mine:Slow', pipeline = 'action', options = {by = 2}}]",
        "processor.steps: none before, action: mine:Slow {'by': 2} now. Steps of your own",
    ),
    (f"{CAMERA}.index_or_path=2", f"{CAMERA}.index_or_path: /dev/video0 before, /dev/video2 now. See that"),
    (f"{CAMERA}.rotation=180", f"{CAMERA}.rotation: 0 degrees before, 180 degrees now. The picture"),
    (f"{CAMERA}.fps=15", f"{CAMERA}.fps: 30 Hz before, 15 Hz now. Pictures may be"),
    (f"{CAMERA}.fourcc=YUYV", f"{CAMERA}.fourcc: MJPG before, YUYV now. Pictures may be"),
    (
        f"{CAMERA}.controls.exposure=157",
        f"{CAMERA}.controls.exposure: the camera's own before, 157 now. Pictures may be",
    ),
]
ONLY_FOR_A_POLICY = [
    (f"{CAMERA}.width=96", f"{CAMERA}.width: 64 pixels before, 96 pixels now. Things may have"),
    (f"{CAMERA}.height=96", f"{CAMERA}.height: 48 pixels before, 96 pixels now. Things may have"),
]
"""Demonstrations with pictures of another size are refused."""


def arm_of(home: Path, override: str) -> None:
    """Give another arm, or another type of arm, the same calibration."""
    source = home / "calibration" / CALIBRATION
    for other in ("robots/so101_follower/sim.json", "robots/so100_follower/other.json"):
        (home / "calibration" / other).parent.mkdir(exist_ok=True)
        shutil.copy(source, home / "calibration" / other)


@pytest.mark.parametrize(("override", "said"), ENTRIES)
def test_with_demonstrations(home: Path, override: str, said: str) -> None:
    """Each condition is kept with the dataset; another one is said once, whose and by how much, and no more is."""
    arm_of(home, override)
    before = configured(home)
    recorded(home, before, range(2), conditions_of(before))
    assert recorded_otherwise(before, conditions_of(before)) == []
    now = configured(home, override)
    lines = recorded_otherwise(now, conditions_of(now))
    assert any(line.startswith(f"the demonstrations: {said}") for line in lines), lines
    assert len(lines) == 1


@pytest.mark.parametrize(("override", "said"), [*ENTRIES, *ONLY_FOR_A_POLICY])
def test_with_a_policy(home: Path, override: str, said: str) -> None:
    """The same of a checkpoint that is evaluated, or gone on from."""
    arm_of(home, override)
    before = configured(home)
    run = checkpoint(home, before, conditions_of(before))
    assert trained_otherwise(run, before, conditions_of(before)) == []
    now = configured(home, override)
    lines = trained_otherwise(run, now, conditions_of(now))
    path = run / "checkpoints" / "00000100"
    assert any(line.startswith(f"the policy in {path}: {said}") for line in lines), lines


def test_another_calibration(home: Path) -> None:
    """Turned by how much, joint by joint."""
    config = configured(home)
    before = conditions_of(config)
    recorded(home, config, range(1), before)
    run = checkpoint(home, config, before)
    turn_elbow(home)
    now = conditions_of(config)
    said = ": calibration: zero of elbow_flex turned by +1.8 degrees. Equal angles are other places"
    for lines in (recorded_otherwise(config, now), trained_otherwise(run, config, now)):
        assert len(lines) == 1
        assert said in lines[0]


def test_zero_offsets_found_by_touch(home: Path) -> None:
    """They turn no recorded angle, but the arm's model; where the end effector starts follows from it."""
    config = configured(home)
    before = conditions_of(config)
    recorded(home, config, range(1), before)
    path = home / "calibration" / CALIBRATION
    digest = Calibration.load(path).digest
    ZeroOffsets(
        calibration=digest, zero_offsets_deg={"elbow_flex": -12.5}, rms_mm=1.0, found="2026-03-01"
    ).save(path)
    now = conditions_of(config)
    assert abs(now.arms[""].start_m[2] - before.arms[""].start_m[2]) > 0.02
    (line,) = recorded_otherwise(config, now)
    said = "zero offsets (hilrt calibrate --touch): elbow_flex 0 before, -12.5 degrees now. Equal angles are other"
    assert line.startswith(f"the demonstrations: {said}")


def test_another_description_of_the_arm(home: Path) -> None:
    """By its content, not by its path."""
    for name in ("same.urdf", "other.urdf"):
        (home / name).write_text(
            SO100_URDF.read_text() + ("<!-- another -->" if name == "other.urdf" else "")
        )
    config = configured(home)
    recorded(home, config, range(1), conditions_of(config))
    for name, count in (("same.urdf", 0), ("other.urdf", 1)):
        now = configured(home, f"processor.inverse_kinematics.urdf_path={home}/{name}")
        lines = recorded_otherwise(now, conditions_of(now))
        assert len(lines) == count
        assert all("urdf_path: another file than before. Equal angles" in line for line in lines)


def test_the_nature_of_a_simulated_arm(home: Path) -> None:
    """Its stiffness, and that a real arm is no simulated one."""
    config = configured(home)
    before = conditions_of(config)
    recorded(home, config, range(1), before)
    soft = configured(home, "sim.arm.stiffness=30.0")
    (line,) = recorded_otherwise(soft, conditions_of(soft))
    stiffness = f"{nature_of(SimArm()).stiffness:g}"
    assert line.startswith(
        f"the demonstrations: sim.arm.stiffness: {stiffness} before, 30 now. A policy that won"
    )
    worn = configured(home, "sim.arm.preset=worn")
    (line,) = recorded_otherwise(worn, conditions_of(worn))
    assert all(f"sim.arm.{key}: " in line for key in ("gripper_warmth_c", "lag_s", "play_deg"))
    (line,) = recorded_otherwise(config, msgspec.structs.replace(before, sim=None))
    assert line.startswith("the demonstrations: sim: a simulated one before, a real arm now.")


def test_a_gripper_the_other_way_round_is_refused(home: Path) -> None:
    """Nobody learns from it, acts on it, or plays it again; what can be done is said."""
    config = configured(home)
    before = conditions_of(config)
    recorded(home, config, range(2), before)
    now = configured(home, "processor.gripper.open_position=0")
    conditions = conditions_of(now)
    with pytest.raises(
        ConditionsError, match=r"the demonstrations cannot be used with this task file: .*open_pos"
    ):
        recorded_otherwise(now, conditions)
    with pytest.raises(ConditionsError, match="train anew"):
        trained_otherwise(checkpoint(home, config, before), now, conditions)
    with pytest.raises(ConditionsError, match="episode 1 cannot be used"):
        played_otherwise(home / "dataset", 1, conditions)
    recorded(home, config, range(2, 3), conditions)
    with pytest.raises(
        ConditionsError, match=r"demonstrations 0-1 cannot .* dataset export .*dataset OUT --episodes 2\."
    ):
        recorded_otherwise(now, conditions)


def test_steps_rate_crop_and_size_are_refused_for_a_policy(home: Path) -> None:
    """Before a process is started, in millimetres and Hz."""
    config = configured(home)
    run = checkpoint(home, config, conditions_of(config))
    crop = "processor.image_preprocessing"
    for override, said in (
        (
            "processor.inverse_kinematics.end_effector_step_sizes.x=0.009",
            "its full step is 20 mm in dx, not 9 mm",
        ),
        ("env.fps=20", "its rate is 10 Hz, not 20 Hz"),
        (
            f"{crop}.crop_params_dict={{front = [0, 0, 40, 40]}}",
            r"its view lacks front 128x128 \(crop \[0, 0, 40",
        ),
        (f"{crop}.resize_size=[84, 84]", "its view lacks front 84x84 and has front 128x128"),
    ):
        now = configured(home, override)
        with pytest.raises(PolicyFeaturesError, match=said):
            trained_otherwise(run, now, conditions_of(now))


def test_crop_is_kept_and_no_matter_to_demonstrations(home: Path) -> None:
    """Frames are recorded whole."""
    crop = "processor.image_preprocessing.crop_params_dict={front = [0, 0, 40, 40]}"
    before = configured(home, crop, "processor.image_preprocessing.resize_size=[84, 84]")
    recorded(home, before, range(1), conditions_of(before))
    (kept,) = open_dataset(home / "dataset").conditions
    assert kept is not None
    assert (kept.cameras["front"].crop, kept.resize) == ((0, 0, 40, 40), (84, 84))
    assert recorded_otherwise(configured(home), conditions_of(configured(home))) == []


def test_info_shows_each_session(home: Path) -> None:
    """Where the arm started, its box, and what the cameras gave."""
    crop = "processor.image_preprocessing.crop_params_dict={front = [0, 0, 40, 40]}"
    config, lower = configured(home, crop), configured(home, LOWER, crop)
    recorded(home, config, range(2), conditions_of(config))
    recorded(home, lower, range(2, 3), conditions_of(lower))
    lines = [line for line in described(inventory(home / "dataset")) if "conditions of" in str(line)]
    rest = "box 150 .. 310, -110 .. 170, 5 .. 120 mm; front 64x48 at 30 Hz, crop [0, 0, 40, 40]"
    assert lines == [
        f"conditions of 0-1: arm sim starting at 217, 0, 74 mm; {rest}",
        f"conditions of 2: arm sim starting at 200, 1, 61 mm; {rest}",
    ]


def test_sessions_are_told_apart_and_outlive_changes(home: Path) -> None:
    """Each session's conditions go with its episodes through deleting and joining."""
    config, lower = configured(home), configured(home, LOWER)
    recorded(home, config, range(2), conditions_of(config))
    recorded(home, lower, range(2, 4), conditions_of(lower))
    (line,) = recorded_otherwise(lower, conditions_of(lower))
    assert line.startswith(f"demonstrations 0-1: {POSE}: x 217 mm before, 200 mm now, 17 mm further back")
    delete_episodes(home / "dataset", [0], lambda _: None)
    assert recorded_otherwise(lower, conditions_of(lower))[0].startswith("demonstrations 0: ")
    merge(home / "both", [home / "dataset", home / "dataset"], lambda _: None)
    assert [c and c.arms[""].start[2] for c in open_dataset(home / "both").conditions] == [
        9,
        15,
        15,
        9,
        15,
        15,
    ]
    assert open_dataset(home / "both").episode(3).header.conditions == conditions_of(config)


def test_what_does_not_tell_is_read_and_said_once(home: Path) -> None:
    """Datasets and checkpoints of before, or of others: one line."""
    config = configured(home)
    now = conditions_of(config)
    recorded(home, config, range(3), None)
    (home / "dataset" / "hilrt" / "conditions.json").unlink()
    assert recorded_otherwise(config, now) == [f"the demonstrations: {UNKNOWN}."]
    recorded(home, config, range(3, 4), now)
    assert recorded_otherwise(config, now) == [f"demonstrations 0-2: {UNKNOWN}."]
    (line,) = trained_otherwise(checkpoint(home, config, None), config, now)
    assert UNKNOWN in line


def test_a_replay_asks_for_what_moves_the_arm(home: Path) -> None:
    """It begins where the recording does, and looks at nothing; calibration, goals and the object count."""
    config = configured(home)
    recorded(home, config, range(1), conditions_of(config))
    turn_elbow(home)
    seen = (f"{CAMERA}.fps=15", "robot.cameras.wrist={type='sim'}", "sim.pictures.light=0.5")
    now = conditions_of(configured(home, LOWER, *seen, "robot.command_hz=10", "sim.object_mass=0.1"))
    lines = played_otherwise(home / "dataset", 0, now)
    assert [line.split(":")[1] for line in lines] == [" calibration", " robot.command_hz", " sim.object_mass"]


def test_without_a_checkpoint_the_journal_tells(home: Path) -> None:
    """A run that has recorded, and saved nothing yet; a damaged checkpoint is passed over."""
    config = configured(home)
    recorded(home, config, range(1), conditions_of(config))  # a journal is a journal
    run = checkpoint(home, config, conditions_of(config))
    (run / "checkpoints" / "00000100" / "meta.json").write_bytes(b"{}")
    assert trained_otherwise(run, config, conditions_of(config)) == []
    with JournalWriter(run / JOURNAL, from_config(config), "t", conditions_of(config)) as journal:
        record = Record(
            episode=0, step=0, mode=Mode.TRAIN, final=True, monotonic_ns=0, wall_ns=0,
            state=np.zeros(len(from_config(config).state), np.float32).tobytes(),
        )  # fmt: skip
        journal.write(bytes(encode_into(record, bytearray())))
    now = configured(home, "robot.command_hz=10")
    (line,) = trained_otherwise(run, now, conditions_of(now))
    assert line.startswith(f"what {run} has recorded: robot.command_hz: 50 Hz before, 10 Hz now.")


def test_jobs_say_so(tmp_path: Path) -> None:
    """On the terminal, in the log, in TensorBoard; kept with what they record and save, and told when judged."""
    jobs.record(tmp_path)
    short = [*jobs.SMALL, "learner.online_steps=40", "policy.device=cpu"]
    done = jobs.run(tmp_path, "train", jobs.SIM, overrides=[*short, LOWER])
    assert done.returncode == 0, done.stdout + done.stderr
    said = f"the demonstrations: {POSE}: x 217 mm before, 200 mm now, 17 mm further back;"
    assert said in done.stderr
    run = jobs.newest_run(tmp_path, "train")
    assert said in (run / "log.txt").read_text()
    board = EventAccumulator(str(run / "tensorboard"))
    board.Reload()
    (shown,) = board.Tensors("Task/differs/text_summary")
    assert said.encode() in shown.tensor_proto.string_val[0]
    kept = [e.header.conditions for e in read_episodes(run / "journal")]
    kept += [load_meta(path).conditions for path in checkpoints_of(run)]
    assert {c.arms[""].start[2] for c in kept} == {15.0}

    judged = jobs.run(tmp_path, "eval", run, "--episodes", "1", overrides=["robot.command_hz=10"])
    assert judged.returncode == 0, judged.stderr
    assert (
        f"the policy in {checkpoints_of(run)[-1]}: robot.command_hz: 50 Hz before, 10 Hz now."
        in judged.stderr
    )
    mirrored = jobs.run(tmp_path, "eval", run, overrides=["processor.gripper.open_position=0"])
    assert mirrored.returncode == 2
    assert (
        "cannot be used with this task file: processor.gripper.open_position: 100 before" in mirrored.stderr
    )

    config = (run / "config.toml").read_text().replace("15.0, 88.5", "12.0, 88.5")
    (run / "config.toml").write_text(config)
    resumed = jobs.run(tmp_path, "train", "--resume", run)
    assert resumed.returncode == 0, resumed.stderr
    assert f"the policy in {checkpoints_of(run)[-1]}: {POSE}: x 200 mm before" in resumed.stderr
