"""What a simulated arm's servos report of what they do: load, heat, supply."""

import numpy as np
import pytest
from drive import grip_the_cube

from hilrt.config import SimArm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.sim.arm import AMBIENT, HEATING, HEATING_S, VOLTAGE, SimFollower
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.world import World


class Follower:
    """An arm in its world, all motors under torque where they are; `prepare` is done to the world before."""

    def __init__(self, nature, prepare=lambda _: None):
        self.world = World("pick_lift", 0, nature=nature)
        prepare(self.world)
        calibration = Calibration.nominal()
        self.arm = SimFollower(self.world, 0, calibration, PseudoTerminal(), nature)
        self.servos = dict(zip(calibration.motors, self.arm._bank.servos, strict=True))
        for servo in self.servos.values():
            servo.put(Register.GOAL_POSITION, servo.get(Register.PRESENT_POSITION))
            servo.put(Register.TORQUE_ENABLE, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.arm.close()
        self.world.close()

    def pass_time(self, seconds, part_s=0.02):
        """In parts, as the simulator does."""
        for _ in range(round(seconds / part_s)):
            self.arm.drive()
            self.world.step(part_s)
            self.arm.measure()

    def told(self, register):
        """Of all motors."""
        return [servo.get(register) for servo in self.servos.values()]


def test_a_gripper_that_squeezes_is_overloaded_after_two_seconds():
    """As hilrt sets it up, driven shut on a cube: half of the torque, a limit of a quarter. It lets go to a fifth."""
    with Follower(SimArm(), grip_the_cube) as arm:
        gripper = arm.servos["gripper"]
        gripper.put(Register.OVERLOAD_TORQUE, 25)
        gripper.put(Register.TORQUE_LIMIT, 499)
        gripper.put(Register.GOAL_POSITION, 0)
        arm.pass_time(1.8)
        assert abs(gripper.get(Register.PRESENT_LOAD)) == pytest.approx(490, abs=10)
        assert gripper.get(Register.STATUS) == 0
        arm.pass_time(0.5)
        assert gripper.get(Register.STATUS) == Fault.OVERLOAD
        assert abs(gripper.get(Register.PRESENT_LOAD)) == pytest.approx(197, abs=4)
        assert arm.told(Register.STATUS)[:5] == [0] * 5


def test_a_motor_warms_up_with_the_square_of_its_load_and_cools():
    """Half of its torque makes 15 degC in ten minutes, as measured; without torque it is cool again after an hour."""
    with Follower(SimArm()) as arm:
        arm.pass_time(1.0)
        loads = np.array(arm.told(Register.PRESENT_LOAD)) / 1000
        arm.pass_time(60.0, part_s=5.0)
        share = 1.0 - np.exp(-61.0 / HEATING_S)
        expected = AMBIENT + share * HEATING * loads**2
        assert arm.told(Register.PRESENT_TEMPERATURE) == pytest.approx(expected, abs=1.0)
        assert HEATING * 0.51**2 * (1 - np.exp(-600 / HEATING_S)) == pytest.approx(15.0, abs=1.0)
        arm.arm._temperatures[:] = 60.0
        for servo in arm.servos.values():
            servo.put(Register.TORQUE_ENABLE, 0)
        arm.pass_time(HEATING_S, part_s=5.0)
        assert arm.told(Register.PRESENT_TEMPERATURE) == pytest.approx([AMBIENT + 30.0 / np.e] * 6, abs=1.0)


def test_a_worn_gripper_is_warmer():
    """By 15 degC from the start on; its other motors are not."""
    with Follower(SimArm(preset="worn")) as arm:
        arm.pass_time(1.0)
        assert arm.told(Register.PRESENT_TEMPERATURE) == pytest.approx([AMBIENT] * 5 + [AMBIENT + 15], abs=1)


def test_voltage_falls_with_what_the_whole_arm_draws():
    """By `supply_ohm` times the sum of the currents, for all motors alike."""
    with Follower(SimArm(supply_ohm=0.5)) as arm:
        arm.pass_time(1.0)
        amperes = arm.world.currents().sum()
        assert amperes > 0.5
        assert arm.told(Register.PRESENT_VOLTAGE) == [round(10 * (VOLTAGE - 0.5 * amperes))] * 6
