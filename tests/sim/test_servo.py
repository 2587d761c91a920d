"""What differs from servo to servo, and how one protects itself."""

import pytest

from hilrt.config import SimArm
from hilrt.devices.feetech.packets import encode_write
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.sim.servo import Servo
from hilrt.sim.servos import ServoBank

TENTH_S = 0.1


def write(servo, register, value):
    """As from the wire."""
    ServoBank([servo]).feed(encode_write(1, register.address, register.encode(value)))


def strain(servo, seconds, *, load=0.0, current_a=0.0):
    """Let time pass in tenths of a second under a load."""
    for _ in range(round(seconds / TENTH_S)):
        servo.set_present(2048, 0, load, current_a, 30.0, 12.0)
        servo.elapse(TENTH_S)


@pytest.fixture
def servo():
    """From the factory, under torque."""
    made = Servo()
    write(made, Register.TORQUE_ENABLE, 1)
    return made


@pytest.mark.parametrize("switches", [False, True])
def test_a_goal_switches_torque_on_where_the_servo_is_of_that_kind(switches):
    """Torque follows a written goal on such a servo alone, and no other register."""
    bank = ServoBank([Servo(SimArm(goal_switches_torque_on=switches))])
    for register in (Register.TORQUE_LIMIT, Register.GOAL_POSITION):
        assert not bank.servos[0].torque_enabled
        bank.feed(encode_write(1, register.address, register.encode(500)))
    assert bank.servos[0].torque_enabled is switches


@pytest.mark.parametrize(("stale", "goal"), [(True, 700), (False, 2500)])
def test_torque_comes_on_towards_the_old_goal_or_where_the_servo_is(stale, goal):
    """An old goal is gone to or forgotten, as `stale_goal` has it; torque that is on already changes none."""
    servo = Servo(SimArm(stale_goal=stale))
    write(servo, Register.GOAL_POSITION, 700)
    servo.set_present(2500, 0, 0.0, 0.0, 30.0, 12.0)
    write(servo, Register.TORQUE_ENABLE, 1)
    assert servo.goal == goal
    write(servo, Register.GOAL_POSITION, 700)
    write(servo, Register.TORQUE_ENABLE, 1)
    assert servo.goal == 700


@pytest.mark.parametrize(
    ("settings", "load", "after_s"),
    [
        ({}, 0.79, None),
        ({}, -0.81, 2.0),
        ({Register.OVERLOAD_TORQUE: 25}, 0.24, None),
        ({Register.OVERLOAD_TORQUE: 25}, 0.26, 2.0),
        ({Register.OVERLOAD_TORQUE: 25, Register.PROTECTION_TIME: 50}, 0.26, 0.5),
    ],
)
def test_overload_comes_when_the_registers_say(servo, settings, load, after_s):
    """Above OVERLOAD_TORQUE for PROTECTION_TIME, 80 % and 2 s from the factory, either way; less load never."""
    for register, value in settings.items():
        servo.put(register, value)
    strain(servo, (after_s or 20.0) - TENTH_S, load=load)
    assert servo.get(Register.STATUS) == 0
    strain(servo, 2 * TENTH_S, load=load)
    assert servo.get(Register.STATUS) == (0 if after_s is None else Fault.OVERLOAD)


def test_load_that_falls_in_time_is_no_overload(servo):
    """The time above the limit counts from the last time below it."""
    for _ in range(5):
        strain(servo, 1.8, load=0.9)
        strain(servo, TENTH_S, load=0.5)
    assert servo.get(Register.STATUS) == 0


@pytest.mark.parametrize("torque", [0, 1])
def test_an_overloaded_servo_refuses_torque_until_it_is_switched_anew(servo, torque):
    """It falls to PROTECTIVE_TORQUE, 20 %, and stays there without load and with a new goal or limit."""
    strain(servo, 2.5, load=0.9)
    strain(servo, 60.0)
    write(servo, Register.GOAL_POSITION, 1000)
    write(servo, Register.TORQUE_LIMIT, 999)
    assert servo.get(Register.STATUS) == Fault.OVERLOAD
    assert servo.torque_limit == 0.2
    write(servo, Register.TORQUE_ENABLE, torque)
    assert servo.get(Register.STATUS) == 0
    assert servo.torque_limit == 0.999
    strain(servo, 1.5, load=0.9)
    assert servo.get(Register.STATUS) == 0, "its time starts anew"


def test_overcurrent_protects_likewise(servo):
    """Above PROTECTION_CURRENT, 250 x 6.5 mA on a gripper, for OVER_CURRENT_PROTECTION_TIME."""
    servo.put(Register.PROTECTION_CURRENT, 250)
    strain(servo, 5.0, current_a=-1.6)
    assert servo.get(Register.STATUS) == 0
    strain(servo, 2.2, current_a=-1.7)
    assert servo.get(Register.STATUS) == Fault.CURRENT
    assert servo.torque_limit == 0.2


def test_a_servo_reports_and_goes_on_where_it_is_told_to(servo):
    """Without the bit in UNLOADING_CONDITION an overload shows, and costs no torque."""
    servo.put(Register.UNLOADING_CONDITION, 0)
    strain(servo, 2.5, load=0.9)
    assert servo.get(Register.STATUS) == Fault.OVERLOAD
    assert servo.torque_limit == 1.0
