import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilrt.devices.feetech.registers import Fault, Register, decode_telemetry


@given(st.sampled_from(list(Register)), st.data())
def test_what_a_register_holds_survives_the_wire(register, data):
    """Encoding and decoding are inverse over the whole range of every register."""
    value = data.draw(st.integers(register.minimum, register.maximum))
    assert len(register.encode(value)) == register.size
    assert register.decode(register.encode(value)) == value


@pytest.mark.parametrize(
    ("register", "value", "wire"),
    [
        (Register.HOMING_OFFSET, -5, "05 08"),
        (Register.HOMING_OFFSET, 2047, "ff 07"),
        (Register.PRESENT_LOAD, -100, "64 04"),
        (Register.PRESENT_VELOCITY, -1, "01 80"),
        (Register.GOAL_POSITION, 2048, "00 08"),
        (Register.TORQUE_LIMIT, 1000, "e8 03"),
    ],
)
def test_signs_are_a_bit_of_their_own(register, value, wire):
    """Negative values are sign and magnitude, the low byte first."""
    assert register.encode(value) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("register", "value"),
    [(Register.ID, 256), (Register.HOMING_OFFSET, 2048), (Register.TORQUE_LIMIT, -1)],
)
def test_a_value_that_does_not_fit_is_refused(register, value):
    """A value out of range is an error that names the range, never cut to fit."""
    with pytest.raises(ValueError, match=rf"{register.name} holds -?\d+\.\.\d+, not {value}"):
        register.encode(value)


def test_registers_do_not_overlap():
    """No two registers share a byte."""
    taken = [r.address + i for r in Register for i in range(r.size)]
    assert len(taken) == len(set(taken))


def test_telemetry_block_worked_out_by_hand():
    """Fifteen bytes from 56 on give all present values in their units."""
    data = bytes.fromhex("00 08  0a 80  64 04  7b  1f  00  20  01  00 00  64 80")
    telemetry = decode_telemetry(data, error=32)
    assert telemetry._replace(current=0.0) == (2048, -10, -100, 12.3, 31, 32, True, 0.0, 32)
    assert telemetry.current == pytest.approx(-0.65)


def test_faults_are_named():
    """An error byte is told in words, unknown bits included."""
    assert Fault.describe(0) == "none"
    assert Fault.describe(33) == "voltage and overload"
    assert Fault.describe(64) == "unknown fault 0x40"
