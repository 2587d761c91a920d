import os
import time

import pytest

from hilrt.devices.calibration import Calibration, MotorCalibration
from hilrt.devices.feetech.packets import (
    BROADCAST,
    Instruction,
    Packet,
    Parser,
    encode,
    encode_read,
    encode_sync_read,
    encode_sync_write,
    encode_write,
)
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.sim.pty import PseudoTerminal
from hilrt.sim.servo import Servo
from hilrt.sim.servos import ServoBank


@pytest.fixture
def bank():
    """Two servos, ids 1 and 2, torque off, EEPROM locked."""
    servos = [Servo(), Servo()]
    servos[1].put(Register.ID, 2)
    return ServoBank(servos)


def ask(bank, request):
    """The replies to one request."""
    return Parser().feed(bank.feed(request))


def write(bank, motor, register, value):
    """Write a register over the wire."""
    return ask(bank, encode_write(motor, register.address, register.encode(value)))


def read(bank, motor, register):
    """Read a register over the wire."""
    (reply,) = ask(bank, encode_read(motor, register.address, register.size))
    return register.decode(reply.params)


@pytest.mark.parametrize(
    ("request_hex", "reply_hex"),
    [
        ("ff ff 01 02 01 fb", "ff ff 01 02 00 fc"),
        ("ff ff 01 04 02 38 02 be", "ff ff 01 04 00 00 08 f2"),
        ("ff ff 01 04 02 03 02 f3", "ff ff 01 04 00 09 03 ee"),
        ("ff ff 02 05 03 2a 00 08 c3", "ff ff 02 02 00 fb"),
        ("ff ff fe 06 82 38 02 01 02 3c", "ff ff 01 04 00 00 08 f2 ff ff 02 04 00 00 08 f1"),
        ("ff ff fe 07 83 2a 02 01 00 08 42", ""),
    ],
)
def test_replies_are_the_bytes_worked_out_by_hand(bank, request_hex, reply_hex):
    """Ping, read, write, sync read and sync write answer as the protocol says."""
    assert bank.feed(bytes.fromhex(request_hex)) == bytes.fromhex(reply_hex)


@pytest.mark.parametrize("request_hex", ["ff ff 01 02 01 fc", "ff ff 03 02 01 f9", "ff ff 01 02 77 85"])
def test_broken_and_foreign_requests_get_no_answer(bank, request_hex):
    """A wrong checksum, another id and an unknown instruction are passed over."""
    assert bank.feed(bytes.fromhex(request_hex)) == b""
    assert bank.feed(encode(1, Instruction.PING)) != b""


@pytest.mark.parametrize("register", [r for r in Register if r.eeprom and not r.read_only])
def test_eeprom_is_written_only_while_unlocked(bank, register):
    """A locked servo acknowledges and keeps its value."""
    held = read(bank, 1, register)
    write(bank, 1, register, held + 1)
    assert bank.servos[0].get(register) == held
    write(bank, 1, Register.LOCK, 0)
    write(bank, 1, register, held + 1)
    assert bank.servos[0].get(register) == held + 1


@pytest.mark.parametrize("register", [r for r in Register if r.read_only])
def test_present_values_cannot_be_written(bank, register):
    """Model, firmware and everything measured is read-only, unlocked or not."""
    write(bank, 1, Register.LOCK, 0)
    held = read(bank, 1, register)
    write(bank, 1, register, held + 1)
    assert read(bank, 1, register) == held


def test_a_block_write_reaches_each_register_in_it(bank):
    """Acceleration, goal, time and speed can be set by one write, as the vendor's SDK does."""
    data = bytes([50]) + b"\x00\x06" + b"\x00\x00" + b"\x2c\x01"
    ask(bank, encode_write(1, Register.ACCELERATION.address, data))
    servo = bank.servos[0]
    assert (servo.acceleration, servo.goal, servo.goal_velocity) == (5000, 0x600, 300)


def test_a_new_id_holds_from_the_next_request_on(bank):
    """The acknowledgement of an id's change still comes from the old one."""
    write(bank, 1, Register.LOCK, 0)
    assert write(bank, 1, Register.ID, 7) == [Packet(1, 0, b"")]
    assert ask(bank, encode(1, Instruction.PING)) == []
    assert ask(bank, encode(7, Instruction.PING)) == [Packet(7, 0, b"")]


def test_a_homing_offset_shifts_position_and_goal(bank):
    """Present is raw minus offset within one turn; the goal comes back in raw counts."""
    servo = bank.servos[0]
    servo.put(Register.HOMING_OFFSET, -1429)
    bank.servos[0].set_present(3000, 0, 0.0, 0.0, 30.0, 12.0)
    assert read(bank, 1, Register.PRESENT_POSITION) == (3000 + 1429) % 4096
    write(bank, 1, Register.GOAL_POSITION, 2000)
    assert servo.goal == 571


def test_goals_stop_at_the_position_limits(bank):
    """A goal outside the limits is driven to as far as they go."""
    servo = bank.servos[0]
    servo.put(Register.MIN_POSITION_LIMIT, 1000)
    servo.put(Register.MAX_POSITION_LIMIT, 3000)
    for goal, reached in ((500, 1000), (2000, 2000), (3500, 3000)):
        write(bank, 1, Register.GOAL_POSITION, goal)
        assert servo.goal == reached


def test_present_values_arrive_in_their_registers(bank):
    """What the world puts in is what the wire gives out, in the wire's units."""
    bank.servos[1].set_present(1500, -40, -0.25, -0.65, 44.0, 7.4)
    shown = {r: read(bank, 2, r) for r in Register if r.name.startswith("PRESENT")}
    assert list(shown.values()) == [1500, -40, -250, 74, 44, -100]
    assert read(bank, 2, Register.MOVING) == 1


@pytest.mark.parametrize(
    ("temperature", "voltage", "fault"),
    [(30, 12, 0), (71, 12, Fault.TEMPERATURE), (30, 3.9, Fault.VOLTAGE), (30, 14.1, Fault.VOLTAGE)],
)
def test_faults_show_in_every_reply(bank, temperature, voltage, fault):
    """Heat and bad supply set the error byte, and clear it; other faults stay."""
    bank.servos[0].put(Register.STATUS, Fault.OVERLOAD)
    bank.servos[0].set_present(0, 0, 0.0, 0.0, temperature, voltage)
    (reply,) = ask(bank, encode(1, Instruction.PING))
    assert reply.code == fault | Fault.OVERLOAD
    bank.servos[0].set_present(0, 0, 0.0, 0.0, 30.0, 12.0)
    assert ask(bank, encode(1, Instruction.PING))[0].code == Fault.OVERLOAD


def test_a_registered_write_waits_for_its_action(bank):
    """REG_WRITE takes effect, on all servos at once, with the broadcast ACTION."""
    goal = Register.GOAL_POSITION
    for motor in (1, 2):
        ask(bank, encode(motor, Instruction.REG_WRITE, bytes([goal.address]) + goal.encode(999)))
    assert [servo.get(goal) for servo in bank.servos] == [2048, 2048]
    assert bank.feed(encode(BROADCAST, Instruction.ACTION)) == b""
    assert [servo.get(goal) for servo in bank.servos] == [999, 999]


def test_a_broadcast_write_reaches_everybody_and_is_not_answered(bank):
    """All servos take a value written to the broadcast id."""
    assert write(bank, BROADCAST, Register.TORQUE_ENABLE, 1) == []
    assert all(servo.torque_enabled for servo in bank.servos)


def test_a_sync_write_gives_each_servo_its_own_value(bank):
    """Rows for absent servos are passed over."""
    address = Register.GOAL_POSITION.address
    bank.feed(encode_sync_write(address, 2, {2: b"\x01\x00", 9: b"\x02\x00", 1: b"\x03\x00"}))
    assert [servo.get(Register.GOAL_POSITION) for servo in bank.servos] == [3, 1]


def test_a_sync_read_is_answered_in_the_order_asked(bank):
    """The order of ids in the request is that of the replies; absent servos are silent."""
    assert [p.id for p in ask(bank, encode_sync_read(56, 2, [2, 9, 1]))] == [2, 1]


def test_a_servo_told_to_be_quiet_acknowledges_no_write(bank):
    """With Response_Status_Level 0 only questions are answered."""
    bank.servos[0].put(Register.RESPONSE_STATUS_LEVEL, 0)
    assert write(bank, 1, Register.GOAL_POSITION, 5) == []
    assert read(bank, 1, Register.GOAL_POSITION) == 5


def test_two_servos_with_one_id_destroy_each_others_reply():
    """Factory-new servos, all id 1, cannot be told apart, nor read."""
    bank = ServoBank([Servo(), Servo()])
    for request in (encode(1, Instruction.PING), encode_read(1, 3, 2), encode_sync_read(56, 15, [1])):
        assert bank.feed(request) != b""
        assert ask(bank, request) == []


def test_a_power_cycle_forgets_ram_and_keeps_eeprom(bank):
    """After a brown-out torque is off and the goal is gone; calibration is still there."""
    servo = bank.servos[0]
    servo.put(Register.HOMING_OFFSET, 100)
    servo.put(Register.TORQUE_ENABLE, 1)
    servo.put(Register.GOAL_POSITION, 3000)
    servo.power_cycle()
    assert not servo.torque_enabled
    assert servo.get(Register.GOAL_POSITION) == servo.get(Register.PRESENT_POSITION) == 1948
    assert servo.get(Register.HOMING_OFFSET) == 100
    assert servo.torque_limit == 1.0


def test_a_calibrated_bank_holds_the_file():
    """Ids, offsets and limits are the file's; each joint starts in the middle of its range."""
    names = ("shoulder_pan", "shoulder_lift", "elbow_flex", "wrist_flex", "wrist_roll", "gripper")
    motors = {n: MotorCalibration(i + 1, 0, -1429, 751, 3475) for i, n in enumerate(names)}
    bank = ServoBank.calibrated(Calibration(motors))
    for i, servo in enumerate(bank.servos):
        assert servo.id == i + 1
        assert servo.get(Register.HOMING_OFFSET) == -1429
        assert servo.get(Register.PRESENT_POSITION) == 2113
        assert servo.goal == servo.raw_position == 2113 - 1429


def test_a_terminal_carries_every_byte_unchanged():
    """Nothing on the way treats a control character, a newline or 0xFF as anything but a byte."""
    with PseudoTerminal() as terminal:
        client = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        os.write(client, bytes(range(256)))
        received, returned = [], b""
        while len(b"".join(received)) < 256:
            terminal.exchange(lambda data: received.append(data) or data)
        assert b"".join(received) == bytes(range(256))
        while len(returned) < 256:
            returned += os.read(client, 4096)
        assert returned == bytes(range(256))
        os.close(client)


def test_wire_time_is_ten_microseconds_a_byte():
    """With wire time the line is taken for as long as request and reply need."""
    with PseudoTerminal(wire_time=True) as terminal:
        client = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
        os.write(client, bytes(100))
        before = time.monotonic()
        terminal.exchange(lambda request: 3 * request)
        while (wait_s := terminal.wait_s) is not None:
            time.sleep(wait_s)
            terminal.deliver()
        assert time.monotonic() - before >= 400 * 10e-6
        os.close(client)


def test_closing_a_terminal_unplugs_its_client():
    """A client of a closed terminal gets an error; closing twice is fine."""
    terminal = PseudoTerminal()
    client = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
    terminal.close()
    terminal.close()
    with pytest.raises(OSError, match="Input/output error"):
        os.write(client, b"x")
    os.close(client)


def test_a_forgotten_terminal_warns():
    """A terminal dropped without close is a resource warning."""
    terminals = [PseudoTerminal()]
    ends = terminals[0].fd, terminals[0]._slave
    with pytest.warns(ResourceWarning, match="was not closed"):
        terminals.clear()
    for end in ends:
        os.close(end)
