"""Bringing an arm back, at the level of one arm; whole jobs are in tests/faults/test_wires.py."""

import asyncio
import time

import numpy as np
import pytest
from armdesk import Desk

from hilrt.config import SimArm
from hilrt.control import lifeline
from hilrt.control.lifeline import Lifeline
from hilrt.devices.arm import Arm
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.errors import ArmLostError, CalibrationMismatchError, ServoFaultError
from hilrt.sim.servos import ServoBank

CALIBRATION = "configs/calibration/robots/so100_follower/sim.json"
WATCHDOG_S = 30


@pytest.fixture
def desk(tmp_path, request):
    """Six servos that move."""
    with Desk(tmp_path, request.config.rootpath / CALIBRATION) as desk:
        yield desk


def on(desk, check):
    """Run `check(line)` with an arm on the desk whose torque is on."""

    async def go():
        async with (
            asyncio.timeout(WATCHDOG_S),
            await Arm.connect(str(desk.port), desk.calibration) as arm,
        ):
            await arm.enable_torque()
            line = Lifeline(arm, "left arm")
            try:
                await check(line)
            finally:
                line.close()

    asyncio.run(go())


async def reading(line):
    """Tick until there is one."""
    while (found := await line.read()) is None:  # noqa: ASYNC110 - as the ticks of a loop do
        await asyncio.sleep(0.01)
    return found


def test_an_arm_that_is_there_is_read(desk):
    """Each read gives a reading, there is nothing to say, and the arm never returned."""

    async def check(line):
        for _ in range(3):
            assert await line.read(torque=True) is not None
        assert (line.text, line.take_return()) == ("", False)

    on(desk, check)


def test_a_lost_port_is_said_and_its_return_counted_once(desk):
    """While the adapter is away reads give nothing at once; after it is back there is one return."""

    async def check(line):
        await reading(line)
        desk.unplug()
        assert await line.read() is None
        assert "left arm away for 0 s, reconnecting: " in line.text
        desk.plug()
        assert await reading(line)
        assert [line.take_return(), line.take_return()] == [True, False]
        assert line.text == "left arm is back; the episode was cut"

    on(desk, check)


def test_an_arm_that_stays_away_ends_the_run(desk, monkeypatch):
    """When patience is at an end the error says what the last attempt found."""
    monkeypatch.setattr(lifeline, "AWAY_S", 0.1)
    monkeypatch.setattr(lifeline, "RETRY_S", 0.05)

    async def check(line):
        desk.unplug()
        with pytest.raises(
            ArmLostError, match=r"left arm has been away for 0 s\. The last attempt.*no serial port"
        ):
            await reading(line)

    on(desk, check)


@pytest.mark.parametrize("switches", [False, True], ids=["stays limp", "armed by the next goal"])
def test_a_motor_that_was_without_power_is_found(tmp_path, request, switches):
    """It answers as ever, in some servos under torque again; asked for more it is armed where it is, as set up."""
    path = request.config.rootpath / CALIBRATION
    nature = SimArm(goal_switches_torque_on=switches)
    servos = ServoBank.calibrated(Calibration.load(path), nature).servos
    with Desk(tmp_path, path, servos) as desk:
        find_one_without_power(desk, switches)


def find_one_without_power(desk, switches):
    async def check(line):
        await reading(line)
        desk.brown_out(2, sag=100)
        await line._arm.write(np.zeros(6), np.ones(6))
        await line._arm.read()
        assert desk.held(Register.TORQUE_ENABLE)[1] == switches
        assert await line.read() is not None
        assert await line.read(torque=True) is None
        assert "motor 2 (shoulder_lift)" in line.text
        await reading(line)
        assert line.take_return()

    on(desk, check)
    assert desk.held(Register.TORQUE_ENABLE) == [1] * 6
    assert desk.held(Register.ACCELERATION) == [254] * 6


@pytest.mark.parametrize(
    ("register", "value", "error"),
    [
        (Register.HOMING_OFFSET, 77, CalibrationMismatchError),
        (Register.STATUS, Fault.OVERLOAD, ServoFaultError),
    ],
)
def test_what_no_waiting_cures_ends_the_run_at_once(desk, register, value, error):
    """Another arm on the port, or a motor in overload, is not tried again."""

    async def check(line):
        desk.unplug()
        await line.read()
        for servo in desk.servos:
            servo.put(register, value)
        desk.plug()
        began = time.monotonic()
        with pytest.raises(error):
            await reading(line)
        assert time.monotonic() - began < lifeline.AWAY_S

    on(desk, check)
