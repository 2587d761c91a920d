"""A simulated arm: its joints in the world, its servos' registers, and the serial port they answer on."""

import numpy as np

from hilrt.config import SimArm, nature_of
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.resource import Resource
from hilrt.sim.motors import UNLIMITED, Array
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servo import IDEAL
from hilrt.sim.servos import ServoBank
from hilrt.sim.world import World

NO_LOAD_SPEED = 5.2
"""Of an STS3215 at 12 V [rad/s]."""
USUAL_P, USUAL_D = 16, 32
"""Written at start-up; the nature of the servos is stated for them."""
VOLTAGE, AMBIENT = 12.0, 30.0
HEATING = 65.0
"""By how much a motor at full load would warm up in the end [degC], with the square of the load: 1.5 N m, half of it,
make 15 degC in 10 minutes (SO-ARM100 issue 134)."""
HEATING_S = 300.0
"""Time constant of warming up and cooling [s]."""


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
        self._nature, self._measured_at = nature_of(nature), world.time
        self._zeros = np.radians(self._nature.zero_offsets_deg)
        self._bank = ServoBank.calibrated(calibration, nature)
        self._temperatures = self._rest()
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
        self.terminal.exchange(self._bank.feed, self._bank.return_delay_s)

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
        volts = VOLTAGE - self._nature.supply_ohm * float(currents.sum())
        seconds, self._measured_at = world.time - self._measured_at, world.time
        self._warm(loads, seconds)
        for i, servo in enumerate(self._bank.servos):
            raw, heat = int(counts[i]) + servo.get(Register.HOMING_OFFSET), float(self._temperatures[i])
            servo.set_present(raw, round(speeds[i]), float(loads[i]), float(currents[i]), heat, volts)
            servo.elapse(seconds)

    def _warm(self, loads: Array, seconds: float) -> None:
        """Towards what each motor's load comes to in the end."""
        share = 1.0 - np.exp(-seconds / HEATING_S)
        self._temperatures += share * (self._rest() + HEATING * loads**2 - self._temperatures)

    def _rest(self) -> Array:
        """Temperatures without load, shape (6,) [degC]."""
        return AMBIENT + np.append(np.zeros(5), self._nature.gripper_warmth_c)

    def close(self) -> None:
        """Unplug it; idempotent."""
        self.terminal.close()
