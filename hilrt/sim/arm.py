"""A simulated arm: its joints in the world, its servos' registers, and the serial port they answer on."""

import numpy as np

from hilrt.config import SimArm, nature_of
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.resource import Resource
from hilrt.sim.motors import UNLIMITED
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servo import IDEAL
from hilrt.sim.servos import ServoBank
from hilrt.sim.world import World

NO_LOAD_SPEED = 5.2
"""Of an STS3215 at 12 V [rad/s]."""
USUAL_P, USUAL_D = 16, 32
"""Written at start-up; the nature of the servos is stated for them."""
VOLTAGE, AMBIENT = 12.0, 30.0
HEATING = 15.0
"""Temperature above ambient at full load [degC]."""


class SimFollower(Resource):
    """Keeps six servos and the joints they move in step; `index` is the arm's number in the world."""

    def __init__(
        self,
        world: World,
        index: int,
        calibration: Calibration,
        terminal: PseudoTerminal,
        nature: SimArm = IDEAL,
    ) -> None:
        self._world, self._index, self._calibration = world, index, calibration
        self._zeros = np.radians(nature_of(nature).zero_offsets_deg)
        self._bank = ServoBank.calibrated(calibration, nature)
        self.terminal = terminal
        self.measure()

    @property
    def port(self) -> str:
        """Path of the serial port to open."""
        return self.terminal.path

    @property
    def fd(self) -> int:
        """Readable when a request waits."""
        return self.terminal.fd

    def answer(self) -> None:
        """Serve the request that waits in `fd`."""
        self.terminal.exchange(self._bank.feed)

    def drive(self) -> None:
        """From the servos' registers to the motors."""
        servos = self._bank.servos
        goals = [servo.goal - servo.get(Register.HOMING_OFFSET) for servo in servos]
        limits = np.abs(self._calibration.velocities([servo.goal_velocity for servo in servos]))
        ramps = np.abs(self._calibration.velocities([servo.acceleration for servo in servos]))
        self._world.set_goals(
            self._calibration.radians(goals) + self._zeros,
            [servo.torque_enabled for servo in servos],
            np.where(limits > 0.0, np.minimum(limits, NO_LOAD_SPEED), NO_LOAD_SPEED),
            [servo.torque_limit for servo in servos],
            np.where(ramps > 0.0, ramps, UNLIMITED),
            p_gain=[servo.get(Register.P_COEFFICIENT) / USUAL_P for servo in servos],
            d_gain=[servo.get(Register.D_COEFFICIENT) / USUAL_D for servo in servos],
            supply=[servo.get(Register.PRESENT_VOLTAGE) / (10 * VOLTAGE) for servo in servos],
            arm=self._index,
        )

    def measure(self) -> None:
        """From the joints to the servos' registers."""
        world, arm, calibration = self._world, self._index, self._calibration
        counts = calibration.encoded(world.positions(arm) - self._zeros)
        speeds = world.velocities(arm) / calibration.velocities(np.ones(6))
        loads, currents = world.loads(arm), world.currents(arm)
        for i, servo in enumerate(self._bank.servos):
            raw = int(counts[i]) + servo.get(Register.HOMING_OFFSET)
            heat = AMBIENT + HEATING * abs(float(loads[i]))
            servo.set_present(raw, round(speeds[i]), float(loads[i]), float(currents[i]), heat, VOLTAGE)

    def close(self) -> None:
        """Unplug it; idempotent."""
        self.terminal.close()
