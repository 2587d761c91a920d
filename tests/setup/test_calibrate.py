import asyncio
import json
import re

import pytest
from desk import Operator, place, play, six, sweep

from hilrt.config import MOTORS
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Register
from hilrt.devices.zerofile import ZeroOffsets
from hilrt.errors import (
    BusTimeoutError,
    CalibrationFileError,
    CalibrationMismatchError,
    MotorMissingError,
    PortsSwappedError,
    SweepError,
    WrongModelError,
)
from hilrt.setup.calibrate import calibrate, check_calibration
from hilrt.setup.place import Place

MIDDLES = (3476, 1100, 4095, 15, 2048, 2900)
ENDS = {
    "shoulder_pan": (-1300, 1200),
    "shoulder_lift": (-1150, 1190),
    "elbow_flex": (-1100, 1110),
    "wrist_flex": (-1160, 1160),
    "gripper": (-700, 800),
}
REGISTERS = (Register.HOMING_OFFSET, Register.MIN_POSITION_LIMIT, Register.MAX_POSITION_LIMIT)


class Work:
    """An arm on the desk, and an operator who calibrates it as she should unless told otherwise."""

    def __init__(self, desk, where, middles=MIDDLES, ends=ENDS):
        self.desk, self.where = desk, where
        self.servos = six(middles)
        for servo in self.servos:
            servo.put(Register.TORQUE_ENABLE, 1)
        desk.connect(*self.servos)
        self.moves = sweep(self.servos, middles, ends)
        self.closed = lambda: place(self.servos[5], middles[5] + ends["gripper"][0])
        self.operator = Operator(["", "", self.closed], [self.moves])

    def memory(self):
        return [[servo.get(register) for register in REGISTERS] for servo in self.servos]

    def calibrate(self):
        return play(calibrate(self.operator, self.where))


@pytest.fixture
def work(desk, where):
    """Six motors with ids, never calibrated, torque on."""
    return Work(desk, where)


def test_a_sweep_calibrates_motors_and_file(work):
    """File and motors hold what the operator's hand did, and the arm connects with it."""
    written = work.calibrate()
    entries = json.loads(work.where.calibration_path.read_text())
    assert list(entries) == list(MOTORS)
    pan = {"id": 1, "drive_mode": 0, "homing_offset": 1429, "range_min": 747, "range_max": 3247}
    assert entries["shoulder_pan"] == pan
    assert entries["wrist_flex"]["homing_offset"] == 15 - 2047
    assert [entries["wrist_roll"][key] for key in ("homing_offset", "range_min", "range_max")] == [1, 0, 4095]
    assert work.memory() == [[e.homing_offset, e.range_min, e.range_max] for e in written.motors.values()]
    assert [servo.get(Register.LOCK) for servo in work.servos] == [1] * 6
    assert [servo.torque_enabled for servo in work.servos] == [False] * 6

    async def connect():
        async with await Arm.connect(work.where.port, Calibration.load(work.where.calibration_path)) as arm:
            return (await arm.read()).position

    assert play(connect())[5] == pytest.approx(-0.174533)  # the gripper is closed


def test_the_table_follows_the_hand(work):
    """Minimum, position and maximum of each swept joint, across the encoder's end too."""
    work.calibrate()
    first, last = work.operator.seen[0], work.operator.seen[-1]
    assert [row[0] for row in last.rows] == [name for name in MOTORS if name != "wrist_roll"]
    assert first.rows[2] == ("elbow_flex", "2047", "2047", "2047", "0", "")
    assert last.rows[2] == ("elbow_flex", "947", "2047", "3157", "194", "ok")


def test_an_offset_that_does_not_fit_moves_the_zero_by_one_count(work):
    """At raw 4095 the offset would be 2048; with 2047 the range still is where the hand has been."""
    elbow = work.calibrate().motors["elbow_flex"]
    assert (elbow.homing_offset, elbow.range_min, elbow.range_max) == (2047, 948, 3158)
    place(work.servos[2], 4095 - 1100)
    assert work.servos[2].get(Register.PRESENT_POSITION) == elbow.range_min


def test_a_range_across_the_encoders_end_is_recentred(desk, where):
    """A middle pose far from the middle gives a whole range nevertheless, and is mentioned."""
    work = Work(desk, where, ends={**ENDS, "shoulder_lift": (-100, 2300)})
    lift = work.calibrate().motors["shoulder_lift"]
    assert (lift.range_min, lift.range_max) == (847, 3247)
    for raw, shown in ((1100 - 100, 847), (1100 + 2300, 3247)):
        place(work.servos[1], raw)
        assert work.servos[1].get(Register.PRESENT_POSITION) == shown
    assert any(text.startswith("shoulder_lift was not near its middle") for text in work.operator.said)


def test_more_than_a_turn_is_an_error(desk, where):
    """A joint with stops that turns on and on says nothing; nothing is written."""
    work = Work(desk, where, ends={**ENDS, "wrist_flex": (-2100, 2100)})
    with pytest.raises(SweepError, match="wrist_flex moved by 4200 counts, more than one turn"):
        work.calibrate()
    assert work.memory() == [[0, 0, 4095]] * 6
    assert not work.where.calibration_path.exists()


def test_zero_offsets_of_the_calibration_before_are_put_aside(work):
    """They would shift what they were not found for; the operator is told to find new ones."""
    path = work.where.calibration_path
    Calibration.nominal().save(path)
    offsets = ZeroOffsets(
        calibration=Calibration.nominal().digest,
        zero_offsets_deg={"elbow_flex": 5.0},
        rms_mm=1.0,
        found="2026-03-01",
    )
    offsets.save(path)
    assert Calibration.load(path).zeros.any()
    work.operator.answers.insert(0, "anew")
    work.calibrate()
    assert not Calibration.load(path).zeros.any()
    assert work.operator.said[-1].endswith("Find new ones: hilrt calibrate --touch CONFIG")
    assert path.with_name("follower.zeros.json.bak").exists()


def test_an_unmoved_joint_is_asked_for_again(desk, where):
    """The sweep goes on until each joint has been from end to end; what was seen counts."""
    work = Work(desk, where, ends={name: ends for name, ends in ENDS.items() if name != "elbow_flex"})
    later = sweep(work.servos, MIDDLES, {"elbow_flex": ENDS["elbow_flex"]})
    work.operator.works.append(later)
    assert work.calibrate().motors["elbow_flex"].range_max == 3158
    assert "Not moved from end to end yet: elbow_flex." in work.operator.said


def test_a_gripper_mounted_the_other_way_is_seen(work):
    """It is closed at its high end: drive_mode 1, and the arm reads it as closed there."""
    work.operator.answers[2:] = [
        lambda: place(work.servos[5], 2900),
        lambda: place(work.servos[5], 2900 + 800),
    ]
    written = work.calibrate()
    assert written.motors["gripper"].drive_mode == 1
    high = written.motors["gripper"].range_max
    assert written.radians([2047] * 5 + [high])[5] == pytest.approx(-0.174533)
    assert "The gripper is in the middle of the range it was moved through." in work.operator.said


def test_calibrating_alike_writes_nothing(work):
    """EEPROM wears: a second calibration with the same outcome does not touch it."""
    work.calibrate()
    again = Work(work.desk, work.where)
    for servo, old in zip(again.servos, work.servos, strict=True):
        for register in REGISTERS:
            servo.put(register, old.get(register))
        place(servo, servo.raw_position)
    work.desk.bank.writes.clear()
    again.calibrate()
    assert work.desk.eeprom_writes() == []
    assert not work.where.calibration_path.with_name("follower.json.bak").exists()


def test_the_old_file_is_kept(work):
    """Calibrating anew leaves the file that was there as .bak."""
    work.where.calibration_path.parent.mkdir(parents=True)
    Calibration.nominal().save(work.where.calibration_path)
    work.calibrate()
    backup = work.where.calibration_path.with_name("follower.json.bak")
    assert Calibration.load(backup).motors == Calibration.nominal().motors


@pytest.mark.parametrize("at", range(4))
def test_ctrl_c_while_asking_changes_nothing(work, at):
    """Stopped at any question or in the sweep, motors and file are as they were."""
    before = work.memory()

    def stop():
        raise asyncio.CancelledError

    if at == 3:
        work.operator.works[0].insert(20, stop)
    else:
        work.operator.answers[at] = stop
    with pytest.raises(asyncio.CancelledError):
        work.calibrate()
    assert work.memory() == before
    assert not work.where.calibration_path.exists()


@pytest.mark.parametrize("after", [1, 4, 9, 14])
def test_ctrl_c_while_writing_takes_effect_afterwards(work, after):
    """Cancelled between any two writes, motors and file end up the same."""

    async def interrupted():
        task = asyncio.ensure_future(calibrate(work.operator, work.where))
        loop = asyncio.get_running_loop()
        work.desk.when_written(after, lambda: loop.call_soon_threadsafe(task.cancel))
        await task

    with pytest.raises(asyncio.CancelledError):
        play(interrupted())
    entries = Calibration.load(work.where.calibration_path).motors.values()
    assert work.memory() == [[e.homing_offset, e.range_min, e.range_max] for e in entries]
    assert [servo.get(Register.LOCK) for servo in work.servos] == [1] * 6


def test_a_motor_lost_while_writing_restores_the_others(work):
    """The error says who; motors that answer hold what they held, and there is no file."""
    before = work.memory()

    class Loose(list):
        def append(self, write):
            super().append(write)
            if write == (4, Register.HOMING_OFFSET.address):
                work.desk.connect(*work.servos[:3], *work.servos[4:])

    work.desk.bank.writes = Loose()
    with pytest.raises(BusTimeoutError, match="wrist_flex"):
        work.calibrate()
    assert [m for i, m in enumerate(work.memory()) if i != 3] == [m for i, m in enumerate(before) if i != 3]
    assert not work.where.calibration_path.exists()


def test_a_file_that_cannot_be_saved_restores_the_motors(work):
    """File and motors never disagree because of a full or foreign disk."""
    before = work.memory()
    work.where.calibration_path.parent.parent.mkdir(parents=True)
    work.where.calibration_path.parent.write_text("in the way")
    with pytest.raises(CalibrationFileError, match="cannot be written"):
        work.calibrate()
    assert work.memory() == before


def test_a_users_own_file_can_be_written_to_the_motors(work):
    """Where the motors hold something else, the file may win: only what differs is written."""
    work.calibrate()
    work.servos[1].put(Register.HOMING_OFFSET, 17)
    work.desk.bank.writes.clear()
    operator = Operator(["write", ""])
    play(calibrate(operator, work.where))
    assert work.desk.eeprom_writes() == [(2, Register.HOMING_OFFSET.address)]
    play(check_calibration(operator.say, work.where))
    assert operator.said[-1] == f"The motors hold what {work.where.calibration_path} says."


def test_another_arm_that_is_known_is_not_calibrated_unless_told(work):
    """Motors that hold another arm's calibration are most likely at the wrong port: nothing is written."""
    work.calibrate()
    other = Place(work.where.port, work.where.calibration_path.with_name("other.json"))
    work.desk.bank.writes.clear()
    operator = Operator(["stop"])
    with pytest.raises(PortsSwappedError, match=r"follower\.json, not of .*other\.json"):
        play(calibrate(operator, other))
    assert "most likely the ports are swapped" in operator.asked[0]
    assert work.desk.bank.writes == []
    work.moves = sweep(work.servos, MIDDLES, ENDS)
    told = Operator(["calibrate", "", "", work.closed], [work.moves])
    play(calibrate(told, other))
    assert other.calibration_path.is_file()


def test_check_compares_and_writes_nothing(work):
    """It names what differs, and writes neither torque nor EEPROM."""
    with pytest.raises(CalibrationFileError, match="there is no such file"):
        play(check_calibration(work.operator.say, work.where))
    work.calibrate()
    work.servos[5].put(Register.MAX_POSITION_LIMIT, 3000)
    work.desk.bank.writes.clear()
    with pytest.raises(CalibrationMismatchError, match=re.escape("gripper range_max is 3000, not 2847")):
        play(check_calibration(work.operator.say, work.where))
    assert work.desk.bank.writes == []


def test_all_motors_must_be_there(work):
    """A missing one, or one of another model, ends it before anything is asked."""
    work.servos[3].put(Register.MODEL, 1284)
    with pytest.raises(WrongModelError, match="wrist_flex"):
        work.calibrate()
    work.desk.connect(*work.servos[:5])
    with pytest.raises(MotorMissingError, match="gripper"):
        work.calibrate()
    assert work.operator.asked == []
