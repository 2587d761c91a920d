"""The recorder process: every step from its own ring into the journal, never in the control loop's way."""

import logging
import os
import select
import signal
import time
from pathlib import Path
from types import FrameType

from hilrt.config import Config
from hilrt.config.taskfile import load
from hilrt.data.episodes import EpisodeSummary, SummaryFile, Tally
from hilrt.data.journal import JOURNAL, episode_path, online_steps, read_episode
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.change import locked
from hilrt.data.lookout import Lookout
from hilrt.data.pictures import packed
from hilrt.errors import JournalWriteError, StepsLostError
from hilrt.resource import Resource
from hilrt.run.alive import alive
from hilrt.run.conditions import handed
from hilrt.run.job import Job, Spec
from hilrt.shm.ring import Ring, Slot
from hilrt.shm.status import Status, Stop
from hilrt.step.conditions import Conditions
from hilrt.step.features import Features, from_config
from hilrt.step.record import Record, decode

WAIT_MS = 50
"""Longest sleep, so that heartbeat and stop are never older."""
RETRY_S = 1.0
"""Between two attempts at a disk that refused."""

SLOW = 'the disk, or the encoding of pictures, is too slow; dataset.image_format = "jpeg" is faster'

log = logging.getLogger(__name__)


def main(spec: Spec) -> None:
    """Record until asked to stop, by the status block or SIGTERM, and control has nothing more to say.

    Raises:
        StepsLostError: at the end, when steps are missing from the journal.
    """
    config = load(Path(spec.run_dir) / "config.toml")
    features = from_config(config)
    folder = journal_folder(spec, config)
    summaries = SummaryFile(Path(spec.run_dir) / "episodes.jsonl")
    start = handed(Path(spec.run_dir))
    with (
        Ring.attach(spec.run, "steps-recorder", features.schema()) as ring,
        Status.attach(spec.run) as status,
        Archive(folder, summaries, features, config, start.conditions if start else None) as archive,
        locked(folder),
    ):
        lookout = Lookout(config, Path(spec.run_dir))
        recorder = Recorder(ring, status, archive, lookout, spec.fds["recorder_steps"])
        signal.signal(signal.SIGTERM, recorder.stop)
        recorder.run()


def journal_folder(spec: Spec, config: Config) -> Path:
    """Where a run's steps go: demonstrations to the dataset's journal, all else into the run's own folder."""
    # not `is`: the launcher runs as __main__, so the spec's enums are of another copy of that module
    return Path(config.dataset.root if spec.job == Job.RECORD else spec.run_dir) / JOURNAL


class Archive(Resource):
    """The journal and, beside it, a line for each ended episode; goes on where a killed one stopped."""

    def __init__(
        self,
        folder: Path,
        summaries: SummaryFile,
        features: Features,
        config: Config,
        conditions: Conditions | None = None,
    ) -> None:
        self.journal = JournalWriter(folder, features, config.env.task, conditions)
        self._folder = folder
        self._features = features
        self._format = config.dataset.image_format
        self._summaries = summaries
        self._tally = Tally(summaries.known)
        self._tally.online_steps = online_steps(
            folder
        )  # what the summaries say lacks episodes cut by a crash
        self._current: int | None = None
        self._due: list[EpisodeSummary] = []

    def add(self, record: Record, header: memoryview, frames: memoryview) -> int:
        """Store one step; returns the bytes written. May be repeated after a `JournalWriteError`."""
        if record.episode != self._current:
            self._recall(record.episode)
            self._current = record.episode
        written = self.journal.write(header, packed(frames, self._features.images, self._format))
        self._count(record)
        while self._due:
            self._summaries.append(self._due[0])
            self._due.pop(0)
        return written

    def close(self) -> None:
        """Make the disk keep the journal, and let go."""
        self.journal.close()

    def _recall(self, episode: int) -> None:
        """Count what the recorder before this one has written of the episode."""
        path, steps = episode_path(self._folder, episode), self._tally.online_steps
        if path.exists():
            for record in read_episode(path, features=self._features).records:
                self._count(record)
            self._tally.online_steps = steps  # they were counted at the start

    def _count(self, record: Record) -> None:
        summary = self._tally.add(record)
        if summary is not None:
            self._due.append(summary)


class Recorder:
    """Carries steps from the ring to the archive until told to stop."""

    def __init__(self, ring: Ring, status: Status, archive: Archive, lookout: Lookout, wake_fd: int) -> None:
        self._ring = ring
        self._status = status
        self._archive = archive
        self._lookout = lookout
        self._wake_fd = wake_fd
        self._poll = select.poll()
        self._poll.register(wake_fd, select.POLLIN)
        self._told = False
        self._refusal = ""

    def stop(self, signum: int = 0, frame: FrameType | None = None) -> None:  # noqa: ARG002 - a signal handler
        """Drain the ring, then end."""
        self._told = True

    def run(self) -> None:
        """Record to the end.

        Raises:
            StepsLostError: steps are missing from the journal.
        """
        own = self._status.recorder
        own.pid, own.flushed_episode, own.room = os.getpid(), -1, self._ring.statistics().slots
        own.ready = 1
        while not self._finished():
            self._drain()
            self._beat()
            busy = self._lookout.work()
            if self._poll.poll(0 if busy else WAIT_MS):
                os.eventfd_read(self._wake_fd)
        self._archive.close()
        while self._lookout.work():
            self._beat()
        self._beat()
        if missing := self._missing():
            raise StepsLostError(missing)

    def _finished(self) -> bool:
        """Nobody fills the ring any more, and nothing is in it; or the disk refuses that, and nobody waits."""
        if not self._stopping() or not self._control_gone():
            return False
        return not self._ring.statistics().used or (bool(self._refusal) and self._given_up())

    def _control_gone(self) -> bool:
        """Whether it pushes nothing more; to be asked after `_stopping`: one that comes later sees that, too.

        One that is silent is not gone: frozen, or busy with an end that takes its time, it has steps to send.
        """
        control = self._status.control
        return bool(control.done) or not alive(control.pid)

    def _stopping(self) -> bool:
        return self._told or bool(self._status.supervisor.stop)

    def _given_up(self) -> bool:
        """Whether a person has asked for the end: one that comes by itself waits for the disk."""
        return self._told or self._status.supervisor.stop == Stop.ASKED

    def _drain(self) -> None:
        while (slot := self._ring.try_pop()) is not None:
            if not self._store(slot):
                return
            self._beat()

    def _store(self, slot: Slot) -> bool:
        """Try until the disk takes it, or nobody waits for that any more: the slot is then left in the ring."""
        record = decode(slot.header)
        while True:
            try:
                written = self._archive.add(record, slot.header, slot.frames)
            except JournalWriteError as error:
                self._refuse(str(error))
                if self._given_up() and self._control_gone():
                    return False
                time.sleep(RETRY_S)
            else:
                self._refusal = ""
                self._status.recorder.records += bool(written)
                self._status.recorder.bytes += written
                self._lookout.see(record, slot.frames)
                return True

    def _refuse(self, message: str) -> None:
        if message != self._refusal:
            log.error("%s", message)
        self._refusal = message
        self._beat()

    def _beat(self) -> None:
        own = self._status.recorder
        own.heartbeat_ns = time.monotonic_ns()
        own.flushed_episode = self._archive.journal.flushed
        own.lag = self._ring.statistics().used
        own.message = self._refusal or self._missing() or (SLOW if own.lag > own.room / 2 else "")
        if own.unlike != self._lookout.message:
            own.unlike = self._lookout.message

    def _missing(self) -> str:
        """What has not reached the journal and never will, in words; empty when all has."""
        counts = self._ring.statistics()
        left = counts.used if self._refusal and self._given_up() else 0
        lost = counts.rejected + counts.corrupt + left
        if not lost:
            return ""
        kinds = f"{counts.rejected} ring full, {counts.corrupt} damaged, {left} unwritten"
        return f"{lost} steps lost ({kinds}). {self._refusal}".rstrip()
