"""The vendor's own SDK as an independent client: on every register it and hilrt's driver say the same."""

import contextlib

import pytest
import scservo_sdk

from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.registers import Register

MOTORS = (1, 2, 3, 4, 5, 6)
DEADLINE_S = 20.0  # nothing here measures time
MAP = """
FIRMWARE_MAJOR 0,1  FIRMWARE_MINOR 1,1  MODEL 3,2  ID 5,1  BAUD_RATE 6,1  RETURN_DELAY_TIME 7,1
RESPONSE_STATUS_LEVEL 8,1  MIN_POSITION_LIMIT 9,2  MAX_POSITION_LIMIT 11,2  MAX_TEMPERATURE_LIMIT 13,1
MAX_VOLTAGE_LIMIT 14,1  MIN_VOLTAGE_LIMIT 15,1  MAX_TORQUE_LIMIT 16,2  PHASE 18,1  UNLOADING_CONDITION 19,1
LED_ALARM 20,1  P_COEFFICIENT 21,1  D_COEFFICIENT 22,1  I_COEFFICIENT 23,1  MINIMUM_STARTUP_FORCE 24,2
CW_DEAD_ZONE 26,1  CCW_DEAD_ZONE 27,1  PROTECTION_CURRENT 28,2  ANGULAR_RESOLUTION 30,1  HOMING_OFFSET 31,2,11
OPERATING_MODE 33,1  PROTECTIVE_TORQUE 34,1  PROTECTION_TIME 35,1  OVERLOAD_TORQUE 36,1  VELOCITY_P 37,1
OVER_CURRENT_PROTECTION_TIME 38,1  VELOCITY_I 39,1  TORQUE_ENABLE 40,1  ACCELERATION 41,1  GOAL_POSITION 42,2,15
GOAL_TIME 44,2  GOAL_VELOCITY 46,2,15  TORQUE_LIMIT 48,2  LOCK 55,1  PRESENT_POSITION 56,2,15
PRESENT_VELOCITY 58,2,15  PRESENT_LOAD 60,2,10  PRESENT_VOLTAGE 62,1  PRESENT_TEMPERATURE 63,1  STATUS 65,1
MOVING 66,1  PRESENT_CURRENT 69,2,15  MAXIMUM_VELOCITY_LIMIT 84,1  MAXIMUM_ACCELERATION 85,1
"""
"""Of the STS3215, as its documentation has it: address, bytes, and the sign's bit where there is one."""
WRITABLE = [register for register in Register if not (register.address < 5 or 56 <= register.address < 80)]


class Sdk:
    """The vendor's packet handler on a port of its own."""

    def __init__(self, path):
        self._port = scservo_sdk.PortHandler(path)
        self._packets = scservo_sdk.PacketHandler(0)
        self._port.setPacketTimeout = lambda _: self._port.setPacketTimeoutMillis(1e3 * DEADLINE_S)
        assert self._port.openPort()

    def read(self, motor, register):
        """Value, with the sign as the SDK's own macro tells it, and error byte."""
        read = self._packets.read1ByteTxRx if register.size == 1 else self._packets.read2ByteTxRx
        raw, result, error = read(self._port, motor, register.address)
        assert result == scservo_sdk.COMM_SUCCESS, register
        return scservo_sdk.SCS_TOHOST(raw, register.sign_bit) if register.sign_bit else raw, error

    def write(self, motor, register, value):
        """Acknowledged."""
        write = self._packets.write1ByteTxRx if register.size == 1 else self._packets.write2ByteTxRx
        raw = scservo_sdk.SCS_TOSCS(value, register.sign_bit) if register.sign_bit else value
        assert write(self._port, motor, register.address, raw) == (scservo_sdk.COMM_SUCCESS, 0), register

    def close(self):
        self._port.closePort()


@pytest.fixture
def sdk(line):
    """On the same line; only one client has it open at a time."""

    @contextlib.contextmanager
    def opened():
        client = Sdk(line.path)
        yield client
        client.close()

    return opened


@pytest.fixture
def ours(run, line):
    """One call of the driver."""

    def call(act):
        async def main():
            async with await Bus.open(line.path, deadline_s=DEADLINE_S) as bus:
                return await act(bus)

        return run(main())

    return call


def other(register, motor):
    """A value that this register can hold, another one for each motor, negative where it may be; a fault each."""
    if register is Register.STATUS:
        return 1 << motor - 1
    value = 37 * motor + 256 * (register.size - 1)
    return -value if register.sign_bit else value


def test_the_register_map_is_complete():
    """Every register is at its address, with its size and sign, and there are no others."""
    known = {name: tuple(map(int, place.split(","))) for name, place in zip(*[iter(MAP.split())] * 2)}  # noqa: B905
    ours = {r.name: (r.address, r.size) + ((r.sign_bit,) if r.sign_bit else ()) for r in Register}
    assert ours == known


def test_every_register_reads_alike(line, sdk, ours):
    """Each of six motors' registers holds something else; both clients get it, and the error byte."""
    for servo in line.bank.servos:
        for register in set(Register) - {Register.ID}:
            servo.put(register, other(register, servo.id))

    async def read_all(bus):
        return {
            (motor, register): (await bus.read(motor, register), bus.errors[motor])
            for motor in MOTORS
            for register in Register
        }

    values = ours(read_all)
    with sdk() as client:
        assert {pair: client.read(*pair) for pair in values} == values
    for (motor, register), (value, error) in values.items():
        assert value == (motor if register is Register.ID else other(register, motor))
        assert error == other(Register.STATUS, motor)


def test_what_one_client_writes_the_other_reads(sdk, ours):
    """For each register that can be written; the id last but for the lock, since both change what is answered."""
    order = sorted(WRITABLE, key=lambda r: (r is Register.LOCK, r is Register.ID))

    def wanted(register, step):
        fixed = {Register.ID: 30 + step, Register.LOCK: 1}
        return fixed.get(register, other(register, step))

    with sdk() as client:
        client.write(3, Register.LOCK, 0)
        for register in order:
            client.write(31 if register is Register.LOCK else 3, register, wanted(register, 1))

    async def check_and_write(bus):
        seen = [await bus.read(31, register) for register in order]
        await bus.write(31, Register.LOCK, 0)
        for register in order:
            await bus.write(32 if register is Register.LOCK else 31, register, wanted(register, 2))
        return seen

    assert ours(check_and_write) == [wanted(register, 1) for register in order]
    with sdk() as client:
        assert [client.read(32, register)[0] for register in order] == [wanted(r, 2) for r in order]
