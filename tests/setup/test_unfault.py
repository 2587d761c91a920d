"""Servos that have switched themselves off."""

from desk import Operator, place, play, six

from hilrt.devices.feetech.registers import Fault, Register
from hilrt.devices.holding import GRIP_LEAD
from hilrt.setup.unfault import unfault

PUSHED_TO = 3000
ASKED = ["The arm may sink now: hold it, then press Enter."]


class Latching:
    """A desk whose servos keep a fault until their torque is switched, as an STS3215's overload is kept."""

    def __init__(self, desk, faults, *, torque=1):
        self.servos = six()
        for servo in self.servos:
            servo.put(Register.TORQUE_ENABLE, torque)
            servo.put(Register.GOAL_POSITION, PUSHED_TO)
        for motor, fault in faults.items():
            self.servos[motor - 1].put(Register.STATUS, fault)
        desk.connect(*self.servos)
        self.jumps, dispatch = [], desk.bank._dispatch

        def watched(packet):
            reply = dispatch(packet)
            servo = next((s for s in self.servos if s.id == packet.id), None)
            if packet.code == 3 and packet.params[0] == Register.TORQUE_ENABLE.address:
                kept = servo.get(Register.STATUS) & ~(Fault.OVERLOAD | Fault.CURRENT)
                servo.put(Register.STATUS, kept)
                if packet.params[1]:
                    self.jumps.append(abs(servo.goal - servo.raw_position))
            return reply

        desk.bank._dispatch = watched


def test_an_overload_is_cleared_without_a_jump(desk, where):
    """It is named, and its motor holds again near where it then is, not where it was told to push; so do the others."""
    arm = Latching(desk, {6: Fault.OVERLOAD})
    place(arm.servos[5], 2500)
    arm.servos[5].put(Register.STATUS, Fault.OVERLOAD)
    operator = Operator([""])
    assert play(unfault(operator, where))
    assert operator.asked == ASKED
    assert operator.said[4:] == [
        "arm, wrist_roll: ok",
        "arm, gripper: overload (12.0 V, 30 degC)",
        "gripper is clear.",
    ]
    assert all(servo.torque_enabled for servo in arm.servos)
    assert arm.jumps == [0]
    assert [servo.get(Register.GOAL_POSITION) for servo in arm.servos] == [PUSHED_TO] * 5 + [2500 + GRIP_LEAD]


def test_a_limp_arm_stays_limp(desk, where):
    """Nobody has to hold an arm that has no torque, and it has none afterwards."""
    arm = Latching(desk, {3: Fault.OVERLOAD | Fault.CURRENT}, torque=0)
    operator = Operator()
    assert play(unfault(operator, where))
    assert "arm, elbow_flex: current and overload (12.0 V, 30 degC)" in operator.said
    assert not any(servo.torque_enabled for servo in arm.servos)


def test_what_cannot_be_cleared_says_what_to_do(desk, where):
    """A hot motor and one with a wrong supply keep their fault until its cause is gone; their torque is left alone."""
    arm = Latching(desk, {})
    arm.servos[1].set_present(2048, 0, 0.0, 0.0, 75.0, 12.0)
    arm.servos[2].set_present(2048, 0, 0.0, 0.0, 30.0, 15.0)
    operator = Operator()
    assert not play(unfault(operator, where))
    assert operator.said[-2:] == [
        "shoulder_lift still reports temperature: let it cool for some minutes, with its torque off: hilrt release.",
        "elbow_flex still reports voltage: check the power supply and its plug.",
    ]
    assert arm.jumps == []


def test_a_motor_that_is_away_is_named(desk, where):
    """The others are looked at all the same."""
    desk.connect(*six()[:5])
    operator = Operator()
    assert not play(unfault(operator, where))
    assert operator.said == [
        *(
            f"arm, {name}: ok"
            for name in ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll")
        ),
        "arm, gripper: does not answer; check its cable and the power",
    ]


def test_a_joint_outside_its_range_stays_limp(desk, where):
    """With torque it would go to the end of its range by itself: it is cleared, left limp, and said so."""
    arm = Latching(desk, {2: Fault.OVERLOAD})
    arm.servos[1].put(Register.MAX_POSITION_LIMIT, 1500)
    operator = Operator([""])
    play(unfault(operator, where))
    assert "rests 48 degrees beyond the upper end" in operator.said[6]
    assert operator.said[7] == "shoulder_lift is clear."
    assert not arm.servos[1].torque_enabled
