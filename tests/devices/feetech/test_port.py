"""Serial ports whose adapter or driver misbehaves: in the library that opens them, for the kernel cannot be faked."""

import asyncio
import fcntl
import termios
import threading

import pytest
import serial

from hilrt.devices.feetech import port as module
from hilrt.devices.feetech.bus import Bus
from hilrt.devices.feetech.port import latency_timer, open_port
from hilrt.devices.feetech.registers import Register
from hilrt.errors import PortHungError, PortUnusableError

ASYNC_LOW_LATENCY = 1 << 13
"""Of the flags in Linux's serial_struct."""


class Driver:
    """Calls of the serial library that stay in the kernel until they are let go."""

    def __init__(self, monkeypatch):
        self._patch, self.go = monkeypatch.setattr, threading.Event()

    def hangs(self, method):
        """From here on this one does, on whatever port."""
        real = getattr(serial.Serial, method)

        def stuck(*args, **kwargs):
            self.go.wait()
            return real(*args, **kwargs)

        self._patch(serial.Serial, method, stuck)


@pytest.fixture
def driver(monkeypatch):
    """A driver that does not hang yet; short patience."""
    monkeypatch.setattr(module, "OPEN_S", 0.05)
    monkeypatch.setattr(module, "CLOSE_S", 0.05)
    made = Driver(monkeypatch)
    yield made
    made.go.set()


async def opened(path):
    """The bus on a port that its last owner lets go of sooner or later."""
    while True:
        try:
            return await Bus.open(path, deadline_s=20.0)
        except module.PortBusyError:
            await asyncio.sleep(0.001)


def test_a_port_that_hangs_as_it_is_opened(run, line, driver):
    """The loop goes on, there is an error, and what opens in the end is closed again."""
    driver.hangs("open")

    async def check():
        opening = asyncio.create_task(open_port(line.path, 1_000_000))
        for _ in range(10):
            await asyncio.sleep(0.001)
        assert not opening.done()
        with pytest.raises(PortHungError, match=r"hangs: .* Unplug the adapter"):
            await opening
        driver.go.set()
        async with await opened(line.path) as bus:
            assert await bus.read(1, Register.ID) == 1

    run(check())


def test_opening_can_be_cancelled(run, line, driver):
    """What opens afterwards is closed again."""
    driver.hangs("open")

    async def check():
        opening = asyncio.create_task(open_port(line.path, 1_000_000))
        await asyncio.sleep(0.001)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        driver.go.set()
        await (await opened(line.path)).close()

    run(check())


def test_a_port_that_hangs_as_it_is_closed(run, line, driver):
    """Nobody waits for it, and while it hangs it is not said to be in use by another program."""
    driver.hangs("flush")

    async def check():
        bus = await Bus.open(line.path, deadline_s=20.0)
        await bus.close()
        with pytest.raises(PortHungError):
            await bus.reopen()
        driver.go.set()
        while bus._closing and not bus._closing.done():  # noqa: ASYNC110 - a thread does it
            await asyncio.sleep(0.001)
        await bus.reopen()
        assert await bus.read(1, Register.ID) == 1
        await bus.close()

    run(check())


def test_what_is_no_oserror_is_an_error_of_ours(run, line, monkeypatch):
    """A device that vanishes while it is set up raises termios.error, which is none."""

    def gone(*_):
        raise termios.error(5, "Input/output error")

    monkeypatch.setattr(termios, "tcsetattr", gone)

    async def check():
        with pytest.raises(PortUnusableError, match="Input/output error"):
            await open_port(line.path, 1_000_000)

    run(check())


def test_a_pseudo_terminal_has_no_low_latency_mode(run, line):
    """A driver without one is used as it is."""

    async def check():
        async with await Bus.open(line.path) as bus:
            assert not bus.low_latency

    run(check())


def test_low_latency_is_asked_for_where_a_driver_has_it(run, line, monkeypatch):
    """Of a serial line's flags ASYNC_LOW_LATENCY is set, and no other is changed."""
    others, ioctl, asked = 0x10000, fcntl.ioctl, []

    def has_it(fd, request, argument=0, *rest):
        if request == termios.TIOCGSERIAL:
            argument[4] = others
        elif request == termios.TIOCSSERIAL:
            asked.append(argument[4])
        else:
            return ioctl(fd, request, argument, *rest)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", has_it)

    async def check():
        async with await Bus.open(line.path) as bus:
            assert bus.low_latency

    run(check())
    assert asked == [others | ASYNC_LOW_LATENCY]


def test_a_latency_timer_is_found_behind_a_stable_name(tmp_path):
    """Its value and where it is set; adapters without have none."""
    (tmp_path / "ttyUSB0").mkdir()
    (tmp_path / "ttyUSB0" / "latency_timer").write_text("16\n")
    (tmp_path / "by-id").symlink_to("/dev/ttyUSB0")
    found = latency_timer(str(tmp_path / "by-id"), tmp_path)
    assert found == (tmp_path / "ttyUSB0" / "latency_timer", 16)
    assert latency_timer("/dev/ttyACM0", tmp_path) is None
