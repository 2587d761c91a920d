"""What differs from servo to servo, and can be chosen."""

import pytest

from hilrt.config import SimArm
from hilrt.devices.feetech.packets import encode_write
from hilrt.devices.feetech.registers import Register
from hilrt.sim.servo import Servo
from hilrt.sim.servos import ServoBank


@pytest.mark.parametrize("switches", [False, True])
def test_a_goal_switches_torque_on_where_the_servo_is_of_that_kind(switches):
    """Torque follows a written goal on such a servo alone, and no other register."""
    bank = ServoBank([Servo(SimArm(goal_switches_torque_on=switches))])
    for register in (Register.TORQUE_LIMIT, Register.GOAL_POSITION):
        assert not bank.servos[0].torque_enabled
        bank.feed(encode_write(1, register.address, register.encode(500)))
    assert bank.servos[0].torque_enabled is switches
