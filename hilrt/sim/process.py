"""The simulator process: a scene, one or two arms, and servos that answer on a pseudo-terminal for each.

In real time the physics follows the clock between requests; in lockstep it stands still until control lets one
period pass. Either way requests are answered at once, as servos do.
"""

import os
import select
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from hilrt.config import Config, Sim, taskfile
from hilrt.devices.calibration import Calibration
from hilrt.run.job import Spec
from hilrt.run.realtime import become_realtime, quiet_collector
from hilrt.run.simlink import SimLink, parts_of
from hilrt.shm.pictures import PictureSegment
from hilrt.shm.status import SimStatus, Status
from hilrt.sim.arm import SimFollower
from hilrt.sim.leader import SimLeader
from hilrt.sim.noise import BadLine
from hilrt.sim.patch import patch_of
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.studio import Studio
from hilrt.sim.thing import thing_of
from hilrt.sim.world import World
from hilrt.step.features import from_config

STEP_S = 0.004
"""Real time: physics catches up at least this often, and before each reply."""
PRIORITY = 30
"""Below control: it stands for hardware that is never late, but must not delay the loop it serves."""
SWITCH_S = 0.0005
"""How long the thread that draws may keep Python's lock from a reply that is due; by default 5 ms."""


def main(spec: Spec) -> None:
    """Entry point of the role."""
    config = taskfile.load(Path(spec.run_dir) / "config.toml")
    with ExitStack() as stack:
        status = stack.enter_context(Status.attach(spec.run))
        features = from_config(config)
        link = SimLink.attach(spec.run, features)
        stack.callback(link.close)
        studio = None
        if len(config.robot.cameras) > len(config.robot.real_cameras):
            pictures = stack.enter_context(PictureSegment.attach(spec.run, "images", features))
            studio = stack.enter_context(Studio(config, pictures))
        simulator = Simulator(config, link, studio, status.sim, stack)
        signal.signal(signal.SIGTERM, simulator.stop)
        if config.lockstep:
            simulator.run_lockstep(
                spec.fds["sim_go"], spec.fds["sim_done"], 1.0 / config.env.fps / config.goals_per_tick
            )
        else:
            become_realtime(PRIORITY)
            quiet_collector()
            sys.setswitchinterval(SWITCH_S)
            simulator.run_realtime()


class Simulator:
    """Keeps servos, physics, cameras and the link to control in step."""

    def __init__(
        self, config: Config, link: SimLink, studio: Studio | None, status: SimStatus, stack: ExitStack
    ) -> None:
        robot, sim = config.robot, config.sim or Sim()
        self._world = stack.enter_context(
            World(config.env.task, config.seed, len(robot.sides), sim.arm, patch_of(sim), thing_of(config))
        )
        calibrations = [Calibration.read(robot.calibration_path(side)) for side in robot.sides]
        self._arms = [
            stack.enter_context(SimFollower(self._world, i, c, _terminal(sim, config.seed + i), sim.arm))
            for i, c in enumerate(calibrations)
        ]
        self._leaders = [
            stack.enter_context(
                SimLeader(
                    Calibration.read(config.leader_path(side)), _terminal(sim, config.seed - 1 - i), sim.arm
                )
            )
            for i, side in enumerate(config.teleop.leaders)
        ]
        self._ports: dict[int, SimFollower | SimLeader] = {arm.fd: arm for arm in self._arms}
        self._ports |= {leader.fd: leader for leader in self._leaders}
        self._requests = _poll_of(self._ports)
        self._link, self._status = link, status
        self._studio = studio
        self._running = True
        self._began = time.monotonic()
        self._report()
        if self._studio:
            self._studio.expose(self._world, wait=True)
        status.pid, status.ports = os.getpid(), "\n".join(arm.port for arm in self._arms)
        status.leader_ports = "\n".join(leader.port for leader in self._leaders)
        status.ready = 1

    def stop(self, *_: object) -> None:
        """Finish; a signal handler."""
        self._running = False

    def run_lockstep(self, go: int, done: int, part_s: float) -> None:
        """Advance by parts of a period each time `go` is signalled; answer on `done`."""
        anything = _poll_of((*self._ports, go))
        while self._running:
            woken = [fd for fd, _ in anything.poll(200)]
            # Looked for again: one arm's goals may have come after its port was polled, and still before `go`.
            self._answer(fd for fd, _ in self._requests.poll(0))
            if go in woken:
                parts, whole = parts_of(int.from_bytes(os.read(go, 8), sys.byteorder))
                for _ in range(parts):
                    self._advance(part_s)
                if self._studio and whole:
                    self._studio.expose(self._world, wait=True)
                os.eventfd_write(done, 1)
        os.eventfd_write(done, 1)  # control may be waiting

    def run_realtime(self) -> None:
        """Keep up with the clock."""
        start = time.monotonic()
        while self._running:
            waiting = self._wait()
            self._advance(time.monotonic() - start - self._world.time)
            self._answer(waiting)
            if self._studio:
                self._studio.expose(self._world, wait=False)

    def _wait(self) -> list[int]:
        """Until a request is there, a reply is due, or physics falls behind; where requests are."""
        due = [wait_s for arm in self._ports.values() if (wait_s := arm.terminal.wait_s) is not None]
        waiting, _, _ = select.select(list(self._ports), [], [], min((STEP_S, *due)))
        for arm in self._ports.values():
            arm.terminal.deliver()
        return waiting

    def _answer(self, waiting: Iterable[int]) -> None:
        for fd in waiting:
            self._ports[fd].answer()

    def _advance(self, seconds: float) -> None:
        if (wanted := self._link.wanted_place()) is not None:
            self._world.place(*wanted)
            self._link.report_placed()
        for arm in self._arms:
            arm.drive()
        self._world.step(seconds)
        for arm in self._arms:
            arm.measure()
        for number, leader in enumerate(self._leaders):
            leader.advance(seconds, self._link.hand(number))
        self._report()
        self._status.sim_time_s = self._world.time
        self._status.realtime_factor = self._world.time / max(time.monotonic() - self._began, 1e-3)
        self._status.heartbeat_ns = time.monotonic_ns()

    def _report(self) -> None:
        """The truth to control."""
        self._link.report(self._world.object_pose(), self._world.success(), self._world.other_position())


def _terminal(sim: Sim, seed: int) -> PseudoTerminal:
    """A serial port as the task file has it; `seed`: of what goes wrong on its line."""
    return PseudoTerminal(spoil=BadLine(sim.line_errors, seed), usb=sim.usb, patient=sim.clock == "realtime")


def _poll_of(fds: Iterable[int]) -> select.poll:
    """What tells which of these can be read."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return poll
