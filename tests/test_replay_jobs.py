"""`hilrt replay` as a user runs it, on the simulated arm."""

import json
import os
import re
import signal
from pathlib import Path

import jobs
import pytest
from devices.virtual import run_virtual

from hilrt.run.folder import RunFolder
from hilrt.shm.status import Status

SLOW = ["--episode", "0", "--speed", "0.05"]
STIFF = ["sim.arm.preset=stiff"]
"""It comes back to the very same pose; a soft one rests anywhere in its dead zone."""
REALTIME = ["sim.clock=realtime", *STIFF]


def dataset(folder, *overrides, config=jobs.SIM):
    """Two demonstrations."""
    done = jobs.run(folder, "record", config, overrides=[*jobs.SMALL, *STIFF, *overrides])
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def one_arm(tmp_path_factory):
    """A folder with demonstrations of one arm."""
    return dataset(tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def two_arms(tmp_path_factory):
    """A folder with demonstrations of two arms."""
    return dataset(tmp_path_factory.mktemp("two"), config=jobs.SIM.with_name("sim_bimanual.toml"))


def outcome(folder):
    """What the newest replay wrote down."""
    return json.loads((jobs.newest_run(folder, "replay") / "replay.json").read_text())["content"]


@pytest.mark.parametrize("what", [[], ["--actions"]], ids=["joint targets", "actions"])
@pytest.mark.parametrize(("arms", "task"), [("one_arm", "sim_so100.toml"), ("two_arms", "sim_bimanual.toml")])
def test_replay_is_exact_in_lockstep(request, arms, task, what):
    """From the start pose, in the scene as it was, joint targets and measured joints are the recorded ones."""
    folder = request.getfixturevalue(arms)
    done = jobs.run(folder, "replay", jobs.SIM.with_name(task), "--episode", "0", *what, overrides=STIFF)
    assert done.returncode == 0, done.stdout + done.stderr
    came = outcome(folder)
    assert came["played"] == came["steps"] > 10
    assert came["goal_deg"] < 1e-5  # recorded with 32 bits
    assert came["joint_deg"] < 1e-5
    assert "Largest deviation from the recording: measured joints 0.00 deg, gripper 0.0" in done.stdout
    assert not list(jobs.newest_run(folder, "replay").glob("journal"))


def test_half_speed_takes_twice_the_ticks_and_nearly_the_same_way(one_arm):
    """Slower, the arm lags less: between two ticks it is on its way, and so half of the fastest one nearer at most."""
    done = jobs.run(one_arm, "replay", jobs.SIM, "--episode", "1", "--speed", "0.5", overrides=STIFF)
    assert done.returncode == 0, done.stderr
    came = outcome(one_arm)
    assert came["played"] == came["steps"]
    assert came["goal_deg"] < 1e-5
    assert 0.01 < came["joint_deg"] < 18.0 / 2
    assert re.search(r"measured joints \d\.\d\d deg \(\w+ at step \d+\)", done.stdout)


def test_another_start_pose_is_gone_to_first(one_arm):
    """The arm is at the recording's first pose before it plays, wherever the config's start pose is."""
    pose = "processor.reset.fixed_reset_joint_positions=[40, -7.5, 9, 88.5, -84.7, 50]"
    done = jobs.run(one_arm, "replay", jobs.SIM, "--episode", "0", overrides=[pose, *STIFF])
    assert done.returncode == 0, done.stderr
    assert outcome(one_arm)["joint_deg"] < 1.0


def test_stop_key(one_arm):
    """`q` ends it on the next tick with what was played until then, and status 0."""
    with jobs.InTerminal(one_arm, "replay", jobs.SIM, *SLOW, overrides=REALTIME) as terminal:
        terminal.wait_for(rb"running, episode 0 \(demo\), step [1-5], replay")
        terminal.type(b"q")
        assert terminal.finish() == 0, terminal.text()
    came = outcome(one_arm)
    assert 0 < came["played"] < came["steps"]
    assert f"{came['played']} of {came['steps']} steps" in terminal.text()


def test_gamepads_stop_button():
    """The stop button of a gamepad ends it too."""
    run_virtual(Path(__file__).parent / "devices" / "virtual_replay.py")


def test_ctrl_c_while_it_goes_to_the_first_pose(one_arm):
    """Ctrl-C on the way ends it there: nothing has been played."""
    pose = "processor.reset.fixed_reset_joint_positions=[-30, -7.5, 9, 88.5, -84.7, 50]"
    slow = "safety.max_joint_velocity_deg_s=3"
    overrides = [*REALTIME, pose, slow]
    with jobs.InTerminal(one_arm, "replay", jobs.SIM, *SLOW, overrides=overrides) as terminal:
        terminal.wait_for(rb"resetting, episode 0")
        terminal.type(b"\x03")
        assert terminal.finish() == 0, terminal.text()
    assert outcome(one_arm)["played"] == 0


def test_killed_control_is_not_begun_anew(one_arm):
    """A replay that was killed ends with a message: the arm does not set off again by itself."""
    with jobs.InTerminal(one_arm, "replay", jobs.SIM, *SLOW, overrides=REALTIME) as terminal:
        terminal.wait_for(rb"running, episode 0 \(demo\), step 1, replay")
        with Status.attach(RunFolder(jobs.newest_run(one_arm, "replay")).tag) as status:
            os.kill(status.control.pid, signal.SIGKILL)
        assert terminal.finish() == 2
    assert "was killed by SIGKILL and a replay does not begin anew by itself" in terminal.text()


@pytest.mark.parametrize(
    ("words", "overrides", "message"),
    [
        (["--episode", "7"], [], "has episodes 0 to 1; there is no 7"),
        (["nowhere", "--episode", "0"], [], "no dataset in"),
        (["--episode", "0"], ["env.fps=20"], "its rate is 10 Hz, not 20 Hz"),
        (["--episode", "0", "--speed", "3"], [], "'--speed'"),
        ([], [], "'--episode'"),
        (["--episode", "0"], ["dataset.replay_episode=0"], "is `hilrt replay CONFIG --episode N` here"),
    ],
)
def test_one_clear_message(one_arm, words, overrides, message):
    """What cannot be replayed ends with status 2 and one message, and leaves no run behind."""
    before = set((one_arm / "runs").iterdir())
    done = jobs.run(one_arm, "replay", jobs.SIM, *words, overrides=overrides)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in " ".join(done.stderr.replace("│", "").split())
    assert "Traceback" not in done.stderr
    assert set((one_arm / "runs").iterdir()) == before


def test_goals_of_another_arm_are_refused(one_arm):
    """With a narrower calibrated range than the recording needs, nothing moves, and the joint is named."""
    folder = one_arm / "configs"
    calibration = json.loads((jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json").read_text())
    calibration["wrist_flex"]["range_max"] = 2047 + round(
        89 / 360 * 4096
    )  # the start pose, less the margin of 0
    (folder / "robots/so100_follower").mkdir(parents=True, exist_ok=True)
    (folder / "robots/so100_follower/sim.json").write_text(json.dumps(calibration))
    overrides = [f"robot.calibration_dir={folder}", "safety.joint_margin_deg=0"]
    done = jobs.run(one_arm, "replay", jobs.SIM, "--episode", "0", overrides=overrides)
    assert done.returncode == 2, done.stdout
    assert re.search(r"at step \d+ it has wrist_flex at \d+\.\d, and this arm goes from", done.stderr)
    assert "another calibration" in done.stderr
