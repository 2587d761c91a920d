"""The learner process: rows from the ring, learner steps as they are paid for, weights back to control."""

import ctypes
import logging
import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import ExitStack
from enum import IntEnum
from pathlib import Path
from types import FrameType

import torch

from hilrt.config import Config
from hilrt.config.taskfile import load
from hilrt.learner.films import Films
from hilrt.learner.intake import PATIENCE_S, Arrival, Intake
from hilrt.learner.publication import Publication
from hilrt.learner.training import Training
from hilrt.policy.sizes import with_sizes
from hilrt.report.boards import Group
from hilrt.report.metrics import Metrics
from hilrt.run.alive import alive
from hilrt.run.job import Spec
from hilrt.run.shelf import FIGURES
from hilrt.shm.ring import Ring
from hilrt.shm.status import Status, Stop
from hilrt.shm.weights import WeightsWriter
from hilrt.step.features import from_config

log = logging.getLogger(__name__)

WAIT_MS = 50
"""Longest sleep, so that the heartbeat is never older."""
NEAR_MS = 2
"""The same while the recorder is about to write what is waited for."""
REPORT_S = 1.0
USUAL = 2
"""Sessions that every training learns from: its demonstrations, and itself."""
RETRY_S = 5.0
"""Between two attempts at a disk that refused a checkpoint."""


class LearnerPhase(IntEnum):
    """What the learner is at."""

    LOADING = 0
    WARM_START = 1
    LEARNING = 2
    WAITING = 3
    DONE = 4


def main(spec: Spec) -> None:
    """Learn until asked to stop, by the status block or SIGTERM; then leave a checkpoint.

    Raises:
        NoDemonstrationsError: there is nothing to start from.
        DeviceError: `learner.device` is not there.
        CheckpointWriteError: at the end, when the disk does not take the last one.
        HilrtError: of shared memory, journal or checkpoint.
    """
    torch.set_num_threads(1)
    keep_memory()
    run_dir = Path(spec.run_dir)
    config = with_sizes(load(run_dir / "config.toml"), run_dir)
    with (
        Ring.attach(spec.run, "steps-learner", from_config(config).schema()) as ring,
        Status.attach(spec.run) as status,
        Metrics(run_dir / FIGURES, config) as metrics,
        ExitStack() as stack,
    ):
        metrics.file("Task", "file", run_dir / "config.toml")
        process = _Process(spec, config, status, metrics)
        signal.signal(signal.SIGTERM, process.stop)
        training = stack.enter_context(process.training)
        if not process.start():
            return
        with WeightsWriter.open(spec.run, training.algorithm.actor.to_arrays()) as weights:
            publication = Publication(weights, training, config)
            journal = run_dir / "journal"
            intake = Intake(ring, journal, training.last, training.eyes, status.recorder)
            process.run(intake, publication)


def keep_memory() -> None:
    """Have glibc keep freed memory: given back, every update faults its half-megabyte activations in again."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(-1, 1 << 30)  # M_TRIM_THRESHOLD
        libc.mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD


class _Process:
    """The loop around `Training`: heartbeats, sleep, pay, publish, save, report."""

    def __init__(self, spec: Spec, config: Config, status: Status, metrics: Metrics) -> None:
        self.training = Training(config, Path(spec.run_dir), metrics)
        self._steps_fd, self._updates_fd = spec.fds["learner_steps"], spec.fds["updates"]
        self._config = config
        self._supervisor, self._control, self._own = status.supervisor, status.control, status.learner
        self._status = status
        self._metrics = metrics
        journal = Path(spec.run_dir) / "journal"
        self._films = Films(journal, metrics) if config.robot.cameras else None
        self._stopping = False
        self._save_at_s = time.monotonic() + config.learner.checkpoint_every_s
        self._idle_s = 0.0
        self._reported = (time.monotonic(), 0)
        self._own.pid = os.getpid()

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Finish the learner step in hand, then leave a checkpoint."""
        self._stopping = True

    @property
    def _asked_to_stop(self) -> bool:
        return self._stopping or bool(self._supervisor.stop)

    @property
    def _ended_by_hand(self) -> bool:
        return self._stopping or self._supervisor.stop == Stop.ASKED

    def start(self) -> bool:
        """Everything before the first online step; False if it was stopped, and so must be done again."""
        self._own.message = self.training.rows.memory
        self._beat(LearnerPhase.LOADING)
        if self.training.load():
            return self._catch_up()
        for _ in self.training.warm_start():
            self._beat(LearnerPhase.WARM_START)
            if self._asked_to_stop:
                return False
        self._save()
        return True

    def _catch_up(self) -> bool:
        """Lockstep: learn what a run that was cut short still owes, before control goes on; False if stopped."""
        while self._config.lockstep and self.training.credit.owed:
            if self._asked_to_stop:
                return False
            self._learn()
        return True

    def run(self, intake: Intake, publication: Publication) -> None:
        """Until asked to stop."""
        poll = select.poll()
        poll.register(self._steps_fd, select.POLLIN)
        self._own.version = publication.version
        self._own.message, self._own.ready = "", 1
        while not self._asked_to_stop:
            asked = self._control.asked  # before the ring: what was sent before the question comes first
            self._take_in(intake.drain(), intake, publication)
            if asked != self._own.answered and not intake.waiting:
                self._answer(asked, publication)
            due = self.training.credit.due
            if due:
                self._learn()
            else:
                self._beat(LearnerPhase.WAITING)
            publication.keep_up(idle=not due)
            self._tell(publication)
            self._housekeeping(intake)
            if not due:
                self._sleep(poll, NEAR_MS if intake.waiting else WAIT_MS)
        self._finish(intake, publication)

    # --- parts of the loop -----------------------------------------------------------------------

    def _take_in(self, arrivals: Iterable[Arrival], intake: Intake, publication: Publication) -> None:
        for arrival in arrivals:
            summary = self.training.take(*arrival)
            if summary and self._films:
                self._films.note(summary)
            if self._config.lockstep:
                self._pay()
            publication.taken_in()
            self._tell(publication)
            self._housekeeping(intake)

    def _pay(self) -> None:
        """Learn all that is owed."""
        while self.training.credit.owed:
            self._learn()

    def _learn(self) -> None:
        self._beat(LearnerPhase.LEARNING)
        figures = self.training.step()
        if figures is not None:
            self._own.critic_loss = figures.get("critic_loss", 0.0)

    def _answer(self, asked: int, publication: Publication) -> None:
        """Keep the networks that control is about to judge, and see that they are what it gets."""
        self.training.judge()
        publication.hold()
        self._own.answered = asked
        os.eventfd_write(self._updates_fd, 1)

    def _tell(self, publication: Publication) -> None:
        """How far learning has come; after publishing, because in lockstep control waits for it and then adopts."""
        self._own.version = publication.version
        last, owed = self.training.last, self.training.credit.owed
        # what a learner before this one has told stands
        if last and not owed and last.place > self._own.learned:
            self._own.learned = last.place
            os.eventfd_write(self._updates_fd, 1)

    def _sleep(self, poll: select.poll, longest_ms: int) -> None:
        began = time.monotonic()
        if poll.poll(longest_ms):
            os.eventfd_read(self._steps_fd)
        self._idle_s += time.monotonic() - began

    def _housekeeping(self, intake: Intake) -> None:
        now = time.monotonic()
        if now >= self._save_at_s:
            self._save()
        if now - self._reported[0] >= REPORT_S:
            self._report(intake, now)

    def _save(self) -> None:
        every_s, taken = self._config.learner.checkpoint_every_s, self.training.save()
        self._save_at_s = time.monotonic() + (every_s if taken else min(every_s, RETRY_S))
        if taken:
            self._own.checkpoint_ns = time.monotonic_ns()
        self._speak()

    def _finish(self, intake: Intake, publication: Publication) -> None:
        recorder, until_s = self._status.recorder, time.monotonic() + PATIENCE_S
        self._take_in(intake.drain(), intake, publication)
        while (intake.waiting or recorder.lag) and alive(recorder.pid):
            if self._ended_by_hand and time.monotonic() > until_s:
                break  # a resumed run has it from the journal
            self._beat(LearnerPhase.WAITING)
            time.sleep(NEAR_MS / 1000)
            self._take_in(intake.drain(), intake, publication)
        self._take_in(intake.rest(), intake, publication)
        self.training.close_evaluation()
        self.training.places.draw(self.training.credit.online_steps)
        self._save()
        while self.training.refusal:  # waited for, unless a person wants the end
            if self._ended_by_hand:
                raise self.training.refusal
            self._beat(LearnerPhase.WAITING)
            time.sleep(WAIT_MS / 1000)
            if time.monotonic() >= self._save_at_s:
                self._save()
        self._report(intake, time.monotonic())
        self._beat(LearnerPhase.DONE)
        self._own.done = 1

    # --- what others see -------------------------------------------------------------------------

    def _beat(self, phase: LearnerPhase) -> None:
        own, training = self._own, self.training
        own.phase = phase
        own.heartbeat_ns = time.monotonic_ns()
        own.updates = training.updates
        own.credit = training.credit.credit

    def _speak(self) -> None:
        """Say what whoever looks at the screen should know."""
        words = str(self.training.refusal or self.training.notice)
        if self._own.message != words:
            self._own.message = words

    def _report(self, intake: Intake, now: float) -> None:
        own, training = self._own, self.training
        since, updates = self._reported
        seconds = max(now - since, 1e-9)
        own.updates_per_s = (training.updates - updates) / seconds
        own.utd = training.updates / max(1, training.credit.online_steps)
        own.gaps_filled = intake.gaps_filled
        self._speak()
        self._reported = (now, training.updates)
        rows = training.replay.statistics()
        own.online_rows, own.demo_rows = rows.rows["online"], rows.rows["demonstrations"]
        own.intervention_rows, own.success_rows = rows.rows["interventions"], rows.rows["successes"]
        steps = training.credit.online_steps
        data = {**rows.rows, "evicted": rows.evicted, "bytes": rows.bytes, "gaps_filled": intake.gaps_filled}
        data |= {f"session_{name}": count for name, count in rows.sessions.items()}
        self._metrics.scalars(Group.STORAGE, data, steps)
        if len(rows.sessions) > USUAL:
            own.sessions = ", ".join(f"{name} {count:,}" for name, count in rows.sessions.items())
        self._metrics.real_time(self._status, self._idle_s / seconds, steps)
        self._idle_s = 0.0
        if self._films:
            self._films.draw(self._status.recorder.flushed_episode)
