"""An arm on a desk: servos that move, behind a serial adapter that can be unplugged, under a name that stays."""

import select
import threading
import time

import numpy as np

from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servos import ServoBank

SPEED = 3000
"""Of a motor [counts/s]."""
STEP_S = 0.005
PART_S = 0.02
"""Time that was missed is made up for in parts, with the wire served in between."""


class Desk:
    """Serves the six servos of a calibration on `port`; a context manager."""

    def __init__(self, folder, calibration, servos=()):
        """`servos`: those that are there already; else new ones that take on what the calibration says."""
        self.calibration = Calibration.load(calibration)
        self.bank = ServoBank(servos) if servos else ServoBank.calibrated(self.calibration)
        self.port = folder / "adapter"
        self.leads = []
        self.stuck = set()
        """Motors that something holds where they are."""
        self._lock = threading.Lock()
        self._terminal = None
        self._running = True
        self._thread = threading.Thread(target=self._run)

    @property
    def servos(self):
        """The six servos; hold the lock where they must not change meanwhile."""
        return self.bank.servos

    def held(self, register):
        """What the servos hold in a register."""
        with self._lock:
            return [servo.get(register) for servo in self.servos]

    def plug(self):
        """The adapter comes, as another device under the same name."""
        with self._lock:
            self._terminal = PseudoTerminal()
            self.port.symlink_to(self._terminal.path)

    def unplug(self):
        """The adapter goes."""
        with self._lock:
            self.port.unlink()
            self._terminal.close()
            self._terminal = None

    def brown_out(self, *motors, sag):
        """Motors start up again, sunk by so many counts or to the joint's end; leads are counted from here on."""
        with self._lock:
            for motor in motors:
                servo = self.servos[motor - 1]
                servo.power_cycle()
                end = servo.get(Register.MAX_POSITION_LIMIT) + servo.get(Register.HOMING_OFFSET)
                servo.set_present(min(servo.raw_position + sag, end), 0, 0.0, 0.0, 30.0, 12.0)
                servo.put(Register.GOAL_POSITION, servo.get(Register.PRESENT_POSITION))
            self.leads.clear()

    def largest_lead_deg(self):
        """How far a goal was from its motor when it was given, at most."""
        with self._lock:
            return float(np.max(self.leads)) * 360 / 4096

    def __enter__(self):
        self.plug()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._running = False
        self._thread.join()
        if self._terminal:
            self.unplug()

    def _run(self):
        last = time.monotonic()
        while self._running:
            with self._lock:
                if self._terminal and select.select([self._terminal.fd], [], [], 0.001)[0]:
                    self._answer()
                if (missed := time.monotonic() - last) > STEP_S:
                    self._move(part := min(missed, PART_S))
                    last += part
            time.sleep(0.0002)  # let others have the lock

    def _answer(self):
        before = [servo.get(Register.GOAL_POSITION) for servo in self.servos]
        self._terminal.exchange(self.bank.feed)
        for servo, goal in zip(self.servos, before, strict=True):
            if servo.torque_enabled and servo.get(Register.GOAL_POSITION) != goal:
                self.leads.append(abs(servo.goal - servo.raw_position))

    def _move(self, seconds):
        reach = SPEED * seconds
        for servo in self.servos:
            if servo.torque_enabled and servo.id not in self.stuck:
                step = int(np.clip(servo.goal - servo.raw_position, -reach, reach))
                servo.set_present(servo.raw_position + step, 0, 0.0, 0.0, 30.0, 12.0)
