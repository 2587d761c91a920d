"""Starts the processes of a run, watches them, replaces what may die, and has the arm made safe."""

import logging
import os
import select
import time
from contextlib import ExitStack
from math import inf
from types import TracebackType
from typing import Self

import msgspec

from hilrt.config import Config
from hilrt.errors import ProcessError
from hilrt.report.view import progress
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Role, Spec
from hilrt.run.memory import RunMemory, clear_stale
from hilrt.shm.status import ControlStatus, LearnerStatus, Stop
from hilrt.supervisor.children import NAMED_ERROR, Child
from hilrt.supervisor.desk import Desk
from hilrt.supervisor.rescue import Rescue
from hilrt.supervisor.verdict import Judge

log = logging.getLogger(__name__)

START_S = 60.0
TERMINATE_S = 5.0
LOOK_MS = 100
HUNG_S = 2.0
"""A control that has not ticked for so long is as dead as one that was killed, and the arm as unguarded."""
STOP_S = 10.0
"""The same, for one that was asked to stop, or is closing its devices."""
HUNG_AT_WORK_S = 60.0
"""A learner that has not beaten for so long is replaced; writing a checkpoint takes seconds.
At the end of a run nobody waits longer for it, or for a recorder, either."""
NICENESS = {
    Role.SIM: 0,
    Role.CAMERAS: 0,
    Role.CONTROL: 0,
    Role.RECORDER: 0,
    Role.VIEWER: 10,
    Role.LEARNER: 10,
}
EVENTS = ("learner_steps", "recorder_steps", "updates", "sim_go", "sim_done")


class Supervisor:
    """One start of one run; a context manager that leaves no process and no segment behind."""

    def __init__(self, folder: RunFolder, config: Config, spec: Spec) -> None:
        self._folder, self._config = folder, config
        self._stack = ExitStack()
        self._children: dict[Role, Child] = {}
        self._poll = select.poll()
        fds = {name: os.eventfd(0, os.EFD_NONBLOCK) for name in EVENTS}
        for fd in fds.values():
            os.set_inheritable(fd, True)
            self._stack.callback(os.close, fd)
        self._spec = msgspec.structs.replace(spec, fds=fds)
        self._rescue = Rescue(config, driven=spec.job.driven(intervene=config.teleop.intervene))
        self._wanted = spec.episodes
        self._failure: ProcessError | None = None

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._desk.be_deaf()
        self.status.supervisor.stop = Stop.ASKED
        with self._stack:
            # the simulator last: it is the arm
            for role in (Role.CONTROL, Role.LEARNER, Role.VIEWER, Role.RECORDER, Role.CAMERAS, Role.SIM):
                if child := self._children.pop(role, None):
                    self._put_down(child)

    def _open(self) -> None:
        """Shared memory, and the person's place."""
        if swept := clear_stale():
            log.info("cleared what a dead run left behind: %s", ", ".join(swept))
        spec = self._spec
        memory = self._stack.enter_context(RunMemory(spec.run, self._config, spec.job))
        self.status, own = memory.status, memory.status.supervisor
        replaying, log_file = spec.playback is not None, str(self._folder.log)
        self._judge = Judge(self.status, log_file, memory.unwritten, replaying=replaying)
        own.pid = os.getpid()
        own.started_ns = own.heartbeat_ns = time.monotonic_ns()
        if spec.job is Job.TRAIN:
            own.goal = self._config.learner.online_steps
        else:
            own.goal = spec.episodes or 0
        own.job = spec.job  # last: who sees it sees the rest
        self._desk = self._stack.enter_context(
            Desk(self.status, self._folder.path.name, self._config, spec.job)
        )
        self._desk.watch(self._poll)

    # --- the run

    def run(self) -> None:
        """Start everything, wait until the work is done or stopped, finish in order.

        Raises:
            ProcessError: a process ended for good before its time.
        """
        if self._config.sim:
            self._start(Role.SIM)
            self._wait_ready(Role.SIM)
        if self.stopped:
            return
        if self._config.sim:
            self._rescue.remember(self.status.sim)
        if self._config.robot.real_cameras:
            self._start(Role.CAMERAS)
        if self._spec.job.recorded:
            self._start(Role.RECORDER)
        if self._spec.job is Job.TRAIN:
            self._start(Role.LEARNER)
        self._start(Role.CONTROL)
        if self._config.displays:
            self._start(Role.VIEWER)
        while Role.CONTROL in self._children:
            self._look()
        self._finish()
        if self._failure:
            raise self._failure

    @property
    def stopped(self) -> bool:
        """Whether somebody asked for an end before the work was done."""
        return self._desk.interrupts > 0

    def _start(self, role: Role) -> None:
        child = Child(role, self._spec, NICENESS[role])
        self._children[role] = child
        self._poll.register(child.pidfd, select.POLLIN)
        if role is Role.CONTROL:
            self._desk.guard.watch(child.pid)

    def _wait_ready(self, role: Role) -> None:
        deadline = time.monotonic() + START_S
        while role in self._children and not getattr(self.status, role.value).ready and not self.stopped:
            self._look()
            if time.monotonic() > deadline:
                raise ProcessError(role, f"was not ready after {START_S:.0f} s.", str(self._folder.log))

    def _look(self) -> None:
        """One turn: deaths first, then keys, then the screen."""
        self.status.supervisor.heartbeat_ns = time.monotonic_ns()
        ready = {fd for fd, _ in self._poll.poll(LOOK_MS)}
        for child in list(self._children.values()):
            if child.pidfd in ready:
                self._bury(child)
        self._end_hung()
        self._desk.attend(ready)

    def _finish(self) -> None:
        """Learner: checkpoint; recorder: drain, for as long as they beat; simulator: last, it is the hardware."""
        self._judge.finishing = True
        if not self.stopped:
            self.status.supervisor.stop = Stop.DONE
        while self._children.keys() & {Role.LEARNER, Role.RECORDER}:
            self._look()

    # --- deaths

    def _bury(self, child: Child) -> None:
        """A child has ended: as it should, or it is replaced, or the run cannot go on."""
        child.wait(1.0)
        # With a named error control has made the arm safe itself, or has refused it.
        if child.role is Role.CONTROL and child.exit_status not in {0, NAMED_ERROR}:
            self._rescue.make_safe(self.status)
        del self._children[child.role]
        self._poll.unregister(child.pidfd)
        words = child.collect()
        if self._was_due(child):
            return
        if child.role is Role.VIEWER:  # a window that was closed, or could not be opened, ends nothing
            self.status.supervisor.message = words.rpartition("error: ")[2].strip() or "the window was closed"
            return
        failure = self._judge.failure(child, words)
        if failure is None:
            self._replace(child)
        elif self._judge.finishing or self._others_can_finish(child.role):
            self._failure = self._failure or failure
            self.status.supervisor.stop = self.status.supervisor.stop or Stop.ASKED
        else:
            raise failure

    def _others_can_finish(self, role: Role) -> bool:
        """Whether they still have an arm to bring to rest, a checkpoint or a journal to look after."""
        if role in {Role.SIM, Role.CONTROL}:
            return False
        return bool(self.status.supervisor.stop) or (
            Role.CONTROL in self._children and bool(self.status.control.ready)
        )

    def _was_due(self, child: Child) -> bool:
        """Whether its work was done, also where it then hung in closing its devices."""
        if child.exit_status == 0:
            return child.role is Role.CONTROL or bool(self.status.supervisor.stop)
        return (
            child.role is Role.CONTROL and bool(self.status.control.done) and child.exit_status != NAMED_ERROR
        )

    def _end_hung(self) -> None:
        """Kill who has shown no sign of life for longer than it may."""
        for role, patience_s in (
            (Role.CONTROL, self._patience_with_control()),
            (Role.LEARNER, self._patience_at_work(watched=self._watched(self.status.learner))),
            (Role.RECORDER, self._patience_at_work(watched=False)),
        ):
            if child := self._children.get(role):
                process = getattr(self.status, role.value)
                # that it has become ready is one, too: loading may have taken minutes without another
                sign = process.heartbeat_ns, process.ready, self.status.supervisor.stop
                if child.pulse.silent_s(sign) > patience_s:
                    log.error("%s has shown no sign of life for %.0f s; killing it", role, patience_s)
                    child.kill()

    def _watched(self, process: ControlStatus | LearnerStatus) -> bool:
        """Whether its heart must beat: in simulated time everybody may wait for anybody."""
        return bool(process.ready) and not process.done and not self._config.lockstep

    def _patience_with_control(self) -> float:
        control = self.status.control
        if self._watched(control):
            return HUNG_S
        return STOP_S if self.status.supervisor.stop or control.done else inf

    def _patience_at_work(self, *, watched: bool) -> float:
        return HUNG_AT_WORK_S if watched or self._judge.finishing else inf

    def _put_down(self, child: Child) -> None:
        """End a child that is still there; a recorder may go on for as long as it beats."""
        recorder = self.status.recorder if child.role is Role.RECORDER else None
        willing = child.put_down(TERMINATE_S, lambda: recorder.heartbeat_ns if recorder else 0)
        if not willing and child.role is Role.CONTROL:
            self._rescue.make_safe(self.status)
        child.collect()

    def _replace(self, child: Child) -> None:
        role = child.role
        self._judge.restarts[role] += 1
        log.warning("%s %s; restarting it", role, child.end)
        self.status.supervisor.restarts += 1
        self.status.supervisor.message = f"{role} {child.end} and was restarted"
        getattr(self.status, role.value).ready = 0
        if role is Role.CONTROL:
            self._skip_what_is_done()
            self._pause(child)
        self._start(role)

    def _pause(self, child: Child) -> None:
        """Nothing moves by itself after a crash without being asked."""
        pause = self._rescue.pause(asks=self._desk.staffed)
        if not pause.asks and pause.seconds is None:
            what = (
                f"{child.end}; the arm was let go, and without a terminal nobody says when it may move again."
            )
            raise ProcessError(Role.CONTROL, what, str(self._folder.log))
        self._spec = msgspec.structs.replace(self._spec, pause=pause)

    def _skip_what_is_done(self) -> None:
        """A new control goes on behind the episode that was cut."""
        control, spec = self.status.control, self._spec
        self._spec = msgspec.structs.replace(
            spec,
            first_episode=max(spec.first_episode, control.episode + 1),
            online_steps=max(spec.online_steps, control.online_steps),
            episodes=None if self._wanted is None else max(0, self._wanted - progress(spec.job, control)),
        )
