import asyncio

import numpy as np
import pytest

from hilrt.config import MOTORS
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration, MotorCalibration
from hilrt.devices.feetech.packets import Instruction, encode
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.devices.holding import GRIP_LEAD
from hilrt.devices.startup import FOLLOWER
from hilrt.errors import (
    ArmUnderTorqueError,
    BusLostError,
    BusTimeoutError,
    CalibrationMismatchError,
    GoalError,
    MotorMissingError,
    PortsSwappedError,
    ServoFaultError,
    SettingRefusedError,
    WrongModelError,
)

IDS = (1, 2, 3, 4, 5, 6)


DEADLINE_S = 20.0  # nothing here measures time: a busy machine must not fail a read


def connect(line, calibration, deadline_s=DEADLINE_S):
    """An arm on the line."""
    return Arm.connect(line.path, calibration, deadline_s=deadline_s)


def held(line, register):
    """What the six servos hold in a register."""
    return [servo.get(register) for servo in line.bank.servos]


def move(line, present, velocity=0):
    """Put all joints at these positions [counts, as the servos show them]."""
    for servo, position in zip(line.bank.servos, present, strict=True):
        raw = position + servo.get(Register.HOMING_OFFSET)
        servo.set_present(raw, velocity, 0.0, 0.0, 30.0, 12.0)


def test_connecting_applies_the_start_up_settings(run, line, calibration):
    """Gains, delays and the gripper's force limits are set, EEPROM is locked again, torque stays off."""
    line.bank.servos[1].put(Register.PHASE, 0x1C)

    async def check():
        async with await connect(line, calibration):
            pass

    run(check())
    assert held(line, Register.P_COEFFICIENT) == [16] * 6
    assert held(line, Register.D_COEFFICIENT) == [32] * 6
    assert held(line, Register.RETURN_DELAY_TIME) == [0] * 6
    assert held(line, Register.ACCELERATION) == held(line, Register.MAXIMUM_ACCELERATION) == [254] * 6
    assert held(line, Register.MAX_TORQUE_LIMIT) == [1000] * 5 + [500]
    assert held(line, Register.OVERLOAD_TORQUE) == [80] * 5 + [25]
    assert held(line, Register.PROTECTION_CURRENT) == [500] * 5 + [250]
    assert held(line, Register.PHASE) == [12] * 6
    assert held(line, Register.LOCK) == [1] * 6
    assert held(line, Register.TORQUE_ENABLE) == [0] * 6


def test_connecting_again_writes_nothing(run, line, calibration):
    """Settings are compared first: EEPROM wears, and torque must not drop."""

    async def check():
        async with await connect(line, calibration) as arm:
            await arm.enable_torque()
        line.requests.clear()
        async with await connect(line, calibration):
            pass

    run(check())
    instructions = {request[4] for request in line.requests}
    assert instructions == {Instruction.READ, Instruction.SYNC_READ}
    assert held(line, Register.TORQUE_ENABLE) == [1] * 6


def under_torque(line, **registers):
    """All motors hold the arm where it is, set up as another program left them."""
    for servo in line.bank.servos:
        servo.put(Register.TORQUE_ENABLE, 1)
        for name, value in registers.items():
            servo.put(Register[name], value)


def test_connecting_does_not_drop_an_arm_under_torque(run, line, calibration):
    """Settings that want the torque off are refused with their names and a cure; not a byte is written."""
    under_torque(line, GOAL_VELOCITY=40)
    with pytest.raises(ArmUnderTorqueError, match=r"motors 1 .*P_COEFFICIENT.*hilrt release CONFIG"):
        run(connect(line, calibration))
    assert not any(request[4] == Instruction.WRITE for request in line.requests)
    assert held(line, Register.TORQUE_ENABLE) == [1] * 6


def test_torque_that_comes_back_moves_nothing(run, line, calibration):
    """An arm that was left sunk at 8 % of its torque is told to be where it is before it gets all of it."""

    async def check():
        async with await connect(line, calibration):
            pass
        under_torque(line, TORQUE_LIMIT=80, GOAL_POSITION=1500)
        move(line, [2000] * 6)
        line.requests.clear()
        async with await connect(line, calibration):
            assert held(line, Register.GOAL_POSITION) == [2000] * 5 + [1983]

    run(check())
    writes = [request[5] for request in line.requests if request[4] == Instruction.WRITE and request[2] == 1]
    assert writes == [Register.GOAL_POSITION.address, Register.TORQUE_LIMIT.address]


def test_memory_is_locked_when_a_write_gets_no_answer(run, line, calibration):
    """The lock is closed on every way out, and closed at the next start where somebody else left it open."""
    feed, address = line.bank.feed, Register.P_COEFFICIENT.address
    line.bank.feed = lambda data: b"" if data[4:6] == bytes((Instruction.WRITE, address)) else feed(data)
    with pytest.raises(BusTimeoutError, match="write of P_COEFFICIENT"):
        run(connect(line, calibration, 0.5))
    assert held(line, Register.LOCK) == [1] * 6
    line.bank.feed = feed
    line.bank.servos[4].put(Register.LOCK, 0)

    async def check():
        async with await connect(line, calibration):
            pass

    run(check())
    assert held(line, Register.LOCK) == [1] * 6


def test_motors_that_acknowledge_nothing_are_no_dead_ones(run, line, calibration):
    """Response_Status_Level 0 is mended before anything is written that wants an answer."""
    for servo in line.bank.servos[1:3]:
        servo.put(Register.RESPONSE_STATUS_LEVEL, 0)

    async def check():
        async with await connect(line, calibration):
            pass

    run(check())
    assert held(line, Register.RESPONSE_STATUS_LEVEL) == [1] * 6
    assert held(line, Register.LOCK) == [1] * 6


def test_a_reading_is_in_si_units(run, line, calibration):
    """Counts, signs and scales of all six motors arrive as radians, amperes, volts and degrees Celsius."""
    move(line, [2000, 2005, 2010, 2015, 2020, 2025])
    line.bank.servos[2].set_present(2010 + 500 - 50 - 500, -100, -0.5, -1.3, 41.0, 7.4)
    line.bank.servos[4].put(Register.STATUS, Fault.OVERLOAD)

    async def check():
        async with await connect_despite_fault(line, calibration) as arm:
            return await arm.read()

    reading = run(check())
    expected = calibration.radians([2000, 2005, 2010, 2015, 2020, 2025])
    assert reading.position == pytest.approx(expected)
    assert reading.velocity == pytest.approx([0, 0, -100 * 2 * np.pi / 4095, 0, 0, 0])
    assert reading.current == pytest.approx([0, 0, -1.3, 0, 0, 0])
    assert reading.load == pytest.approx([0, 0, -0.5, 0, 0, 0])
    assert reading.voltage == pytest.approx([12, 12, 7.4, 12, 12, 12])
    assert reading.temperature == pytest.approx([30, 30, 41, 30, 30, 30])
    assert reading.status.tolist() == [0, 0, 0, 0, Fault.OVERLOAD, 0]
    assert reading.monotonic_ns > 0


async def connect_despite_fault(line, calibration):
    """An arm whose motor went into overload after it was connected."""
    status = held(line, Register.STATUS)
    for servo in line.bank.servos:
        servo.put(Register.STATUS, 0)
    arm = await connect(line, calibration)
    for servo, value in zip(line.bank.servos, status, strict=True):
        servo.put(Register.STATUS, value)
    return arm


def test_goals_reach_the_servos_within_their_range(run, line, calibration):
    """A goal in radians becomes counts in one sync write, its speed with it; beyond the range it stops at its end."""
    goal = calibration.radians([1000, 1500, 2000, 2500, 3000, 2222])
    goal[0] = 9.0

    async def check():
        async with await connect(line, calibration) as arm:
            line.requests.clear()
            for servo in line.bank.servos:
                servo.put(Register.GOAL_TIME, 700)
                servo.put(Register.GOAL_VELOCITY, 40)
            await arm.write(goal, calibration.velocities([1000, -500, 0, 1e6, 3000, 2000]))
            await arm.read()
            assert calibration.counts(arm.told).tolist() == [3300, 1500, 2000, 2500, 3000, 2222]

    run(check())
    assert held(line, Register.GOAL_POSITION) == [3300, 1500, 2000, 2500, 3000, 2222]
    assert held(line, Register.GOAL_TIME) == [0] * 6
    assert held(line, Register.GOAL_VELOCITY) == [1000, 500, 1, 32767, 3000, 2000]  # 0 would be no limit
    assert sum(request.count(b"\xff\xff\xfe") for request in line.requests) == 2


def test_an_arm_is_left_without_a_speed(run, line, calibration):
    """What drives it next finds its servos as quick as they are; torque and goals stay."""

    async def check():
        async with await connect(line, calibration) as arm:
            await arm.enable_torque()
            await arm.write(arm.told, np.full(6, 0.5))
            goals = held(line, Register.GOAL_POSITION)
            await arm.leave()
            await arm.read()  # comes after it on the wire
            return goals

    goals = run(check())
    assert held(line, Register.GOAL_VELOCITY) == [0] * 6
    assert held(line, Register.GOAL_POSITION) == goals
    assert held(line, Register.TORQUE_ENABLE) == [1] * 6


@pytest.mark.parametrize("goal", [np.array([0, 0, np.nan, 0, 0, 0]), np.full(6, np.inf), np.zeros(5)])
def test_a_goal_that_is_no_pose_is_refused(run, line, calibration, goal):
    """Nothing is sent for a goal that is not finite or not of six joints."""

    async def check():
        async with await connect(line, calibration) as arm:
            line.requests.clear()
            with pytest.raises(GoalError, match="must be 6 finite angles"):
                await arm.write(goal, np.ones(6))

    run(check())
    assert line.requests == []


def test_torque_comes_on_without_a_jump(run, line, calibration):
    """Every servo's goal is its present position before its torque is on."""
    present = [1000, 1100, 1200, 1300, 1400, 1500]
    move(line, present)

    async def check():
        async with await connect(line, calibration) as arm:
            line.requests.clear()
            await arm.enable_torque()
            assert held(line, Register.GOAL_POSITION) == present
            assert held(line, Register.TORQUE_ENABLE) == [1] * 6
            await arm.disable_torque()
            assert held(line, Register.TORQUE_ENABLE) == [0] * 6

    run(check())
    writes = [(r[2], r[5]) for r in line.requests if r[4] == Instruction.WRITE]
    goal, torque = Register.GOAL_POSITION.address, Register.TORQUE_ENABLE.address
    assert writes[:12] == [(motor, address) for motor in IDS for address in (goal, torque)]


def test_missing_motors_are_named(run, line, calibration):
    """The error lists who is missing and who answered."""
    for index in (2, 5):
        line.bank.servos[index].put(Register.ID, 90 + index)
    with pytest.raises(MotorMissingError) as caught:
        run(connect(line, calibration, 0.5))
    assert str(caught.value) == (
        f"motors 3 (elbow_flex), 6 (gripper) did not answer on {line.path}. "
        "motors 1 (shoulder_pan), 2 (shoulder_lift), 4 (wrist_flex), 5 (wrist_roll) did. "
        "Motors are chained: check the cable before the first missing one."
    )


def test_a_dead_bus_asks_for_power(run, line, calibration):
    """When no motor answers, power and baud rate are the suspects."""
    for servo in line.bank.servos:
        servo.put(Register.ID, 90)
    with pytest.raises(MotorMissingError, match=r"No motor did: .* power .* 1000000 baud"):
        run(connect(line, calibration, 0.05))


CHECKED = [Register.MODEL, Register.MIN_POSITION_LIMIT, Register.P_COEFFICIENT, Register.PHASE]


@pytest.mark.parametrize("register", CHECKED, ids=lambda register: register.name)
def test_one_wrong_reply_refuses_and_writes_nothing(run, line, calibration, register):
    """A reply whose checksum fits and whose value is wrong is no other motor, calibration or setting."""
    feed, lied = line.bank.feed, []

    def lie(request):
        """The first answer about the register has one bit wrong."""
        reply = feed(request)
        asked = request[4] in {Instruction.READ, Instruction.SYNC_READ} and request[5] == register.address
        if asked and not lied:
            lied.append(request)
            end = reply[3] + 4
            wrong = encode(reply[2], reply[4], bytes((reply[5] ^ 0x10, *reply[6 : end - 1])))
            return wrong + reply[end:]
        return reply

    async def again():
        async with await connect(line, calibration):
            pass
        line.requests.clear()
        line.bank.feed = lie
        async with await connect(line, calibration):
            pass

    run(again())
    assert lied
    assert not any(request[4:6] == bytes((Instruction.WRITE, register.address)) for request in line.requests)


def test_another_model_is_refused(run, line, calibration):
    """A motor that is no STS3215 is named with its model."""
    line.bank.servos[3].put(Register.MODEL, 1284)
    with pytest.raises(WrongModelError, match=r"motor 4 \(wrist_flex\) .* model 1284, expected 777"):
        run(connect(line, calibration))


def test_a_servo_with_a_fault_is_refused(run, line, calibration):
    """An arm is not taken into service while a servo reports a fault."""
    line.bank.servos[0].put(Register.STATUS, Fault.TEMPERATURE)
    with pytest.raises(ServoFaultError, match=r"motor 1 \(shoulder_pan\) .* reports: temperature"):
        run(connect(line, calibration))


@pytest.mark.parametrize("torque", [0, 1])
def test_a_gripper_left_in_overload_is_taken_into_service(run, line, calibration, torque):
    """What another program squeezed is cleared at the start: the gripper holds on gently, or is limp if it was."""
    gripper = line.bank.servos[5]
    at = gripper.get(Register.PRESENT_POSITION)
    gripper.put(Register.STATUS, Fault.OVERLOAD)
    gripper.put(Register.GOAL_POSITION, at - 300)
    gripper.put(Register.TORQUE_ENABLE, torque)
    for register in (Register.MAX_TORQUE_LIMIT, Register.PROTECTION_CURRENT, Register.OVERLOAD_TORQUE):
        gripper.put(register, FOLLOWER.gripper[register])
    for register, value in FOLLOWER.every.items():
        gripper.put(register, value)

    async def check():
        async with await connect(line, calibration):
            pass

    run(check())
    assert gripper.get(Register.STATUS) == 0
    assert gripper.get(Register.TORQUE_ENABLE) == torque
    assert not torque or gripper.get(Register.GOAL_POSITION) == at - GRIP_LEAD


def test_regripping_clears_an_overload_where_the_jaw_is(run, line, calibration):
    """The goal is the measured opening before there is torque again; then it holds on gently, and the arm knows it."""

    async def check():
        async with await connect(line, calibration) as arm:
            await arm.enable_torque()
            gripper = line.bank.servos[5]
            gripper.put(Register.STATUS, Fault.OVERLOAD)
            gripper.put(Register.GOAL_POSITION, gripper.get(Register.PRESENT_POSITION) - 300)
            line.requests.clear()
            await arm.regrip()
            assert gripper.get(Register.STATUS) == 0
            goal = gripper.get(Register.GOAL_POSITION)
            assert goal == gripper.get(Register.PRESENT_POSITION) - GRIP_LEAD
            assert arm.told[5] == pytest.approx(calibration.radians([goal] * 6)[5])
            written = [r[5] for r in line.requests if r[4] == Instruction.WRITE]
            assert written == [
                register.address
                for register in (
                    Register.GOAL_POSITION,
                    Register.TORQUE_ENABLE,
                    Register.TORQUE_LIMIT,
                    Register.GOAL_POSITION,
                )
            ]

    run(check())


def test_another_arms_calibration_is_refused(run, line, calibration):
    """File and servos must agree; every difference is listed, nothing is written."""
    changed = {**calibration.motors, "elbow_flex": MotorCalibration(3, 0, 7, 720, 3300)}
    with pytest.raises(CalibrationMismatchError) as caught:
        run(connect(line, Calibration(changed, "arm.json")))
    assert "as arm.json says: elbow_flex homing_offset is -50, not 7; " in str(caught.value)
    assert "elbow_flex range_max is 3340, not 3300. " in str(caught.value)
    assert not any(request[4] == Instruction.WRITE for request in line.requests)


def test_swapped_ports_are_called_so(run, line, calibration, tmp_path):
    """Where the servos hold what another arm's file says, both are named, and nobody is told to calibrate."""
    follower, leader = (
        tmp_path / "robots/so100_follower/f.json",
        tmp_path / "teleoperators/so100_leader/l.json",
    )
    calibration.save(leader)
    Calibration({**calibration.motors, "elbow_flex": MotorCalibration(3, 0, 7, 720, 3300)}).save(follower)
    with pytest.raises(
        PortsSwappedError, match=rf"swapped: .* of {leader}, not of {follower}\. .*Do not calibrate"
    ):
        run(connect(line, Calibration.load(follower)))


def test_a_setting_that_is_not_kept_is_an_error(run, line, calibration):
    """A write that was acknowledged but had no effect is found by reading it back."""
    line.bank.servos[0]._writable = lambda register: register is not Register.P_COEFFICIENT
    message = r"motor 1 \(shoulder_pan\) on .* keeps P_COEFFICIENT at 32, 16 was written"
    with pytest.raises(SettingRefusedError, match=message):
        run(connect(line, calibration))


def test_a_failed_connection_frees_the_port(run, line, calibration):
    """After an error in connecting, the port can be opened again."""
    line.bank.servos[0].put(Register.STATUS, Fault.VOLTAGE)
    with pytest.raises(ServoFaultError):
        run(connect(line, calibration))
    line.bank.servos[0].put(Register.STATUS, 0)

    async def check():
        async with await connect(line, calibration) as arm:
            assert (await arm.read()).position.shape == (len(MOTORS),)

    run(check())


def test_an_arm_comes_back_after_its_port_vanished(run, line, calibration, tmp_path):
    """Replugged and browned out, the arm gets its start-up settings again."""
    name = tmp_path / "port"
    name.symlink_to(line.path)
    second = type(line)(line.bank)

    async def check():
        async with await Arm.connect(str(name), calibration, deadline_s=DEADLINE_S) as arm:
            line.unplug()
            with pytest.raises(BusLostError):
                await arm.read()
            for servo in line.bank.servos:
                servo.power_cycle()
            name.unlink()
            name.symlink_to(second.path)
            await arm.reconnect()
            assert held(second, Register.ACCELERATION) == [254] * 6
            await asyncio.wait_for(arm.read(), 10)

    try:
        run(check())
    finally:
        second.unplug()
