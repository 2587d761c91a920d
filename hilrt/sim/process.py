"""The simulator process: a scene, an arm, and six servos that answer on a pseudo-terminal.

In real time the physics follows the clock between requests; in lockstep it stands still until control lets one
period pass. Either way requests are answered at once, as servos do.
"""

import os
import select
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from hilrt import taskfile
from hilrt.config import Config
from hilrt.control.realtime import become_realtime, quiet_collector
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.features import from_config
from hilrt.launch import Spec
from hilrt.shm.status import SimStatus, Status
from hilrt.sim.link import SimLink
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servos import ServoBank
from hilrt.sim.studio import Studio
from hilrt.sim.world import World

STEP_MS = 4
"""Real time: physics catches up at least this often, and before each reply."""
NO_LOAD_SPEED = 5.2
"""Of an STS3215 at 12 V [rad/s]."""
VOLTAGE, AMBIENT = 12.0, 30.0
HEATING = 15.0
"""Temperature above ambient at full load [degC]."""
PRIORITY = 30
"""Below control: it stands for hardware that is never late, but must not delay the loop it serves."""


def main(spec: Spec) -> None:
    """Entry point of the role."""
    config = taskfile.load(Path(spec.run_dir) / "config.toml")
    with ExitStack() as stack:
        status = stack.enter_context(Status.attach(spec.run))
        link = SimLink.attach(spec.run, from_config(config))
        stack.callback(link.close)
        simulator = Simulator(config, link, status.sim, stack)
        signal.signal(signal.SIGTERM, simulator.stop)
        if config.sim and config.sim.clock == "lockstep":
            simulator.run_lockstep(spec.fds["sim_go"], spec.fds["sim_done"], 1.0 / config.env.fps)
        else:
            become_realtime(PRIORITY)
            quiet_collector()
            simulator.run_realtime()


class Simulator:
    """Keeps servos, physics, cameras and the link to control in step."""

    def __init__(self, config: Config, link: SimLink, status: SimStatus, stack: ExitStack) -> None:
        self._calibration = Calibration.load(config.robot.calibration_path)
        self._world = stack.enter_context(World(config.env.task, config.seed))
        self._bank = ServoBank.calibrated(self._calibration)
        self._pty = stack.enter_context(PseudoTerminal())
        self._link, self._status = link, status
        self._studio = stack.enter_context(Studio(config, link)) if config.robot.cameras else None
        self._poll = select.poll()
        self._poll.register(self._pty.fd, select.POLLIN)
        self._running = True
        self._began = time.monotonic()
        self._measure()
        if self._studio:
            self._studio.expose(self._world, wait=True)
        status.pid, status.port = os.getpid(), self._pty.path
        status.ready = 1

    def stop(self, *_: object) -> None:
        """Finish; a signal handler."""
        self._running = False

    def run_lockstep(self, go: int, done: int, period_s: float) -> None:
        """Advance by one period each time `go` is signalled; answer on `done`."""
        self._poll.register(go, select.POLLIN)
        while self._running:
            for fd, _ in self._poll.poll(200):
                if fd == self._pty.fd:
                    self._pty.exchange(self._bank.feed)
                else:
                    os.read(go, 8)
                    self._advance(period_s)
                    if self._studio:
                        self._studio.expose(self._world, wait=True)
                    os.eventfd_write(done, 1)
        os.eventfd_write(done, 1)  # control may be waiting

    def run_realtime(self) -> None:
        """Keep up with the clock."""
        start = time.monotonic()
        while self._running:
            waiting = self._poll.poll(STEP_MS)
            self._advance(time.monotonic() - start - self._world.time)
            if waiting:
                self._pty.exchange(self._bank.feed)
            if self._studio:
                self._studio.expose(self._world, wait=False)

    def _advance(self, seconds: float) -> None:
        if (seed := self._link.wanted_place()) is not None:
            self._world.place(seed)
            self._link.report_placed()
        self._drive()
        self._world.step(seconds)
        self._measure()
        self._status.sim_time_s = self._world.time
        self._status.realtime_factor = self._world.time / max(time.monotonic() - self._began, 1e-3)
        self._status.heartbeat_ns = time.monotonic_ns()

    def _drive(self) -> None:
        """From the servos' registers to the motors."""
        servos = self._bank.servos
        goals = [servo.goal - servo.get(Register.HOMING_OFFSET) for servo in servos]
        limits = np.abs(self._calibration.velocities([servo.goal_velocity for servo in servos]))
        self._world.set_goals(
            self._calibration.radians(goals),
            [servo.torque_enabled for servo in servos],
            np.where(limits > 0.0, np.minimum(limits, NO_LOAD_SPEED), NO_LOAD_SPEED),
            [servo.torque_limit for servo in servos],
        )

    def _measure(self) -> None:
        """From the joints to the servos' registers, and the truth to control."""
        world, calibration = self._world, self._calibration
        counts = calibration.counts(world.positions())
        speeds = world.velocities() / calibration.velocities(np.ones(6))
        loads, currents = world.loads(), world.currents()
        for i, servo in enumerate(self._bank.servos):
            raw = int(counts[i]) + servo.get(Register.HOMING_OFFSET)
            heat = AMBIENT + HEATING * abs(float(loads[i]))
            servo.set_present(raw, round(speeds[i]), float(loads[i]), float(currents[i]), heat, VOLTAGE)
        self._link.report(world.object_pose(), world.success())
