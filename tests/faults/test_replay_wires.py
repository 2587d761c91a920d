"""An arm that goes away, or that something holds, in the middle of a replay."""

import json

import jobs
import numpy as np
import pytest
from armdesk import Desk

from hilrt.config import taskfile
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.fold import fold
from hilrt.devices.calibration import radians_from_units
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Record, encode_into

REAL = jobs.SIM.with_name("so100.toml")
OWN = ["robot.id=sim", "robot.cameras={}", f"robot.calibration_dir={jobs.ROOT}/configs/calibration"]
STEPS = 60
TURN = np.deg2rad(60.0)
SAG = 230
"""Of an arm without power [counts]: 20 degrees."""
MIDDLE = rb"running, episode 0 \(demo\), step 1\d, replay"


def turn(root):
    """A recording of an arm that turns its base by 60 degrees."""
    config = taskfile.load(REAL, OWN)
    features = from_config(config)
    with JournalWriter(root / "journal", features, "turn") as journal:
        for step in range(STEPS + 1):
            joints = radians_from_units(config.reset_pose(""))
            joints[0] += TURN * step / STEPS
            state = np.zeros(len(features.state), np.float32)
            state[:6] = joints
            final = step == STEPS
            acted = {"joint_goal": joints, "action": np.zeros(len(features.action))} if not final else {}
            record = Record(
                episode=0,
                step=step,
                mode=Mode.DEMO,
                final=final,
                monotonic_ns=step,
                wall_ns=step,
                state=state.tobytes(),
                truncated=step >= STEPS - 1,
                **{name: np.float32(vector).tobytes() for name, vector in acted.items()},
            )
            journal.write(bytes(encode_into(record, bytearray())))
    assert fold(root).kept == 1
    return root


@pytest.fixture
def desk(tmp_path):
    """The arm that configs/so100.toml is about."""
    with Desk(tmp_path, jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json") as desk:
        yield desk


@pytest.fixture
def replay(tmp_path, desk):
    """A replay under way."""
    words = ["replay", REAL, turn(tmp_path / "turn"), "--episode", "0"]
    with jobs.InTerminal(tmp_path, *words, overrides=[f"robot.port={desk.port}", *OWN]) as terminal:
        terminal.wait_for(MIDDLE)
        yield terminal


def outcome(folder):
    return json.loads((jobs.newest_run(folder, "replay") / "replay.json").read_text())["content"]


def test_the_recording_is_followed(tmp_path, replay):
    """Positive control: an arm that nothing disturbs is where it was recorded, within a step's lag."""
    assert replay.finish() == 0, replay.text()
    came = outcome(tmp_path)
    assert came["played"] == STEPS
    assert came["joint_deg"] < 3.0


def test_no_leader_is_needed(tmp_path, desk):
    """Nobody leads a replay: with a leader arm in the task file, not set up and not plugged in, it is the same."""
    absent = ["teleop.type=so100_leader", "teleop.id=nobody", f"teleop.port={tmp_path}/absent"]
    words = ["replay", REAL, turn(tmp_path / "turn"), "--episode", "0"]
    done = jobs.run(tmp_path, *words, overrides=[f"robot.port={desk.port}", *OWN, *absent])
    assert done.returncode == 0, done.stderr
    assert outcome(tmp_path)["played"] == STEPS


def test_unplugged_and_replugged(tmp_path, desk, replay):
    """The arm, sunk meanwhile, is led back to where it was told to be, slowly, and the replay goes on to its end."""
    desk.unplug()
    replay.wait_for(rb"arm away for")
    desk.brown_out(*range(1, 7), sag=SAG)
    desk.plug()
    assert replay.finish() == 0, replay.text()
    came = outcome(tmp_path)
    assert came["played"] == STEPS
    assert came["joint_deg"] < 3.0
    assert desk.largest_lead_deg() < 10.0


def test_something_holds_the_arm(tmp_path, desk, replay):
    """The recording waits; after a while the run ends with step and limit, and the command is still near the arm."""
    desk.stuck.add(1)
    assert replay.finish() == 2
    assert "does not follow the recording beyond step" in replay.text()
    assert "(limits met: held)" in replay.text()
    assert 10 <= outcome(tmp_path)["played"] < STEPS
    assert desk.largest_lead_deg() < 45.0  # the leash of 20, and a tick of the fastest motion


def test_a_bad_line(tmp_path):
    """Replies that fail for good delay the recording and leave nothing out."""
    root = jobs.record(tmp_path, "dataset.num_episodes_to_record=1")
    overrides = ["sim.clock=realtime", "sim.line_errors=0.1"]
    done = jobs.run(tmp_path, "replay", jobs.SIM, root, "--episode", "0", overrides=overrides)
    assert done.returncode == 0, done.stderr
    came = outcome(tmp_path)
    assert came["played"] == came["steps"]
    assert came["goal_deg"] < 1e-5
    assert came["joint_deg"] < 10.0
