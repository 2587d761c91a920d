"""`hilrt fit`: what demonstrations, or an arm that stands somewhere, say about the task file."""

import re
from pathlib import Path

import jobs
import numpy as np
import pyarrow.parquet as pq
import pytest
from desk import Operator, place, play

from hilrt.config import MOTORS, taskfile
from hilrt.control.underside import Underside
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.devices.feetech.registers import Register
from hilrt.errors import (
    ConfigError,
    DatasetAbsentError,
    FitError,
    JournalFeaturesError,
    StartPoseError,
    TasksMixedError,
    UnknownNameError,
)
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.setup.fit import MARGIN, SPARED, fit, fit_here
from hilrt.setup.reach import Way
from hilrt.sim.servos import ServoBank
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Record, encode_into

CONFIGS = Path(__file__).parents[2] / "configs"
START = np.array([2.5, -7.5, 9.0, 88.5, -84.7, 50.0])
KINEMATICS = Kinematics(SO100_URDF)
MM = 1e-3


def ee(units):
    """Where the end effector is [m]."""
    return KINEMATICS.forward(radians_from_units(units))[:3, 3]


def swing(steps=10, by=20.0, start=START):
    """Poses of an episode that turns the base, shape (steps + 1, 6) [deg]."""
    poses = np.tile(start, (steps + 1, 1)).astype(float)
    poses[:, 0] += np.linspace(0.0, by, steps + 1)
    return poses


def task_file(folder, name="sim_so100", **texts):
    """A copy of a shipped task file with other texts in it, whose dataset is `folder`/demos."""
    text = (CONFIGS / f"{name}.toml").read_text().replace(f'"datasets/{name}"', f'"{folder}/demos"')
    for old, new in texts.items():
        assert old in text
        text = text.replace(old, new)
    path = folder / "task.toml"
    path.write_text(text)
    return path


def demonstrate(path, episodes, *, succeeds=range(99), told=lambda poses: poses[1:], action=1.0, after=0):
    """Fill the task file's dataset.

    `episodes`: poses, shape (steps + 1, 6) [deg], or of two arms (2, steps + 1, 6); `succeeds`: the numbers of those
    that do. `told`: goals from poses. `after`: so many steps go on behind success.
    """
    config = taskfile.load(path)
    features, root = from_config(config), Path(config.dataset.root)
    with JournalWriter(root / "journal", features, config.env.task) as journal:
        for number, poses in enumerate(episodes):
            arms = np.reshape(poses, (len(features.sides), -1, 6))
            steps = arms.shape[1] - 1
            for step in range(steps + 1):
                record = recorded(features, step, arms, told, action, final=step == steps)
                record.episode, record.monotonic_ns = number, 10**9 * (number + 1) + step
                record.success = step >= steps - 1 - after and number in succeeds
                record.terminated = step >= steps - 1
                journal.write(bytes(encode_into(record, bytearray())))
    fold(root)
    return root


def recorded(features, step, arms, told, action, *, final):
    """A step of arms at poses, shape (arms, steps + 1, 6) [deg]."""
    state = np.zeros(len(features.state), np.float32)
    for side, poses in zip(features.sides, arms, strict=True):
        names = [f"{side}.{motor}.pos".lstrip(".") for motor in MOTORS]
        state[[features.state.index(name) for name in names]] = radians_from_units(poses[step])
    vectors = {}
    if not final:
        goals = np.ravel([radians_from_units(told(poses)[step]) for poses in arms])
        acted = np.full(len(features.action), action)
        vectors = {
            "joint_goal": goals.astype(np.float32).tobytes(),
            "action": acted.astype(np.float32).tobytes(),
        }
    return Record(
        episode=0,
        step=step,
        mode=Mode.DEMO,
        final=final,
        monotonic_ns=0,
        wall_ns=step,
        state=state.tobytes(),
        **vectors,
    )


def fitted(path, **how):
    """What the demonstrations of a task file say: values and reasons by option."""
    return by_option(fit(taskfile.load(path), **how))


def by_option(found):
    return {p.row[0]: (p.value, p.why) for p in found.proposals}


BOX = "end_effector_bounds"
POSE = "reset.fixed_reset_joint_positions"


# --- from demonstrations -------------------------------------------------------------------------


def test_box_holds_all_that_succeeded(tmp_path):
    """Ten millimetres around it, none below but what a tilted gripper's floor is higher, in millimetres outwards."""
    path = task_file(tmp_path)
    ends = [np.add(START, [0, by, 0, 0, 0, 0]) for by in (-30, 15)]
    poses = np.concatenate([swing(by=25.0), np.linspace(*ends, 20)])
    demonstrate(path, [poses, poses])
    found, places = fitted(path), np.array([ee(pose) for pose in poses])
    low, high = (np.array(found[f"{BOX}.{end}"][0]) for end in ("min", "max"))
    side = Underside(SO100_URDF, SO100_FRAME)
    tilt = np.array([side.below(radians_from_units(pose)) for pose in poses])
    assert tilt[np.argmin(places[:, 2])] > 0.001, "or the floor would be too high for what was shown"
    floors = places - np.outer(tilt, [0, 0, 1])
    assert np.allclose(low, floors.min(0) - SPARED, atol=MM)
    assert np.allclose(high, places.max(0) + MARGIN, atol=MM)
    assert (low <= floors.min(0) - SPARED).all()
    assert (high >= places.max(0) + MARGIN).all()
    assert found[f"{BOX}.min"][1].startswith("2 successful episodes and the start pose")


def test_box_is_two_steps_wide_at_least(tmp_path):
    """A turn of the base keeps its height: there the box grows upwards, not into the table."""
    path = task_file(tmp_path)
    demonstrate(path, [swing()])
    found = fitted(path)
    low, high = (found[f"{BOX}.{end}"][0][2] for end in ("min", "max"))
    assert low == pytest.approx(ee(START)[2], abs=MM)
    assert high - low == pytest.approx(0.04, abs=1.5 * MM)
    fit(taskfile.load(path)).write(path)
    assert taskfile.load(path).bounds("").min[2] == low


def test_failures_widen_nothing(tmp_path):
    """What failed may have been anywhere."""
    path = task_file(tmp_path)
    demonstrate(path, [swing(by=20.0), swing(by=-60.0)], succeeds=[0])
    assert fitted(path)[f"{BOX}.max"][0][1] < ee(START)[1] + 0.02


def test_what_was_commanded_counts_but_not_below_what_was_reached(tmp_path):
    """A soft arm hangs lower than it is told, and its goals stay allowed; pressed on a table it is told to be below."""
    path = task_file(tmp_path)
    higher, lower = np.add(START, [0, -8, 0, 8, 0, 0]), np.add(START, [0, 8, 0, -8, 0, 0])
    assert ee(lower)[2] + 0.01 < ee(START)[2] < ee(higher)[2] - 0.01
    demonstrate(path, [swing()], told=lambda _: np.tile([higher, lower], (5, 1)))
    found = fitted(path)
    assert found[f"{BOX}.max"][0][2] >= ee(higher)[2] + MARGIN
    assert found[f"{BOX}.min"][0][2] == pytest.approx(ee(START)[2], abs=MM)


def test_the_table_is_the_floor(tmp_path):
    """`safety.table_height_m` is not undercut."""
    table = ee(START)[2] - 0.0203
    path = task_file(tmp_path, **{"[dataset]": f"[safety]\ntable_height_m = {table:.4f}\n\n[dataset]"})
    demonstrate(path, [np.linspace(START, np.add(START, [0, 15, 0, 0, 0, 0]), 20)])
    assert fitted(path)[f"{BOX}.min"][0][2] == pytest.approx(table, abs=MM)


def test_an_episode_far_from_all_others_is_named(tmp_path):
    """It counts, for it was shown; whether it was meant, only a person knows."""
    path = task_file(tmp_path)
    root = demonstrate(path, [swing(), swing(by=60.0), swing(by=22.0)])
    (note,) = fit(taskfile.load(path)).notes
    assert re.match(r"episode 1 reaches further than all others, \d+ mm along -x, \d+ mm along -y: see", note)
    assert f"`hilrt dataset delete-episodes {root} 1`" in note


def test_time_limit_is_two_and_a_half_medians(tmp_path):
    """Of 1, 3 and 4 s until success; how long an episode went on behind it does not matter."""
    path = task_file(tmp_path)
    demonstrate(path, [swing(steps + 20) for steps in (10, 30, 40)], after=20)
    value, why = fitted(path)["reset.control_time_s"]
    assert value == 7.5
    assert why == "2.5 times the median of 3.0 s; the longest took 4.0"


def test_start_pose_stays_where_the_arm_hangs_below_it(tmp_path):
    """Two degrees of sag are no other pose: each fit would lower it."""
    path = task_file(tmp_path)
    demonstrate(path, [swing(start=np.add(START, [0, 2.2, 0.5, 0, 0, 0]))])
    value, why = fitted(path)[POSE]
    assert value == START.tolist()
    assert why == "episodes begin there, within 2.2"


def test_start_pose_is_the_median_of_the_first_poses(tmp_path):
    """One episode that began elsewhere does not move it; it is in the box, and written once."""
    path = task_file(tmp_path)
    there = np.add(START, [10, -12, 5, 0, 0, 20])
    starts = [np.add(there, [i, 0, 0, 0, 0, 0]) for i in (-1, 0, 1)]
    demonstrate(path, [swing(start=start) for start in (*starts, START, there)])
    found = fit(taskfile.load(path))
    assert by_option(found)[POSE] == (pytest.approx(there, abs=0.05), "median of where 5 episodes begin")
    assert found.write(path)
    assert taskfile.load(path).reset_pose("") == pytest.approx(there, abs=0.05)
    assert not fit(taskfile.load(path)).write(path)


def test_a_start_pose_that_no_run_would_take_is_not_written(tmp_path):
    """Beyond a joint's range, as where others calibrated otherwise; the file stays as it was."""
    path = task_file(tmp_path)
    demonstrate(path, [swing(start=[0, -109.7, 96.2, 41.0, 90.4, 0])])
    text = path.read_text()
    with pytest.raises(StartPoseError, match=r"shoulder_lift at -109\.7 is outside"):
        fit(taskfile.load(path)).write(path)
    assert path.read_text() == text


def test_steps_stay_those_of_the_recording(tmp_path):
    """Actions are in units of them: with other ones, training would refuse the demonstrations."""
    path = task_file(tmp_path)
    demonstrate(path, [swing()], action=0.4)
    step = "end_effector_step_sizes.x"
    today = path.read_text()
    path.write_text(today.replace("x = 0.02", "x = 0.03  # too far"))
    assert fitted(path)[step] == (0.02, "as recorded; 95 % of the actions keep within 0.008")
    assert fitted(path, new_steps=True)[step][0] == 0.008
    assert fit(taskfile.load(path)).write(path)
    assert "x = 0.02  # too far" in path.read_text()


def test_joint_control_has_no_box(tmp_path):
    """Its step is one for all joints."""
    text = (CONFIGS / "sim_so100.toml").read_text()
    start, end = text.index("[processor.inverse_kinematics.end_eff"), text.index("[dataset]")
    path = task_file(tmp_path, **{text[start:end]: "", '"scripted"': '"keyboard"'})
    demonstrate(path, [swing()], action=0.5)
    found = fitted(path, new_steps=True)
    assert found.keys() == {"joint_step_deg", "reset.control_time_s", POSE}
    assert found["joint_step_deg"][0] == pytest.approx(2.5, abs=2e-3)
    assert fit(taskfile.load(path), new_steps=True).write(path)
    assert taskfile.load(path).processor.joint_step_deg == found["joint_step_deg"][0]


def test_two_arms_have_a_box_each(tmp_path):
    """One that never moved keeps what it has; `--arm` is about one of them."""
    path = task_file(tmp_path, "sim_bimanual")
    demonstrate(path, [np.array([swing(), np.tile(START, (11, 1))])] * 2)
    found = fitted(path)
    assert f"robot.arms.left.{BOX}.min" in found
    assert not [option for option in found if option.startswith(f"robot.arms.right.{BOX}")]
    assert fit(taskfile.load(path)).write(path)
    config = taskfile.load(path)
    assert list(config.bounds("left").max) == found[f"robot.arms.left.{BOX}.max"][0]
    assert config.bounds("right") == config.processor.inverse_kinematics.end_effector_bounds
    with pytest.raises(FitError, match="in which no arm moves"):
        fit(config, "right")
    with pytest.raises(UnknownNameError, match="no arm 'middle'; there are: left, right"):
        fit(config, "middle")


def test_demonstrations_of_others_are_named(tmp_path):
    """Their arm had a calibration of its own; where it was told to be is not known."""
    path = task_file(tmp_path)
    root = demonstrate(path, [swing(), swing()])
    (meta,) = root.glob("meta/episodes/*/*.parquet")
    table = pq.read_table(meta)
    at = table.column_names.index("hilrt/origin")
    pq.write_table(table.set_column(at, "hilrt/origin", [["import:a:b", "journal"]]), meta)
    (note,) = fit(taskfile.load(path)).notes
    assert note.startswith(
        "1 of 2 episodes were recorded by others: box and start pose suit your arm as far as its"
    )


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"fps = 10": "fps = 20"}, JournalFeaturesError, "its rate is 10 Hz, not 20 Hz"),
        ({'"pick_lift"': '"push"'}, TasksMixedError, "another task than the config's env.task, 'push'"),
        ({"demos": "nowhere"}, DatasetAbsentError, "`hilrt record CONFIG` makes one"),
    ],
)
def test_other_demonstrations_say_nothing(tmp_path, change, error, message):
    """Of another rate, another task, or none at all."""
    path = task_file(tmp_path)
    demonstrate(path, [swing()])
    text = path.read_text()
    for old, new in change.items():
        assert old in text
        path.write_text(text.replace(old, new))
    with pytest.raises(error, match=re.escape(message)):
        fit(taskfile.load(path))


def test_failures_alone_say_nothing(tmp_path):
    """The message counts them, and says what to do."""
    path = task_file(tmp_path)
    demonstrate(path, [swing(), swing()], succeeds=[])
    with pytest.raises(
        FitError, match=r"2 episodes and no successful one.*Record demonstrations with `hilrt record`"
    ):
        fit(taskfile.load(path))


# --- from where the arm stands -------------------------------------------------------------------


@pytest.fixture
def real(desk, tmp_path):
    """A real arm's task file, and its servos."""
    calibration = Calibration.nominal()
    path = tmp_path / "task.toml"
    text = (CONFIGS / "so100.toml").read_text()
    path.write_text(
        text.replace('"/dev/ttyACM0"', f'"{desk.port}"').replace(
            'id = "follower"', f'id = "follower"\ncalibration_dir = "{tmp_path}"'
        )
    )
    calibration.save(taskfile.load(path).robot.calibration_path(""))
    desk.connect(*ServoBank.calibrated(calibration).servos)
    return path


def put(desk, units, register=None):
    """Bring the arm to a pose by hand, or tell it one."""
    for servo, count in zip(
        desk.bank.connected, Calibration.nominal().counts(radians_from_units(units)), strict=True
    ):
        if register:
            servo.put(register, int(count))
        else:
            place(servo, int(count) + servo.get(Register.HOMING_OFFSET))


THERE = np.add(START, [5.0, 3.0, -2.0, 0.0, 10.0, -30.0])


def test_start_here_by_hand(desk, real):
    """A limp arm is held where episodes shall begin; only the start pose is written, and no torque is touched."""
    put(desk, START)
    operator = Operator([], [[lambda: put(desk, THERE)]])
    found = play(fit_here(operator, taskfile.load(real)))
    assert operator.seen[-1].rows[0] == ("shoulder_pan [deg]", "2.5", "7.5")
    assert found.write(real)
    assert taskfile.load(real).reset_pose("") == pytest.approx(THERE, abs=0.1)
    assert [servo.torque_enabled for servo in desk.bank.connected] == [False] * 6


def test_start_here_of_an_arm_that_holds(desk, real):
    """It hangs below the pose that it is told; that one counts."""
    put(desk, np.add(THERE, [0, 2, 1, 0, 0, 0]))
    put(desk, THERE, Register.GOAL_POSITION)
    play(fit_here(Operator([], [[]]), taskfile.load(real)))  # it has our settings from then on
    for servo in desk.bank.connected:
        servo.put(Register.TORQUE_ENABLE, 1)
    found = play(fit_here(Operator([], [[]]), taskfile.load(real)))
    assert by_option(found)[POSE][0] == pytest.approx(THERE, abs=0.1)


def test_start_here_widens_the_box(desk, real):
    """A start pose outside would be refused; the sides that it does not concern stay."""
    box, outside = taskfile.load(real).bounds(""), np.add(START, [-60.0, 0, 0, 0, 0, 0])
    put(desk, outside)
    assert play(fit_here(Operator([], [[]]), taskfile.load(real))).write(real)
    wider = taskfile.load(real).bounds("")
    assert wider.max[1] == pytest.approx(ee(outside)[1] + MARGIN, abs=MM)
    assert (wider.max[0], wider.max[2]) == (box.max[0], box.max[2])
    assert wider.min[1] == box.min[1]


def test_a_simulated_arm_stands_nowhere(tmp_path):
    """Nobody can bring it to a pose by hand."""
    with pytest.raises(ConfigError, match="a simulated arm comes set up"):
        play(fit_here(Operator(), taskfile.load(task_file(tmp_path))))


# --- as a user does it ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Thirty demonstrations of the demo's task."""
    folder = tmp_path_factory.mktemp("demo")
    jobs.record(folder, "dataset.num_episodes_to_record=30")
    return folder


def test_the_demos_box_contains_every_demonstration(demo):
    """Measured and commanded, with no more than the margin beside it."""
    config = taskfile.load(jobs.SIM, [f"dataset.root={demo}/datasets/sim_so100"])
    found = by_option(fit(config))
    dataset = open_dataset(Path(config.dataset.root))
    shown = [Way.of(e, dataset.features, "") for e in dataset if e.records[-1].success]
    assert len(shown) == 30
    places = np.array([KINEMATICS.forward(q)[:3, 3] for way in shown for q in way.measured])
    goals = np.array([KINEMATICS.forward(q)[:3, 3] for way in shown for q in way.told])
    low, high = (np.array(found[f"{BOX}.{end}"][0]) for end in ("min", "max"))
    assert (low <= places.min(0)).all()
    assert (high >= np.maximum(places.max(0), goals.max(0))).all()
    assert (low[:2] <= goals.min(0)[:2]).all()
    assert low[2] >= places[:, 2].min() - MM


def test_the_command(demo):
    """A table beside today's values; with --write the file's comments stay, and training takes it."""
    path = demo / "task.toml"
    path.write_text(
        jobs.SIM.read_text().replace("control_time_s = 10.0", "control_time_s = 30.0   # patient")
    )
    before = path.read_text().splitlines()
    shown = jobs.run(demo, "fit", "task.toml")
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"reset\.control_time_s\s+│ 30", shown.stdout), shown.stdout
    assert path.read_text().splitlines() == before

    done = jobs.run(demo, "fit", "task.toml", "--write")
    assert "written into task.toml" in done.stdout, done.stdout + done.stderr
    changed = [new for old, new in zip(before, path.read_text().splitlines(), strict=True) if old != new]
    assert [line.split(" = ")[0] for line in changed] == ["control_time_s", "min", "max"]
    assert changed[0].endswith("# patient")
    assert "has these values already" in jobs.run(demo, "fit", "task.toml", "--write").stdout

    small = [*jobs.SMALL, "learner.online_steps=20", "eval.final_episodes=1"]
    trained = jobs.run(demo, "train", "task.toml", overrides=small)
    assert trained.returncode == 0, trained.stdout + trained.stderr
