"""A simulated leader arm: six servos on a serial port of their own, and a hand that may be on them.

No bodies: each joint goes towards its goal as fast as its servo can, towards the hand that holds it, or stays.
"""

import numpy as np
from numpy.typing import NDArray

from hilrt.config import SimArm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.resource import Resource
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servo import IDEAL
from hilrt.sim.servos import ServoBank

Array = NDArray[np.float64]

SERVO_S = 0.08
"""Time constant of a servo with a leader's gains on its way to the goal [s]."""
HAND_S = 0.01
"""The same of a joint that follows a hand [s]."""
SPEED = 5.2
"""Of a servo without load [rad/s]."""
YIELD = 0.7
"""How much of its way a hand gets against a servo that holds; the gains are low."""
VOLTAGE, TEMPERATURE = 12.0, 30.0


class SimLeader(Resource):
    """Moves six joints and keeps their servos' registers; each starts in the middle of its range."""

    def __init__(self, calibration: Calibration, terminal: PseudoTerminal, nature: SimArm = IDEAL) -> None:
        self._calibration = calibration
        self.bank = ServoBank.calibrated(calibration, nature)
        self.terminal = terminal
        self._positions: Array = calibration.radians(
            [servo.get(Register.PRESENT_POSITION) for servo in self.bank.servos]
        )

    @property
    def port(self) -> str:
        """Path of the serial port to open."""
        return self.terminal.path

    @property
    def fd(self) -> int:
        """Readable when a request waits."""
        return self.terminal.fd

    @property
    def positions(self) -> Array:
        """Joint angles, shape (6,) [rad]."""
        return self._positions.copy()

    def answer(self) -> None:
        """Serve the request that waits in `fd`."""
        self.terminal.exchange(self.bank.feed, self.bank.return_delay_s)

    def advance(self, seconds: float, hand: Array | None) -> None:
        """Let that much time pass.

        Args:
            seconds: [s].
            hand: where a hand brings the joints, shape (6,) [rad]; None while none is on the arm.
        """
        servos, before = self.bank.servos, self._positions
        torque = np.array([servo.torque_enabled for servo in servos])
        goal = self._calibration.radians([servo.goal - servo.get(Register.HOMING_OFFSET) for servo in servos])
        if hand is None:
            wanted, lag_s = np.where(torque, goal, before), SERVO_S
        else:
            wanted, lag_s = np.where(torque, goal + YIELD * (hand - goal), hand), HAND_S
        reach = SPEED * seconds
        way = (wanted - before) * (1.0 - np.exp(-seconds / lag_s))
        self._positions = before + np.clip(way, -reach, reach)
        self._show((self._positions - before) / max(seconds, 1e-9))

    def close(self) -> None:
        """Unplug it; idempotent."""
        self.terminal.close()

    def _show(self, velocities: Array) -> None:
        counts = self._calibration.encoded(self._positions)
        speeds = velocities / self._calibration.velocities(np.ones(6))
        for servo, count, speed in zip(self.bank.servos, counts.tolist(), speeds.tolist(), strict=True):
            raw = count + servo.get(Register.HOMING_OFFSET)
            servo.set_present(raw, round(speed), 0.0, 0.0, TEMPERATURE, VOLTAGE)
