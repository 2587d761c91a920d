"""Runs hilrt as its users do: the command line in a folder of its own."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hilrt.control.loop import Phase
from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.policy.saved import checkpoints_of, load_meta
from hilrt.report.boards import layout
from hilrt.run.folder import RunFolder
from hilrt.shm.status import Status

ROOT = Path(__file__).parents[1]
SIM = ROOT / "configs" / "sim_so100.toml"
PATIENCE_S = 600.0
"""Watchdog, not a time limit: far beyond what anything here takes."""

SMALL = [
    "learner.warm_start_steps=20",
    "learner.critic_warmup_steps=5",
    "learner.batch_size=32",
    "learner.utd_ratio=1.0",
    "dataset.num_episodes_to_record=2",
    "eval.every_steps=0",
]


def command(*words, overrides=(), under=()):
    """Arguments of a hilrt command on the simulated arm; `under`: of a command that starts it, as nohup does."""
    sets = [f"robot.calibration_dir={ROOT}/configs/calibration", "safety.resume_after_s=1", *overrides]
    takes = {"--resume", "checkpoint", "dataset", "label", "runs"}.isdisjoint(words)
    flags = [part for text in sets for part in ("--set", text)] if takes else []
    return [*under, sys.executable, "-c", "from hilrt.cli import main; main()", *map(str, words), *flags]


def run(folder, *words, overrides=()):
    """Run a command to its end."""
    return subprocess.run(
        command(*words, overrides=overrides),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class InTerminal:
    """A command in a terminal of its own, as a person would run it: types keys, reads the screen."""

    def __init__(self, folder, *words, overrides=(), under=()):
        self.seen = bytearray()
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            # ignored where the tests run under nohup or in the background
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, signal.SIG_DFL)
            os.chdir(folder)
            arguments = command(*words, overrides=overrides, under=under)
            os.execvp(arguments[0], arguments)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            try:
                self.seen += os.read(self._terminal, 65536)
            except OSError:
                return

    def type(self, keys):
        """Press keys."""
        os.write(self._terminal, keys)

    def wait_for(self, pattern):
        """Wait until the screen has shown something, under a watchdog."""
        deadline = time.monotonic() + PATIENCE_S
        while not re.search(pattern, bytes(self.seen)):
            assert self._reader.is_alive(), self.text()
            assert time.monotonic() < deadline, "watchdog"
            time.sleep(0.02)

    def finish(self):
        """Wait for the end; the exit status."""
        self._reader.join(PATIENCE_S)
        assert not self._reader.is_alive(), "watchdog"
        pid, self._pid = self._pid, 0
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def text(self):
        """All that was on the screen, on one line."""
        return " ".join(self.seen.decode(errors="replace").split())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pid:
            os.kill(self._pid, signal.SIGTERM)
            self.finish()
        os.close(self._terminal)


class WatchedTerminal(InTerminal):
    """The same, watched through its status block."""

    def __init__(self, folder, *words, overrides=(), under=()):
        before = runs_of(folder, words[0])
        super().__init__(folder, *words, overrides=overrides, under=under)
        self.until(lambda: self._attach(runs_of(folder, words[0]) - before))
        self.control = self.status.control

    def _attach(self, fresh):
        try:
            self.status = Status.attach(RunFolder(max(fresh)).tag)
        except Exception:
            return False
        return True

    def until(self, condition):
        """Wait for something, under a watchdog."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self._reader.is_alive(), self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.02)

    def runs_episode(self, number):
        """Wait until an episode has taken some steps."""
        self.until(lambda: self.control.episode == number and self.control.phase == Phase.RUNNING)
        self.until(lambda: self.control.step > 5)

    def __exit__(self, *details):
        super().__exit__(*details)
        self.status.close()


STATUS = [sys.executable, "-c", "from hilrt.cli import main; main()", "status"]


def status(words=STATUS, environment=None):
    """`hilrt status`."""
    return subprocess.run(
        words, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def record(folder, *overrides):
    """Two demonstrations in `folder`/datasets/sim_so100."""
    done = run(folder, "record", SIM, overrides=[*SMALL, *overrides])
    assert done.returncode == 0, done.stderr
    return folder / "datasets" / "sim_so100"


def demonstrations(root):
    """The dataset's episodes; in none is a step missing."""
    found = list(open_dataset(root))
    assert all([r.step for r in e.records] == list(range(len(e.records))) for e in found)
    return found


def runs_of(folder, kind):
    """Run folders of a kind."""
    return set((folder / "runs").glob(f"*-{kind}-*"))


def newest_run(folder, kind):
    """The newest run folder of a kind."""
    return max(runs_of(folder, kind))


def records(run):
    """Every record of a run, but for the time of day at which it was made."""
    return [
        msgspec.structs.replace(record, wall_ns=0)
        for episode in read_episodes(run / "journal")
        for record in episode.records
    ]


def learned(run):
    """All checkpoints of a run: weights, optimisers, random states, counters, scores."""
    return {
        path.name: (load_meta(path), *(file.read_bytes() for file in sorted(path.glob("*.safetensors"))))
        for path in checkpoints_of(run)
    }


def summary(run_folder):
    """A run's summary.json."""
    return json.loads((run_folder / "summary.json").read_text())


def figures(run):
    """What TensorBoard has of a run."""
    read = EventAccumulator(str(run / "tensorboard"))
    read.Reload()
    return read


def empty_charts(run):
    """Titles of the charts of its boards that no figure comes into."""
    tags, boards = figures(run).Tags()["scalars"], layout(RunFolder(run).config())
    charts = {title: patterns for board in boards.values() for title, (_, patterns) in board.items()}
    return [
        t for t, patterns in charts.items() if not any(re.match(p, tag) for p in patterns for tag in tags)
    ]


class LiveRun:
    """A run in the background, watched through its status block."""

    def __init__(self, folder, *words, overrides=(), environment=None, under=()):
        self.folder, self.kind = folder, words[0]
        before = runs_of(folder, self.kind) if "--resume" not in words else set()
        self.process = subprocess.Popen(
            command(*words, overrides=overrides, under=under),
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.wait_for(lambda: self._new_run(before))
        self.path = self._new_run(before)
        self.wait_for(self._attach)

    def _new_run(self, before):
        return max(runs_of(self.folder, self.kind) - before, default=None)

    def _attach(self):
        try:
            self.status = Status.attach(RunFolder(self.path).tag)
        except Exception:
            return False
        return True

    def wait_for(self, condition):
        """Wait until something holds, under a watchdog."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None, self.process.stdout.read()
            assert time.monotonic() < deadline, "watchdog"
            time.sleep(0.01)

    @property
    def segments(self):
        """Its files in /dev/shm; another folder's run may have the same name."""
        return list(Path("/dev/shm").glob(f"hilrt-*-{RunFolder(self.path).tag}-*"))

    def kill(self, role):
        """Kill -9 a process of the run; returns its pid."""
        pid = getattr(self.status, role).pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def finish(self):
        """Wait for the end; returns all that was printed."""
        text, _ = self.process.communicate(timeout=PATIENCE_S)
        return text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.status.close()
