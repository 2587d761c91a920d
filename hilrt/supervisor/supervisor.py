"""Starts the processes of a run, watches them, restarts what may die, keeps the arm safe, shows the screen."""

import asyncio
import logging
import os
import select
import signal
import time
from collections.abc import Coroutine, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import msgspec

from hilrt.config import Config
from hilrt.devices.calibration import Calibration
from hilrt.devices.holding import hold_arm, release_arm, sink_arm
from hilrt.devices.keyboard import Key, press
from hilrt.devices.terminal import Terminal
from hilrt.errors import KeyboardAbsentError, ProcessError
from hilrt.report.hints import hints
from hilrt.report.screen import Screen
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Role, Spec
from hilrt.run.memory import RunMemory
from hilrt.shm.segment import sweep_stale
from hilrt.supervisor.children import NAMED_ERROR, Child

log = logging.getLogger(__name__)

MAX_RESTARTS = 5
START_S = 60.0
FINISH_S = 60.0
LOOK_MS = 100
HUNG_S = 2.0
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
        self._restarts: dict[Role, int] = {}
        self._poll = select.poll()
        self._interrupts = 0
        fds = {name: os.eventfd(0, os.EFD_NONBLOCK) for name in EVENTS}
        for fd in fds.values():
            os.set_inheritable(fd, True)
            self._stack.callback(os.close, fd)
        self._spec = msgspec.structs.replace(spec, fds=fds)
        # Now: when control has died is no time to find the file unreadable.
        paths = [config.robot.calibration_path(side) for side in config.robot.sides]
        self._motor_ids = [Calibration.load(path).ids for path in paths]
        self._driven = spec.job.driven(intervene=config.teleop.intervene)
        leaders = [config.leader_path(side) for side in config.teleop.leaders] if self._driven else []
        self._leader_ids = [Calibration.load(path).ids for path in leaders]
        self._wanted = spec.episodes
        self._finishing = False
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
        # the simulator last: it is the arm
        for role in (Role.CONTROL, Role.LEARNER, Role.VIEWER, Role.RECORDER, Role.CAMERAS, Role.SIM):
            if child := self._children.pop(role, None):
                self._put_down(child)
        self._stack.close()
        sweep_stale()  # the learner's weights: nobody has them open any more

    def _open(self) -> None:
        """Shared memory, terminal, signals."""
        if swept := sweep_stale():
            log.info("cleared what a dead run left behind: %s", ", ".join(swept))
        memory = self._stack.enter_context(RunMemory(self._spec.run, self._config, self._spec.job))
        self.status = memory.status
        self._terminal = self._stack.enter_context(Terminal())
        if self._terminal.fd is not None:
            self._poll.register(self._terminal.fd, select.POLLIN)
        elif self._config.needs_keys and self._driven:  # the job is nothing without them
            raise KeyboardAbsentError(self._config.teleop.type)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
            before = signal.signal(number, self._interrupted)
            self._stack.callback(signal.signal, number, before)
        self.status.supervisor.pid = os.getpid()
        self.status.supervisor.started_ns = time.monotonic_ns()
        if self._spec.job.recorded or self._spec.playback:
            self.status.supervisor.goal = self._spec.episodes or self._config.learner.online_steps
        self.status.supervisor.job = self._spec.job  # last: who sees it sees the rest
        keys = hints(self._config, self._spec.job)
        self._screen = self._stack.enter_context(Screen(self.status, self._folder.path.name, keys))

    # --- the run

    def run(self) -> None:
        """Start everything, wait until the work is done or stopped, finish in order.

        Raises:
            ProcessError: a process ended for good before its time.
        """
        if self._config.sim:
            self._start(Role.SIM)
            self._wait_ready(Role.SIM)
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
        return self._interrupts > 0

    def _start(self, role: Role) -> None:
        child = Child(role, self._spec, NICENESS[role])
        self._children[role] = child
        self._poll.register(child.pidfd, select.POLLIN)

    def _wait_ready(self, role: Role) -> None:
        deadline = time.monotonic() + START_S
        while role in self._children and not getattr(self.status, role.value).ready:
            self._look()
            if time.monotonic() > deadline:
                raise ProcessError(role, f"was not ready after {START_S:.0f} s.", str(self._folder.log))

    def _look(self) -> None:
        """One turn: deaths first, then keys, then the screen."""
        self.status.supervisor.heartbeat_ns = time.monotonic_ns()
        ready = {fd for fd, _ in self._poll.poll(LOOK_MS)}
        for child in list(self._children.values()):
            if child.pidfd in ready:
                self._buried(child)
        self._watch_control()
        if self._terminal.fd in ready:
            for key in self._terminal.read():
                if key is Key.STOP:
                    self._request_stop()
                else:
                    press(self.status.supervisor, key)
        self._screen.update()

    def _finish(self) -> None:
        """Learner: checkpoint; recorder: drain; simulator: last, because it is the hardware."""
        self._finishing = True
        self.status.supervisor.stop = 1
        deadline = time.monotonic() + FINISH_S
        while self._children.keys() & {Role.LEARNER, Role.RECORDER} and time.monotonic() < deadline:
            self._look()

    def _interrupted(self, *_: object) -> None:
        self._request_stop()
        if self._interrupts > 2:
            raise KeyboardInterrupt

    def _request_stop(self) -> None:
        self._interrupts += 1
        self.status.supervisor.stop = 1
        self.status.supervisor.message = "stopping: episode is cut, then checkpoint and journal are closed"

    # --- deaths

    def _buried(self, child: Child) -> None:
        """A child has ended: as it should, or it is replaced, or the run cannot go on."""
        child.wait(1.0)
        if child.role is Role.CONTROL and child.exit_status not in {0, NAMED_ERROR}:
            self._make_safe()  # with a named error it has done so itself, or has refused this arm
        del self._children[child.role]
        self._poll.unregister(child.pidfd)
        words = child.collect(self._folder.log)
        if child.exit_status == 0 and (child.role is Role.CONTROL or self.status.supervisor.stop):
            return
        if child.role is Role.VIEWER:  # a window that was closed, or could not be opened, ends nothing
            self.status.supervisor.message = words.rpartition("error: ")[2].strip() or "the window was closed"
            return
        failure = self._failure_of(child, words)
        if failure is None:
            self._replace(child)
        elif self._finishing:  # the others still have a checkpoint or a journal to close
            self._failure = self._failure or failure
        else:
            raise failure

    def _failure_of(self, child: Child, words: str) -> ProcessError | None:
        """Why the run cannot go on; None if the child can be replaced."""
        role, last = child.role, words.rpartition("error: ")[2] if words else ""
        if child.exit_status == NAMED_ERROR:
            return ProcessError(role, f"stopped: {last}", self._log)
        if role is Role.SIM:
            return ProcessError(role, f"{self._how(child)}, and with it the arm.", self._log)
        if (child.exit_status or 0) > 0 and not getattr(self.status, role.value).ready:
            cause = words.splitlines()[-1] if words else ""
            return ProcessError(role, f"{self._how(child)} while it was starting: {cause}", self._log)
        if self._restarts.get(role, 0) == MAX_RESTARTS:
            cause = f" {words.splitlines()[-1]}" if words else ""
            return ProcessError(
                role, f"{self._how(child)}, for the {MAX_RESTARTS + 1}th time.{cause}", self._log
            )
        if self._finishing or self._spec.playback:
            what = (
                "at the end of the run" if self._finishing else "and a replay does not begin anew by itself"
            )
            return ProcessError(role, f"{self._how(child)} {what}.", self._log)
        return None

    def _watch_control(self) -> None:
        """A control process that hangs is as dead as one that was killed, and the arm as unguarded."""
        control, child = self.status.control, self._children.get(Role.CONTROL)
        if child is None or self._config.lockstep or not control.ready or control.done:
            return
        if time.monotonic_ns() - control.heartbeat_ns > HUNG_S * 1e9:
            log.error("control has not ticked for %.0f s; killing it", HUNG_S)
            control.ready = 0  # once is enough
            child.kill()

    def _put_down(self, child: Child) -> None:
        """End a child that is still there, by force if it must be."""
        child.terminate()
        if not child.wait(5.0):
            child.kill()
            if child.role is Role.CONTROL:
                self._make_safe()
        child.collect(self._folder.log)

    @property
    def _log(self) -> str:
        return str(self._folder.log)

    @staticmethod
    def _how(child: Child) -> str:
        status = child.exit_status or 0
        return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"failed (status {status})"

    def _replace(self, child: Child) -> None:
        role, how = child.role, self._how(child)
        self._restarts[role] = self._restarts.get(role, 0) + 1
        log.warning("%s %s; restarting it", role, how)
        self.status.supervisor.restarts += 1
        self.status.supervisor.message = f"{role} {how} and was restarted"
        getattr(self.status, role.value).ready = 0
        if role is Role.CONTROL:
            self._skip_what_is_done()
        self._start(role)

    def _skip_what_is_done(self) -> None:
        """A new control goes on behind the episode that was cut."""
        control, spec = self.status.control, self._spec
        done = control.demo_successes if spec.job.by_hand else control.episodes_eval
        self._spec = msgspec.structs.replace(
            spec,
            first_episode=max(spec.first_episode, control.episode + 1),
            online_steps=max(spec.online_steps, control.online_steps),
            episodes=max(0, self._wanted - done),
        )

    def _make_safe(self) -> None:
        """Control is dead: take the buses, all at once, and do what the config wants."""
        act = hold_arm if self._config.safety.on_crash == "hold" else release_arm
        ports, leader_ports = self.status.sim.ports, self.status.sim.leader_ports
        calls = [act(*arm) for arm in zip(self._config.ports(ports), self._motor_ids, strict=True)]
        # A leader is in nobody's way, and may be in a hand: it is never stiffened.
        leaders = zip(
            self._config.leader_ports(leader_ports), self._leader_ids, strict=False
        )  # none need be open
        calls += [sink_arm(*arm) for arm in leaders]
        for error in asyncio.run(_settled(calls)):
            if error is None:
                log.warning("control died; arm: %s", self._config.safety.on_crash)
            else:
                log.error("control died, and the arm could not be reached", exc_info=error)
                self.status.supervisor.message = f"arm not reached: {error}"


async def _settled(calls: Sequence[Coroutine[Any, Any, None]]) -> list[BaseException | None]:
    """What each call ended with; one that fails does not keep the others from their work."""
    return await asyncio.gather(*calls, return_exceptions=True)
