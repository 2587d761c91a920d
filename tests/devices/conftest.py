"""An arm's servos behind a real pseudo-terminal, and both kinds of event loop to talk to them."""

import asyncio

import pytest
import uvloop
from servoline import Line

from hilrt.config import MOTORS
from hilrt.devices.calibration import Calibration, MotorCalibration
from hilrt.sim.servos import ServoBank

WATCHDOG_S = 30


@pytest.fixture
def calibration():
    """A calibration whose six motors all differ."""
    return Calibration(
        {
            name: MotorCalibration(i + 1, 0, 100 * i - 250, 700 + 10 * i, 3300 + 20 * i)
            for i, name in enumerate(MOTORS)
        }
    )


@pytest.fixture
def line(calibration):
    """Six calibrated servos on a pseudo-terminal."""
    served = Line(ServoBank.calibrated(calibration))
    yield served
    served.unplug()


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Runs a coroutine on a loop of each kind, under a watchdog."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else None

    async def guarded(coroutine):
        async with asyncio.timeout(WATCHDOG_S):
            return await coroutine

    def go(coroutine):
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(guarded(coroutine))

    return go
