"""Letting an arm down."""

from desk import Operator, play, six

from hilrt.devices import holding
from hilrt.devices.feetech.registers import Register
from hilrt.setup.release import release


def test_an_arm_is_let_down_once_somebody_holds_it(desk, where, monkeypatch):
    """Torque stays until the operator says so; then all motors are limp, and may use all their torque again."""
    monkeypatch.setattr(holding, "RELEASE_STEP_S", 0.0)
    servos = six()
    for servo in servos:
        servo.put(Register.TORQUE_ENABLE, 1)
    servos[3].put(Register.RESPONSE_STATUS_LEVEL, 0)
    desk.connect(*servos)
    operator = Operator([lambda: "" if all(servo.torque_enabled for servo in servos) else "too early"])
    play(release(operator, where))
    assert operator.asked == ["The arm goes down now: hold it and what its gripper has, then press Enter."]
    assert not any(servo.torque_enabled for servo in servos)
    assert [servo.torque_limit for servo in servos] == [1.0] * 6
