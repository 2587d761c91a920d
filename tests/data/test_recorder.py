"""The recorder as a process, on a real ring."""

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import msgspec
import numpy as np
import pytest

import hilrt
from hilrt.config.taskfile import load
from hilrt.data.episodes import read_summaries
from hilrt.data.journal import episode_path, read_episode, read_episodes
from hilrt.run.job import Job, Role, Spec
from hilrt.shm.ring import Ring
from hilrt.shm.status import Status, Stop
from hilrt.step.features import from_config
from hilrt.step.record import encode_into

CONFIG = """
[env]
task = "pick_lift"
[robot]
id = "arm"
[robot.cameras.front]
type = "sim"
width = 32
height = 24
[processor.reset]
fixed_reset_joint_positions = [0, 0, 0, 0, 0, 0]
[processor.inverse_kinematics.end_effector_bounds]
min = [0.1, -0.1, 0.0]
max = [0.3, 0.1, 0.2]
[dataset]
root = "{root}"
[sim]
"""


class Rig:
    """What a supervisor and control hold while a recorder runs."""

    def __init__(self, folder: Path, job: Job) -> None:
        self.run = f"test-{uuid.uuid4().hex[:12]}"
        self.dir = folder
        self.job = job
        (folder / "config.toml").write_text(CONFIG.format(root=folder / "demos"))
        self.features = from_config(load(folder / "config.toml"))
        frame_bytes = self.features.frame_bytes
        self.ring = Ring.create(
            self.run, "steps-recorder", 64, self.features.header_bytes, frame_bytes, self.features.schema()
        )
        self.status = Status.create(self.run)
        self.wake = os.eventfd(0)
        self.child: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start a recorder."""
        spec = Spec(
            role=Role.RECORDER,
            job=self.job,
            run=self.run,
            run_dir=str(self.dir),
            fds={"recorder_steps": self.wake},
        )
        command = [
            sys.executable,
            "-m",
            "hilrt.supervisor.launch",
            msgspec.json.encode(spec).decode(),
            str(os.getpid()),
        ]
        environment = os.environ | {"PYTHONPATH": str(Path(hilrt.__file__).parents[1])}
        self.status.recorder.ready = 0
        self.child = subprocess.Popen(
            command, env=environment, pass_fds=[self.wake], stderr=subprocess.PIPE, text=True
        )
        self.until(lambda: self.status.recorder.ready)

    def push(self, record, pixel: int = 0) -> None:
        """Do as control does after a tick."""
        frame = np.full((24, 32, 3), pixel, np.uint8)
        assert self.ring.try_push(encode_into(record, bytearray()), [frame], offsets=[0])
        os.eventfd_write(self.wake, 1)

    def until(self, condition) -> None:
        """Wait for what the child does."""
        deadline = time.monotonic() + 30
        while not condition():
            assert self.child.poll() is None, self.child.communicate()[1]
            assert time.monotonic() < deadline, "the recorder did not get there"
            time.sleep(0.002)

    def end(self) -> tuple[int, str]:
        """Exit status and error output."""
        errors = self.child.communicate(timeout=30)[1]
        return self.child.returncode, errors

    def close(self) -> None:
        """Leave nothing behind."""
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.communicate()
        for part in (self.ring, self.status):
            part.unlink()
            part.close()
        os.close(self.wake)


@pytest.fixture
def rig(tmp_path, request):
    """A run folder, ring and status block; parametrize with a job to change it."""
    rig = Rig(tmp_path, getattr(request, "param", Job.TRAIN))
    yield rig
    rig.close()


def test_every_step_and_episode_reaches_the_disk(rig, make_record):
    """Steps pushed are in the journal with their frames; each ended episode has a line; counters say so."""
    rig.start()
    for episode in range(2):
        for step in range(5):
            rig.push(make_record(episode, step, final=step == 4), pixel=10 * episode + step)
    rig.until(lambda: rig.status.recorder.flushed_episode == 1)
    rig.status.supervisor.stop = 1
    assert rig.end() == (0, "")
    episodes = list(read_episodes(rig.dir / "journal", frames=True, features=rig.features))
    assert [[r.step for r in e.records] for e in episodes] == [[0, 1, 2, 3, 4]] * 2
    assert [e.images(3)["front"].max() for e in episodes] == [3, 13]
    assert [(s.episode, s.steps, s.online_steps) for s in read_summaries(rig.dir / "episodes.jsonl")] == [
        (0, 4, 4),
        (1, 4, 8),
    ]
    own = rig.status.recorder
    size = sum(p.stat().st_size for p in (rig.dir / "journal").iterdir())
    assert (own.records, own.lag, own.message) == (10, 0, "")
    assert own.bytes < size < own.bytes + 2 * 4096, "all but the files' headers"


@pytest.mark.parametrize("rig", [Job.RECORD], indirect=True)
def test_demonstrations_go_to_the_dataset(rig, make_record):
    """A recording job writes to the dataset's journal, its list of episodes to the run's folder."""
    rig.start()
    rig.push(make_record(0, 0))
    rig.push(make_record(0, 1, final=True))
    rig.status.supervisor.stop = 1
    assert rig.end() == (0, "")
    assert [len(e.records) for e in read_episodes(rig.dir / "demos" / "journal")] == [2]
    assert len(read_summaries(rig.dir / "episodes.jsonl")) == 1


def test_told_to_end_it_waits_for_control_and_drains(rig, make_record):
    """A stop, or SIGTERM, does not end it while control lives, silent or not: its last steps are kept too."""
    control = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    rig.status.control.pid = control.pid
    rig.start()
    rig.push(make_record(0, 0))
    rig.until(lambda: rig.status.recorder.records == 1)
    rig.child.terminate()
    rig.status.supervisor.stop = Stop.ASKED
    beat = rig.status.recorder.heartbeat_ns
    rig.until(lambda: rig.status.recorder.heartbeat_ns > beat + 2 * 10**9)
    for step in range(1, 30):
        rig.push(make_record(0, step))
    control.kill()
    control.communicate()
    assert rig.end() == (0, "")
    assert len(read_episode(episode_path(rig.dir / "journal", 0)).records) == 30


def test_a_recorder_killed_in_mid_episode_is_replaced_without_loss(rig, make_record):
    """Killed at arbitrary moments, each recorder goes on where the last one stopped; the summary is whole."""
    steps = 120
    rig.start()
    for step in range(steps):
        if step % 30 == 29:
            rig.child.kill()
            rig.child.communicate()
            rig.start()
        rig.push(make_record(0, step, reward=1.0))
        rig.until(lambda: rig.ring.statistics().used < 40)
    rig.push(make_record(0, steps, final=True))
    rig.status.supervisor.stop = 1
    assert rig.end() == (0, "")
    episode = read_episode(episode_path(rig.dir / "journal", 0), frames=True)
    assert [r.step for r in episode.records] == list(range(steps + 1))
    (summary,) = read_summaries(rig.dir / "episodes.jsonl")
    assert (summary.steps, summary.return_) == (steps, steps)


def test_no_torch_and_no_socket(rig, make_record):
    """The recorder maps no torch and holds no socket."""
    rig.start()
    rig.push(make_record(0, 0))
    rig.until(lambda: rig.status.recorder.records == 1)
    process = Path(f"/proc/{rig.child.pid}")
    links = [str(fd.readlink()) for fd in (process / "fd").iterdir()]
    assert any("eventfd" in link for link in links)
    assert not [link for link in links if link.startswith("socket:")]
    assert "numpy" in (process / "maps").read_text()
    assert "libtorch" not in (process / "maps").read_text()


def fill_disk(folder: Path) -> Path:
    """Leave no room; the file to delete for some."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(65536)):
                pass
        except OSError:
            return ballast
    raise AssertionError("unreachable")


@pytest.fixture
def full_rig(rig):
    """A rig whose journal lies on a full file system of one megabyte."""
    folder = rig.dir / "journal"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting needs root")
    yield rig
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_waited_for(full_rig, make_record):
    """While the disk is full steps wait in the ring and status says so; with room again none is missing."""
    ballast = fill_disk(full_rig.dir / "journal")
    full_rig.start()
    for step in range(10):
        full_rig.push(make_record(0, step, final=step == 9))
    full_rig.until(lambda: "No space left on device" in full_rig.status.recorder.message)
    assert full_rig.status.recorder.lag == 10
    full_rig.status.supervisor.stop, full_rig.status.control.done = Stop.DONE, 1
    beat = full_rig.status.recorder.heartbeat_ns
    full_rig.until(lambda: full_rig.status.recorder.heartbeat_ns > beat + 2 * 10**9)
    assert full_rig.status.recorder.lag == 10, "the work is done, and its last steps are still waited for"
    ballast.unlink()
    full_rig.until(lambda: full_rig.status.recorder.flushed_episode == 0)
    assert full_rig.end() == (0, "")
    assert len(read_episode(episode_path(full_rig.dir / "journal", 0)).records) == 10
    assert full_rig.status.recorder.message == ""


def test_steps_that_never_reach_the_disk_are_an_error(full_rig, make_record):
    """Asked to end on a full disk, the recorder says how many steps are missing and why, with status 2."""
    fill_disk(full_rig.dir / "journal")
    full_rig.start()
    full_rig.push(make_record(0, 0))
    full_rig.push(make_record(0, 1))
    full_rig.until(lambda: full_rig.status.recorder.message)
    full_rig.status.supervisor.stop = Stop.ASKED
    status, errors = full_rig.end()
    assert status == 2
    assert (
        "not complete: 2 steps lost (0 ring full, 0 damaged, 2 unwritten). No space left on device" in errors
    )
    assert "not complete" in (full_rig.dir / "log.txt").read_text()
