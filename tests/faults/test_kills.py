"""Processes killed with -9 in mid-run: what must go on does, and nothing recorded is lost."""

import asyncio
import os
import re
import signal
import time
from datetime import datetime
from pathlib import Path

import jobs
import numpy as np
import pytest

from hilrt.control.loop import Phase
from hilrt.data.journal import read_episodes
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import Register
from hilrt.devices.holding import SAG_DEG
from hilrt.step.record import Mode

REALTIME = [
    *jobs.SMALL,
    "sim.clock=realtime",
    "env.fps=30",
    "processor.reset.control_time_s=3.0",
    "eval.every_steps=0",
    "learner.online_steps=400",
    *(f"processor.inverse_kinematics.end_effector_step_sizes.{axis}=0.0067" for axis in "xyz"),
]

ENDLESS = "learner.online_steps=100000"
"""For a test that ends the run when it has seen enough."""
FEW = "learner.utd_ratio=0.2"
"""For one that waits until all is learned from: a busy computer never catches up with more at this rate."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    jobs.record(folder, *(o for o in REALTIME if "fps" in o or "step_sizes" in o))
    return folder


def train_steps(run):
    """Training steps in the journal, each once."""
    keys = [
        (e.number, r.step)
        for e in read_episodes(run / "journal")
        if e.mode is Mode.TRAIN
        for r in e.records
        if not r.final
    ]
    assert len(keys) == len(set(keys))
    return len(keys)


def episodes_are_whole(run):
    """No step is missing inside any episode, cut ones included."""
    return all(
        [r.step for r in e.records] == list(range(len(e.records))) for e in read_episodes(run / "journal")
    )


def test_learner_killed(workplace):
    """Control misses no tick while the learner is dead; it comes back with all rows, and the run goes on to its end."""
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=[*REALTIME, ENDLESS, FEW]) as live:
        live.wait_for(lambda: live.status.control.online_steps > 150)
        misses = live.status.control.misses
        dead = live.kill("learner")
        live.wait_for(lambda: live.status.learner.pid != dead and live.status.learner.ready)
        assert live.status.control.misses == misses
        rows, episode = live.status.control.online_steps, live.status.control.episode
        live.wait_for(lambda: live.status.learner.learned >> 32 > episode)
        os.kill(live.process.pid, signal.SIGINT)
        text = live.finish()
    assert live.process.returncode == 0, text
    summary = jobs.summary(live.path)
    assert summary["realtime"]["restarts"] == 1
    assert summary["online_steps"] == train_steps(live.path) >= rows
    assert episodes_are_whole(live.path)


def test_control_killed(workplace):
    """The arm is made to hold within 200 ms, control is restarted, and every step it published is in the journal."""
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=REALTIME) as live:
        live.wait_for(
            lambda: live.status.control.online_steps > 60 and live.status.control.phase == Phase.RUNNING
        )
        port = live.status.sim.ports
        killed = datetime.now()
        dead = live.kill("control")
        published = live.status.control.online_steps
        log = live.path / "log.txt"
        live.wait_for(lambda: "control died; arm: hold" in log.read_text())
        held = datetime.strptime(
            re.search(r"^(\S+ \S+) .*control died; arm: hold", log.read_text(), re.MULTILINE)[1],
            "%Y-%m-%d %H:%M:%S,%f",
        )
        assert (held - killed).total_seconds() < 0.2
        assert asyncio.run(come_to_rest(port)) < np.radians(SAG_DEG)
        live.wait_for(lambda: live.status.control.pid != dead and live.status.control.ready)
        text = live.finish()
    assert live.process.returncode == 0, text
    assert "control was killed by SIGKILL and was restarted" in text
    summary = jobs.summary(live.path)
    assert summary["online_steps"] == train_steps(live.path) >= max(400, published)
    assert episodes_are_whole(live.path)


async def come_to_rest(port):
    """How far the joints of an arm that nobody drives move until it is still [rad]; its torque must be on."""
    calibration = Calibration.load(jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json")
    async with await Arm.connect(port, calibration, deadline_s=0.5) as arm:
        first = now = (await arm.read()).position
        speed = np.inf
        while speed > 0.05:  # it was moving when it was told to hold, and swings back a little
            before = now
            await asyncio.sleep(0.3)
            now = (await arm.read()).position
            speed = np.abs(now - before).max() / 0.3
        assert await arm.bus.read(1, Register.TORQUE_ENABLE) == 1
        return float(np.abs(now - first).max())


def test_everything_killed(workplace):
    """The next start clears what is left in shared memory, and --resume goes on from where the journal ends."""
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=REALTIME) as live:
        live.wait_for(lambda: live.status.control.online_steps > 200)
        pids = [getattr(live.status, role).pid for role in ("control", "learner", "recorder", "sim")]
        memory = live.segments
        os.kill(live.process.pid, signal.SIGKILL)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        live.process.wait()
        run = live.path
    before = train_steps(run)
    done = jobs.run(workplace, "train", "--resume", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert memory
    assert not any(path.exists() for path in memory)
    assert jobs.summary(run)["online_steps"] == train_steps(run) >= 400 > before
    assert "in neither ring nor journal" not in (run / "log.txt").read_text()
    assert episodes_are_whole(run)


def test_everything_frozen(workplace):
    """All processes stand still for three seconds, as under a shut lid: nothing restarts, and the run ends well.

    Not even where the supervisor, which looks for processes that hang, is the last to sleep and the first to wake.
    """
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=REALTIME) as live:
        live.wait_for(lambda: live.status.control.online_steps > 100)
        roles = ("supervisor", "control", "learner", "recorder", "sim")
        pids = [getattr(live.status, role).pid for role in roles]
        for pid in pids[1:]:
            os.kill(pid, signal.SIGSTOP)
        looks_twice(live)
        os.kill(pids[0], signal.SIGSTOP)
        stood = live.status.control.online_steps
        time.sleep(3)
        assert live.status.control.online_steps == stood
        os.kill(pids[0], signal.SIGCONT)
        looks_twice(live)
        for pid in pids[1:]:
            os.kill(pid, signal.SIGCONT)
        text = live.finish()
    assert live.process.returncode == 0, text
    summary = jobs.summary(live.path)
    assert summary["realtime"]["restarts"] == 0, text
    assert summary["online_steps"] == train_steps(live.path) >= 400 > stood
    assert episodes_are_whole(live.path)


def looks_twice(live):
    """Wait until the supervisor has looked at the others from here on."""
    beats = set()
    live.wait_for(lambda: len(beats) > 2 or beats.add(live.status.supervisor.heartbeat_ns))


def test_ctrl_c(workplace):
    """Ctrl-C cuts the episode, leaves a checkpoint and a summary, says how to go on, and ends with status 0."""
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=REALTIME) as live:
        live.wait_for(lambda: live.status.control.online_steps > 60)
        os.kill(live.process.pid, signal.SIGINT)
        text = live.finish()
    assert live.process.returncode == 0, text
    assert f"hilrt train --resume runs/{live.path.name}" in text
    assert jobs.summary(live.path)["online_steps"] == train_steps(live.path) < 400
    assert list((live.path / "checkpoints").iterdir())
    *_, last = read_episodes(live.path / "journal")
    assert last.complete
    assert not live.segments


def test_release_on_crash(workplace):
    """With `safety.on_crash = "release"` a dead control leaves the arm limp, and a new one says so before it moves."""
    overrides = [*REALTIME, "safety.on_crash=release", "safety.resume_after_s=5"]
    with jobs.LiveRun(workplace, "train", jobs.SIM, overrides=overrides) as live:
        live.wait_for(lambda: live.status.control.online_steps > 20)
        live.kill("control")
        live.wait_for(lambda: "control died; arm: release" in (live.path / "log.txt").read_text())
        live.wait_for(lambda: "the arm was let go" in live.status.control.message)
        assert asyncio.run(torques(live.status.sim.ports)) == [0] * 6
        text = live.finish()
    assert live.process.returncode == 0, text


def test_two_arms_held(tmp_path):
    """With two arms, both hold after control has died, and both go on."""
    config = jobs.SIM.with_name("sim_bimanual.toml")
    overrides = [o for o in REALTIME if "fps" not in o and "step_sizes" not in o]
    overrides += ["learner.online_steps=100", "dataset.num_episodes_to_record=1"]
    assert jobs.run(tmp_path, "record", config, overrides=[*overrides, "sim.clock=lockstep"]).returncode == 0
    with jobs.LiveRun(tmp_path, "train", config, overrides=overrides) as live:
        live.wait_for(lambda: live.status.control.online_steps > 20)
        ports = live.status.sim.ports.split("\n")
        dead = live.kill("control")
        live.wait_for(lambda: (live.path / "log.txt").read_text().count("control died; arm: hold") == 2)
        assert [asyncio.run(torques(port)) for port in ports] == [[1] * 6] * 2
        live.wait_for(lambda: live.status.control.pid != dead and live.status.control.ready)
        text = live.finish()
    assert live.process.returncode == 0, text
    assert episodes_are_whole(live.path)


async def torques(port):
    """Torque_Enable of the six servos."""
    async with await Bus.open(port, deadline_s=0.5) as bus:
        held = await bus.sync_read(Register.TORQUE_ENABLE, range(1, 7))
    return [held[motor] for motor in range(1, 7)]


LOCKSTEP = [
    *jobs.SMALL,
    "eval.every_steps=0",
    "learner.online_steps=400",
    "learner.utd_ratio=4.0",
    "dataset.root=slow",
]


@pytest.fixture(scope="module")
def lockstep_workplace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lockstep")
    done = jobs.run(folder, "record", jobs.SIM, overrides=LOCKSTEP)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("role", ["control", "learner", "recorder"])
def test_killed_in_lockstep(lockstep_workplace, role):
    """In simulated time, too, whoever dies is replaced, and the run finishes with every step on disk."""
    with jobs.LiveRun(lockstep_workplace, "train", jobs.SIM, overrides=LOCKSTEP) as live:
        live.wait_for(lambda: live.status.control.online_steps > 150)
        live.kill(role)
        text = live.finish()
    assert live.process.returncode == 0, text
    summary = jobs.summary(live.path)
    assert summary["realtime"]["restarts"] == 1
    assert summary["online_steps"] == train_steps(live.path) >= 400
    assert episodes_are_whole(live.path)


def test_simulator_killed(lockstep_workplace):
    """Without the arm there is no run: one clear message, status 2, nothing left behind."""
    with jobs.LiveRun(lockstep_workplace, "train", jobs.SIM, overrides=LOCKSTEP) as live:
        live.wait_for(lambda: live.status.control.online_steps > 50)
        live.kill("sim")
        text = live.finish()
    assert live.process.returncode == 2
    assert "sim was killed by SIGKILL, and with it the arm" in text
    assert not live.segments


def test_supervisor_killed(lockstep_workplace):
    """When the supervisor dies every other process ends by itself, and --resume goes on."""
    with jobs.LiveRun(lockstep_workplace, "train", jobs.SIM, overrides=LOCKSTEP) as live:
        live.wait_for(lambda: live.status.control.online_steps > 50)
        pids = [getattr(live.status, role).pid for role in ("control", "learner", "recorder", "sim")]
        os.kill(live.process.pid, signal.SIGKILL)
        live.process.wait()
        deadline = time.monotonic() + jobs.PATIENCE_S
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    done = jobs.run(lockstep_workplace, "train", "--resume", live.path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert jobs.summary(live.path)["online_steps"] == train_steps(live.path) >= 400
