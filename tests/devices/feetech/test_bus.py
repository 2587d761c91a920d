import asyncio
import random
import select
import threading

import pytest

from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.packets import encode
from hilrt.devices.feetech.registers import Drive, Fault, Register
from hilrt.devices.feetech.transactions import PATIENCE
from hilrt.errors import (
    BusLostError,
    BusTimeoutError,
    PortBusyError,
    PortNotFoundError,
    PortUnusableError,
    PositionDoubtedError,
)

MOTORS = (1, 2, 3, 4, 5, 6)
WATCHDOG_S = 30
DEADLINE_S = 20.0  # nothing here measures time: a busy machine must not fail a read
FOREIGN = encode(9, 0, bytes(15))


def silence(reply):
    """Nothing comes."""
    return []


def late(reply):
    """The reply comes after the first attempt was given up."""
    return [(0.15, reply)]


def truncated(reply):
    """The last bytes are missing."""
    return [(0, reply[:-3])]


def corrupt(reply):
    """One bit is wrong."""
    return [(0, reply[:6] + bytes((reply[6] ^ 0x10,)) + reply[7:])]


def noisy(reply):
    """Garbage, with half a header at its end, comes first."""
    return [(0, b"\xff\x00\xff\xff\x01" + reply)]


def foreign(reply):
    """A reply of another servo comes first."""
    return [(0, FOREIGN + reply)]


def byte_by_byte(reply):
    """The reply comes in as many pieces as it has bytes."""
    return [(0, reply[i : i + 1]) for i in range(len(reply))]


def last_missing(reply):
    """The last servo says nothing."""
    return [(0, reply[:-21])]


def third_missing(reply):
    """One in the middle says nothing."""
    return [(0, reply[:42] + reply[63:])]


def elsewhere(counts):
    """The third servo says that it is so far from where it is, with a checksum that fits."""

    def fault(reply):
        frames = [reply[i : i + 21] for i in range(0, len(reply), 21)]
        index = min(2, len(frames) - 1)
        position = int.from_bytes(frames[index][5:7], "little") + counts
        frames[index] = encode(3, 0, position.to_bytes(2, "little") + frames[index][7:-1])
        return [(0, b"".join(frames))]

    return fault


HEALED = [silence, late, truncated, corrupt]
HARMLESS = [noisy, foreign, byte_by_byte]


async def until(condition):
    """Wait for something that the servos' thread does."""
    while not condition():  # noqa: ASYNC110 - it happens in another thread
        await asyncio.sleep(0.001)


def connected(path, deadline_s=DEADLINE_S):
    """A bus whose third motor has a name."""
    return Bus.open(path, deadline_s=deadline_s, names={3: "elbow_flex"})


def test_a_servo_is_found_and_read_and_written(run, line):
    """Ping gives the model; what is written is read back; a sign survives."""

    async def check():
        async with await connected(line.path) as bus:
            assert await bus.ping(3) == 777
            await bus.write(3, Register.GOAL_POSITION, 1234)
            assert await bus.read(3, Register.GOAL_POSITION) == 1234
            assert await bus.read(1, Register.HOMING_OFFSET) == -250
            assert bus.statistics().transactions == 4

    run(check())


def test_several_servos_in_one_transaction(run, line):
    """A sync write reaches every servo, a sync read and the telemetry come back for each."""
    goals = {motor: 1000 + motor for motor in MOTORS}
    line.bank.servos[2].set_present(2000, -30, -0.5, 0.65, 41.0, 7.4)

    async def check():
        async with await connected(line.path) as bus:
            await bus.sync_write(Register.GOAL_POSITION, goals)
            assert await bus.sync_read(Register.GOAL_POSITION, MOTORS) == goals
            telemetry = await bus.read_telemetry(MOTORS)
            assert list(telemetry) == list(MOTORS)
            assert telemetry[3][:7] == (2050, -30, -500, 7.4, 41, 0, True)
            assert telemetry[3].current == pytest.approx(0.65)

    run(check())


def test_the_error_byte_of_each_servo_is_kept(run, line):
    """A fault of one servo comes with its own reply and does not fail the others."""
    line.bank.servos[4].put(Register.STATUS, Fault.OVERLOAD)

    async def check():
        async with await connected(line.path) as bus:
            telemetry = await bus.read_telemetry(MOTORS)
            assert [t.error for t in telemetry.values()] == [0, 0, 0, 0, Fault.OVERLOAD, 0]
            assert bus.errors[5] == Fault.OVERLOAD

    run(check())


@pytest.fixture
def impatient(monkeypatch):
    """Attempts of 0.1 s under the long deadline."""
    monkeypatch.setattr("hilrt.devices.feetech.transactions.PATIENCE", 0.005)


@pytest.mark.parametrize("fault", HEALED)
def test_a_lost_reply_is_asked_for_again_within_the_deadline(run, line, impatient, fault):
    """One bad reply costs a retry, not the transaction."""

    async def check():
        async with await connected(line.path) as bus:
            line.faults.append(fault)
            assert len(await bus.read_telemetry(MOTORS)) == 6
            assert bus.statistics().retries > 0
            assert bus.statistics().timeouts == 0
            assert bus.statistics().checksum_errors == (fault in {corrupt, truncated})

    run(check())


@pytest.mark.parametrize("fault", HARMLESS)
def test_noise_among_the_replies_costs_nothing(run, line, fault):
    """Garbage, another servo's reply and a slow wire do not even need a retry."""

    async def check():
        async with await connected(line.path) as bus:
            line.faults.append(fault)
            assert len(await bus.read_telemetry(MOTORS)) == 6
            assert bus.statistics().retries == 0
            assert bus.statistics().unexpected == (fault is foreign)
            assert bus.statistics().garbage_bytes == 5 * (fault is noisy)

    run(check())


def test_only_the_missing_servos_are_asked_again(run, line, monkeypatch):
    """A retry of a sync read names those that did not answer."""
    monkeypatch.setattr("hilrt.devices.feetech.transactions.PATIENCE", 0.025)  # half a second

    async def check():
        async with await connected(line.path) as bus:
            line.faults.append(last_missing)
            await bus.read_telemetry(MOTORS)
        assert [request[7:-1] for request in line.requests] == [bytes(MOTORS), b"\x06"]

    run(check())


def test_a_silent_servo_is_named_after_the_deadline(run, line):
    """The error says which motor, where, what was asked, and when it was last heard."""

    async def check():
        async with await connected(line.path) as bus:
            await bus.read(3, Register.ID)
            bus.deadline_s = 0.5
            with pytest.raises(BusTimeoutError, match=r"motor 9 on .*; it never has\."):
                await bus.read(9, Register.ID)
            line.bank.servos[2].put(Register.ID, 33)
            with pytest.raises(BusTimeoutError) as caught:
                await bus.sync_read(Register.PRESENT_POSITION, MOTORS)
            assert caught.value.missing == (3,)
            assert str(caught.value).startswith(f"motor 3 (elbow_flex) on {line.path} did not answer ")
            assert " x read of PRESENT_POSITION in " in str(caught.value)
            assert "; last good reply " in str(caught.value)
            assert bus.statistics().timeouts == 2

    run(check())


def test_a_position_that_cannot_be_is_asked_for_again(run, line):
    """A reply that is wrong by 90 degrees though its checksum fits costs a question to that servo, and is counted."""

    async def check():
        async with await connected(line.path) as bus:
            await bus.read_telemetry(MOTORS)
            line.faults.append(elsewhere(1024))
            there = line.bank.servos[2].get(Register.PRESENT_POSITION)
            assert (await bus.read_telemetry(MOTORS))[3].position == there
            assert [request[7:-1] for request in line.requests[1:]] == [bytes(MOTORS), b"\x03"]
            assert bus.statistics().doubted == 1

    run(check())


def test_a_position_that_repeats_is_believed(run, line):
    """An encoder that was turned while nobody looked, or whose first reading was wrong, is where it says."""

    async def check():
        async with await connected(line.path) as bus:
            line.faults.append(elsewhere(1024))
            await bus.read_telemetry(MOTORS)
            for servo in line.bank.servos:
                servo.set_present(servo.raw_position + 500, 0, 0.0, 0.0, 30.0, 12.0)
            seen = await bus.read_telemetry(MOTORS)
            assert [t.position for t in seen.values()] == [
                s.get(Register.PRESENT_POSITION) for s in line.bank.servos
            ]
            await bus.read_telemetry(MOTORS)
            assert bus.statistics().doubted == 6

    run(check())


def test_positions_that_change_at_every_question_are_no_reading(run, line):
    """The motor is named, and whoever waits for a reading is told as if there had been none."""

    async def check():
        async with await connected(line.path) as bus:
            await bus.read_telemetry(MOTORS)
            line.faults.extend((elsewhere(1024), elsewhere(-1024)))
            with pytest.raises(
                PositionDoubtedError, match=r"motor 3 \(elbow_flex\) .* cannot have got"
            ) as caught:
                await bus.read_telemetry(MOTORS)
            assert isinstance(caught.value, BusTimeoutError)
            line.faults.clear()
            assert len(await bus.read_telemetry(MOTORS)) == 6

    run(check())


def held_back(release):
    """A reply that comes when `release` is set."""

    def fault(reply):
        release.wait(WATCHDOG_S)
        return [(0, reply)]

    return fault


@pytest.fixture
def very_quiet(monkeypatch):
    """Half a second of silence after a failure, for the servos are a thread that may have to wait."""
    monkeypatch.setattr("hilrt.devices.feetech.transactions.QUIET_S", 0.5)


def test_a_reply_after_its_deadline_is_not_the_answer_to_the_next_question(run, line, very_quiet):
    """Late bytes are thrown away, though they would pass for a reply to what is asked now."""
    given_up = threading.Event()

    async def check():
        async with await connected(line.path, 0.02) as bus:
            line.faults.append(held_back(given_up))
            with pytest.raises(BusTimeoutError):
                await bus.read(1, Register.MIN_POSITION_LIMIT)
            bus.deadline_s = DEADLINE_S
            given_up.set()
            assert await bus.read(1, Register.MAX_POSITION_LIMIT) == 3300
            assert bus.statistics().stale_bytes > 0

    run(check())


def test_a_cancelled_transaction_leaves_a_clean_line(run, line, very_quiet):
    """The reply that a cancelled call waited for is not taken by the next one."""
    cancelled = threading.Event()

    async def check():
        async with await connected(line.path) as bus:
            line.faults.append(held_back(cancelled))
            task = asyncio.create_task(bus.read(1, Register.MIN_POSITION_LIMIT))
            await until(lambda: line.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            cancelled.set()
            assert await bus.read(1, Register.MAX_POSITION_LIMIT) == 3300

    run(check())


def test_no_fault_makes_a_wrong_value(run, line, monkeypatch):
    """Under random faults every read gives what its own register holds."""
    monkeypatch.setattr("hilrt.devices.feetech.transactions.PATIENCE", 0.001)  # 20 ms
    monkeypatch.setattr("hilrt.devices.feetech.transactions.QUIET_S", 0.05)
    dice = random.Random(1)
    registers = [register for register in Register if register.size == 2]
    for number, register in enumerate(registers):
        for servo in line.bank.servos:
            servo.put(register, 10 * number + servo.id)

    async def check():
        async with await connected(line.path) as bus:
            for _ in range(100):
                number, motor = dice.randrange(len(registers)), dice.choice(MOTORS)
                if dice.random() < 0.5:
                    line.faults.append(dice.choice([silence, truncated, corrupt, *HARMLESS]))
                assert await bus.read(motor, registers[number]) == 10 * number + motor
            assert bus.statistics().retries > 20

    run(check())


def test_stale_input_is_purged_before_a_request(run, line):
    """Bytes nobody asked for are counted and thrown away, however well they are formed."""
    forged = encode(1, 0, b"\x00\x00")

    async def check():
        async with await connected(line.path) as bus:
            line.send(forged)
            select.select([bus._link._fd], [], [])  # the loop has not seen it yet
            assert await bus.read(1, Register.MIN_POSITION_LIMIT) == 700
            line.send(forged)
            await until(lambda: bus.statistics().stale_bytes == 2 * len(forged))
            assert await bus.read(1, Register.MIN_POSITION_LIMIT) == 700

    run(check())


def test_concurrent_calls_take_turns(run, line):
    """Transactions started at once do not mix."""
    registers = [r for r in Register if r.size == 2]

    async def check():
        async with await connected(line.path) as bus:
            asked = [(motor, register) for register in registers for motor in MOTORS]
            values = await asyncio.gather(*(bus.read(*pair) for pair in asked))
            assert values == [line.bank.servos[m - 1].get(register) for m, register in asked]

    run(check())


def test_an_unplugged_port_fails_whoever_waits_and_can_be_reopened(run, line, tmp_path):
    """The port's disappearance is an error of its own, at once; a new port under the old name works."""
    name = tmp_path / "port"
    name.symlink_to(line.path)

    async def check(second):
        bus = await connected(str(name))
        line.faults.append(silence)
        waiting = asyncio.create_task(bus.read(1, Register.ID))
        await until(lambda: line.requests)
        line.unplug()
        with pytest.raises(BusLostError, match="port is not open any more: "):
            await waiting
        with pytest.raises(BusLostError):
            await bus.sync_write(Register.GOAL_POSITION, {1: 0})
        name.unlink()
        with pytest.raises(PortNotFoundError):
            await bus.reopen()
        name.symlink_to(second.path)
        await bus.reopen()
        assert await bus.read(1, Register.ID) == 1
        await bus.close()

    second = type(line)(line.bank)
    try:
        run(check(second))
    finally:
        second.unplug()


def test_a_port_that_vanished_between_calls_is_noticed_by_the_next(run, line):
    """A write to a port that is gone is an error although nobody waited for a reply."""

    async def check():
        async with await connected(line.path) as bus:
            line.unplug()
            with pytest.raises(BusLostError):
                await bus.sync_write(Register.GOAL_POSITION, {1: 0})

    run(check())


def test_a_port_is_opened_by_one_program_only(run, line):
    """The second gets an error that says so; after close the port is free."""

    async def check():
        async with await connected(line.path):
            with pytest.raises(PortBusyError, match="in use by another program"):
                await connected(line.path)
        async with await connected(line.path) as bus:
            assert await bus.ping(1) == 777

    run(check())


def test_ports_that_cannot_be_opened(run, tmp_path):
    """A missing device and a file that is no device get errors of their own."""
    (tmp_path / "file").touch()

    async def check():
        with pytest.raises(PortNotFoundError, match=r"no serial port .*/nowhere; .*robot\.port"):
            await Bus.open(str(tmp_path / "nowhere"))
        with pytest.raises(PortUnusableError, match=r"cannot use .*/file: Could not configure port"):
            await Bus.open(str(tmp_path / "file"))

    run(check())


def test_a_closed_bus_says_so(run, line):
    """Closing twice is fine, talking afterwards is an error."""

    async def check():
        bus = await connected(line.path)
        await bus.close()
        await bus.close()
        with pytest.raises(BusLostError, match="it was closed"):
            await bus.read(1, Register.ID)

    run(check())


def test_a_forgotten_bus_warns(run, line):
    """A bus that is dropped without close is a resource warning."""

    async def check():
        bus = await connected(line.path)
        link = bus._link
        with pytest.warns(ResourceWarning, match="was not closed"):
            del bus
        await link.close()

    run(check())


def test_what_is_missing_before_the_last_is_asked_for_at_once(run, line):
    """Servos answer in turn, so a gap is known when the last reply is in: no patience is spent on it."""

    async def check():
        async with await connected(line.path) as bus:
            line.faults.append(third_missing)
            async with asyncio.timeout(0.9 * PATIENCE * DEADLINE_S):
                assert len(await bus.read_telemetry(MOTORS)) == 6
            assert bus.statistics().retries == 1
        assert [request[7:-1] for request in line.requests] == [bytes(MOTORS), b"\x03"]

    run(check())


def echoed(line):
    """Have the line's adapter hear itself."""
    whole = line.bank.feed
    line.bank.feed = lambda request: request + whole(request)


def test_an_adapter_that_hears_itself(run, line):
    """Its echoes are no replies, whatever is asked, in whatever pieces they come."""
    echoed(line)
    goals = {motor: 1000 + motor for motor in MOTORS}

    async def check():
        async with await connected(line.path) as bus:
            for fault in (byte_by_byte, lambda reply: [(0, reply)]):
                line.faults.extend([fault] * 6)
                assert await bus.ping(3) == 777
                await bus.write(3, Register.TORQUE_ENABLE, 1)
                await bus.sync_write(Register.GOAL_POSITION, goals)
                assert await bus.sync_read(Register.GOAL_POSITION, MOTORS) == goals
                assert len(await bus.read_telemetry(MOTORS)) == 6
                assert await bus.read(3, Register.TORQUE_ENABLE) == 1
            assert (bus.statistics().retries, bus.statistics().unexpected) == (0, 0)
            assert bus.statistics().echoes >= 10

    run(check())


def test_an_echo_alone_is_no_motor(run, line):
    """Behind an adapter that hears itself, motors without power are missing, not of another model."""
    line.bank.servos = ()
    echoed(line)

    async def check():
        async with await connected(line.path, 0.2) as bus:
            with pytest.raises(BusTimeoutError, match=r"motor 1 on .* did not answer"):
                await bus.ping(1)

    run(check())


@pytest.mark.parametrize("fault", [Fault.VOLTAGE, Fault.SENSOR])
def test_a_servo_with_a_fault_is_no_echo(run, line, fault):
    """Its error byte may be the code of what was asked."""
    line.bank.servos[2].put(Register.STATUS, fault)

    async def check():
        async with await connected(line.path) as bus:
            assert await bus.ping(3) == 777
            assert bus.errors[3] == fault
            assert bus.statistics().echoes == 0

    run(check())


def test_what_servos_were_told_is_read_with_the_telemetry(run, line):
    """One transaction brings both, and the telemetry is the same."""
    line.bank.servos[3].put(Register.TORQUE_ENABLE, 1)
    for servo in line.bank.servos:
        servo.put(Register.GOAL_POSITION, 2048 + 2 * servo.id)
        servo.put(Register.TORQUE_LIMIT, 990 + servo.id)
    line.bank.servos[2].set_present(2000, -30, -0.5, 0.65, 41.0, 7.4)

    async def check():
        async with await connected(line.path) as bus:
            plain = await bus.read_telemetry(MOTORS)
            assert await bus.read_telemetry(MOTORS, drive=True) == plain
            assert bus.drives == {motor: Drive(motor == 4, 2048 + 2 * motor, 990 + motor) for motor in MOTORS}
            assert bus.statistics().transactions == 2

    run(check())


def test_half_a_reply_is_kept_for_its_other_half(run, line, monkeypatch):
    """An adapter passes on replies in pieces: what came before a second attempt counts."""
    monkeypatch.setattr("hilrt.devices.feetech.transactions.PATIENCE", 0.005)  # 0.1 s

    async def check():
        async with await connected(line.path) as bus:
            line.faults.extend([lambda reply: [(0, reply[:50]), (0.2, reply[50:])], silence])
            assert len(await bus.read_telemetry(MOTORS)) == 6
            assert bus.statistics().timeouts == 0

    run(check())


def test_what_comes_too_late_is_said_to(run, line, very_quiet):
    """Where replies come after they were given up, the error speaks of the adapter, not of power and cable."""

    async def check():
        async with await connected(line.path, 0.02) as bus:
            line.faults.extend([late, late])
            for advice in ("Check power", "Replies come, but too late: hilrt doctor"):
                with pytest.raises(BusTimeoutError, match=advice):
                    await bus.read(1, Register.MIN_POSITION_LIMIT)

    run(check())


def test_a_second_attempt_is_made_only_where_it_can_be_in_time(run, line):
    """Behind an adapter whose replies take most of the deadline, one attempt has all of it."""

    async def check():
        async with await connected(line.path) as bus:
            for _ in range(20):
                bus.times.answered(0.7)
            bus.deadline_s = 1.0
            line.faults.append(silence)
            with pytest.raises(BusTimeoutError, match="did not answer 1 x read"):
                await bus.read(1, Register.ID)
            assert await bus.read(1, Register.ID) == 1

    run(check())
