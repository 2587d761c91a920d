"""A serial port's opening and closing, which a hung adapter holds up for seconds: both in threads, under deadlines.

The only place that meets what the serial library raises: it becomes one of our own errors here.
"""

import asyncio
import errno
import os
import termios
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TypeVar

import serial

from hilrt.errors import PortBusyError, PortHungError, PortNotFoundError, PortUnusableError

OPEN_S = 2.0
"""A port that takes longer to open is hung; an ordinary one takes a few milliseconds."""
CLOSE_S = 0.5
"""How long what was sent may take to leave."""
SERIAL_ERRORS = (OSError, ValueError, termios.error)  # the last is no OSError
T = TypeVar("T")


class Port:
    """One open serial device, ours alone.

    Attributes:
        fd: its descriptor, which does not block.
        low_latency: whether its driver has a mode in which replies are passed on at once; it is on then.
    """

    def __init__(self, path: str, baudrate: int) -> None:
        """May block; see `open_port`."""
        # The lock is flock's, which goes when its holder is killed; on a pseudo-terminal TIOCEXCL would stay.
        # The inter-byte timeout makes a read of nothing an error that is not mistaken for a hang-up.
        self._serial = serial.Serial(path, baudrate, timeout=0, inter_byte_timeout=0, exclusive=True)
        self.fd: int = self._serial.fileno()
        self.low_latency = False
        with suppress(*SERIAL_ERRORS):
            self._serial.set_low_latency_mode(True)
            self.low_latency = True

    async def close(self) -> Future[None] | None:
        """Close it once what was sent has left; what still goes on if it hangs."""
        work = _in_thread(self._drain_and_close, lambda _: None)
        await asyncio.wait([_awaitable(work)], timeout=CLOSE_S)
        return None if work.done() else work

    def _drain_and_close(self) -> None:
        with suppress(*SERIAL_ERRORS):  # it vanished
            self._serial.flush()
        self._discard()

    def _discard(self) -> None:
        with suppress(*SERIAL_ERRORS):
            self._serial.close()


async def open_port(path: str, baudrate: int) -> Port:
    """Open a serial device.

    Raises:
        PortNotFoundError, PortBusyError, PortUnusableError, PortHungError.
    """
    work = _in_thread(lambda: Port(path, baudrate), Port._discard)  # noqa: SLF001 - nobody else may
    try:
        await asyncio.wait([_awaitable(work)], timeout=OPEN_S)
    except asyncio.CancelledError:
        if not work.cancel():
            with suppress(*SERIAL_ERRORS):
                work.result()._discard()  # noqa: SLF001
        raise
    if work.cancel():
        raise PortHungError(path)
    try:
        return work.result()
    except SERIAL_ERRORS as error:
        raise _open_error(path, error) from error


def ports(dev: Path = Path("/dev")) -> list[str]:
    """Serial adapters that are plugged in: stable names first, then those that have none."""
    stable = sorted((dev / "serial" / "by-id").glob("*"))
    named = {path.resolve() for path in stable}
    plain = sorted(path for kind in ("ttyACM*", "ttyUSB*") for path in dev.glob(kind))
    return [str(path) for path in stable] + [str(p) for p in plain if p.resolve() not in named]


def latency_timer(path: str, drivers: Path = Path("/sys/bus/usb-serial/devices")) -> tuple[Path, int] | None:
    """Where an FTDI chip's latency timer is set, and what it is [ms]; None where the adapter has none."""
    setting = drivers / Path(path).resolve().name / "latency_timer"
    with suppress(OSError, ValueError):
        return setting, int(setting.read_text("ascii"))
    return None


def _in_thread(work: Callable[[], T], undo: Callable[[T], object]) -> Future[T]:
    """Do what may hang in the kernel; `undo` it when it comes after the future was cancelled.

    A thread of the loop's own pool would keep the program from ending.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            result = work()
        except SERIAL_ERRORS as error:
            with suppress(InvalidStateError):
                done.set_exception(error)
            return
        try:
            done.set_result(result)
        except InvalidStateError:
            undo(result)

    Thread(target=run, daemon=True).start()
    return done


def _awaitable(work: Future[T]) -> asyncio.Future[T]:
    waited = asyncio.wrap_future(work)
    waited.add_done_callback(lambda done: done.cancelled() or done.exception())  # it is taken from `work`
    return waited


def _open_error(path: str, error: Exception) -> Exception:
    number = error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None)
    if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return PortNotFoundError(path, ports())
    if number in {errno.EAGAIN, errno.EBUSY}:
        return PortBusyError(path)
    return PortUnusableError(
        path, os.strerror(number) if number else str(error), denied=number == errno.EACCES
    )
