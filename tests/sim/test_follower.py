"""What a simulated arm's servos do by their registers, and what they report of it: load, heat, supply."""

import numpy as np
import pytest
from drive import grip_the_cube

from hilrt.config import SimArm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import COUNTS_PER_TURN, Fault, Register
from hilrt.sim.arm import AMBIENT, HEATING, HEATING_S, VOLTAGE, SimFollower
from hilrt.sim.model import STALL_TORQUE
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.world import World

COUNT = 2 * np.pi / COUNTS_PER_TURN  # [rad]
PAN = 0


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

    def stand(self, seconds):
        """Nothing moves meanwhile: load and heat alone go on, without physics."""
        self.arm._measured_at -= seconds
        self.arm.measure()

    def turn(self, counts, seconds=1.5, part_s=0.01):
        """Send the shoulder pan so far; after each part its way [rad] and speed [rad/s], shape (parts, 2)."""
        servo = self.servos["shoulder_pan"]
        servo.put(Register.GOAL_POSITION, servo.get(Register.GOAL_POSITION) + counts)
        start, seen = self.world.positions()[PAN], []
        for _ in range(round(seconds / part_s)):
            self.pass_time(part_s, part_s)
            seen.append((self.world.positions()[PAN] - start, self.world.velocities()[PAN]))
        return np.array(seen)

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


@pytest.mark.parametrize(("ramp", "counts"), [(10, 400), (40, 400), (10, 100)])
def test_a_joint_speeds_up_and_slows_down_as_its_register_says(ramp, counts):
    """By 100 counts/s2 for each unit of ACCELERATION: half of the way at most is speeding up, half slowing down."""
    with Follower(SimArm(preset="stiff")) as arm:
        arm.pass_time(1.0)
        for servo in arm.servos.values():
            servo.put(Register.ACCELERATION, ramp)
        way, speed = arm.turn(counts).T
    acceleration, distance = 100 * ramp * COUNT, counts * COUNT
    times = 0.01 * np.arange(1, len(way) + 1)
    assert way[-1] == pytest.approx(distance, abs=2 * COUNT)
    there = times[np.argmax(way > 0.99 * distance)]
    assert there == pytest.approx(2 * np.sqrt(distance / acceleration), rel=0.1)
    assert (speed <= acceleration * times).all()
    assert speed.max() == pytest.approx(np.sqrt(acceleration * distance), rel=0.1)


@pytest.mark.parametrize("preset", ["so100", "stiff"])
def test_more_d_swings_less(preset):
    """From 17 degrees away a joint goes beyond its goal, by so much less the greater D_COEFFICIENT is."""
    beyond = []
    for d in (0, 16, 32, 64):
        with Follower(SimArm(preset=preset)) as arm:
            arm.pass_time(1.0)
            for servo in arm.servos.values():
                servo.put(Register.D_COEFFICIENT, d)
            beyond.append(np.degrees(arm.turn(200)[:, 0].max() - 200 * COUNT))
    assert (np.diff(beyond) < -0.5).all()
    assert beyond[0] > 3.0
    assert beyond[-1] < 1.0


def test_a_motor_warms_up_with_the_square_of_its_load_and_cools():
    """By a share that grows with time, and without torque it cools as fast."""
    with Follower(SimArm()) as arm:
        arm.pass_time(1.0)
        loads = np.array(arm.told(Register.PRESENT_LOAD)) / 1000
        arm.stand(60.0)
        share = 1.0 - np.exp(-61.0 / HEATING_S)
        expected = AMBIENT + share * HEATING * loads**2
        assert arm.told(Register.PRESENT_TEMPERATURE) == pytest.approx(expected, abs=1.0)
        arm.arm._temperatures[:] = 60.0
        for servo in arm.servos.values():
            servo.put(Register.TORQUE_ENABLE, 0)
        arm.pass_time(0.1)
        arm.stand(HEATING_S)
        assert arm.told(Register.PRESENT_TEMPERATURE) == pytest.approx([AMBIENT + 30.0 / np.e] * 6, abs=1.0)


def test_half_of_its_torque_makes_fifteen_degrees_in_ten_minutes():
    """As was measured with 1.5 kg at 10 cm; the wrist, which bears nothing, stays as cool as the room."""
    with Follower(SimArm()) as arm:
        arm.world._data.qfrc_applied[PAN] = STALL_TORQUE / 2
        for _ in range(60):
            arm.pass_time(0.1)
            arm.stand(9.9)
        told = arm.told(Register.PRESENT_TEMPERATURE)
        assert abs(arm.told(Register.PRESENT_LOAD)[PAN]) == pytest.approx(500, abs=25)
        assert arm.told(Register.STATUS) == [0] * 6
    assert told[PAN] - AMBIENT == pytest.approx(15.0, abs=1.5)
    assert told[4] == AMBIENT


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
