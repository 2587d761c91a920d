"""Before an arm moves again after a crash."""

import asyncio
import uuid

import pytest

from hilrt.control import pause
from hilrt.devices.keyboard import decode_keys, press
from hilrt.run.job import Pause
from hilrt.shm.status import Status

WATCHDOG_S = 30
FOR_EVER = Pause(limp=True, asks=True, seconds=None)


@pytest.fixture
def status():
    """A run's status block."""
    block = Status.create(f"pause-{uuid.uuid4().hex[:8]}")
    yield block
    block.unlink()
    block.close()


def waiting(how, status, meanwhile=(), stop_wanted=lambda: False):
    """Wait; do things one after the other as soon as the screen says so; what it said."""

    async def go():
        async with asyncio.timeout(WATCHDOG_S):
            task = asyncio.create_task(pause.wait(how, status, stop_wanted))
            said = []
            for act in meanwhile:
                while not status.control.message:  # noqa: ASYNC110 - as the screen does
                    await asyncio.sleep(0)
                said.append(status.control.message)
                assert not task.done()
                act()
            await task
            return said

    return asyncio.run(go())


def test_an_arm_that_was_let_go_waits_for_enter(status):
    """No time ends it, nor another key, nor an Enter of before; the screen says what comes."""
    (enter,) = decode_keys(b"\r")
    press(status.supervisor, enter)
    acts = [lambda: press(status.supervisor, *decode_keys(b"s")), lambda: press(status.supervisor, enter)]
    first, _ = waiting(FOR_EVER, status, acts)
    assert first == "the arm was let go; it comes back under torque, to its start pose, at Enter; q stops"
    assert status.control.message == ""


def test_a_stop_ends_it(status):
    """Whoever wants an end need not let the arm move first."""
    stops = []
    waiting(FOR_EVER, status, [lambda: stops.append(1)], lambda: bool(stops))


@pytest.mark.parametrize(
    ("asks", "text"),
    [
        (True, "the arm holds; it goes on, to its start pose, at Enter or in 1 s; q stops"),
        (False, "the arm holds; it goes on, to its start pose, in 1 s; q stops"),
    ],
)
def test_an_arm_that_holds_goes_on_by_itself(status, asks, text):
    """After the configured time, with nobody at a terminal too."""
    how = Pause(limp=False, asks=asks, seconds=0.2)
    assert waiting(how, status, [lambda: None]) == [text]
