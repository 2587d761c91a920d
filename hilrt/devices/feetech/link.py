"""A serial port in the event loop: sends a request, collects the replies that belong to it."""

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Self

import serial
import serial_asyncio
from msgspec import Struct

from hilrt.devices.feetech.packets import Packet, Parser
from hilrt.errors import BusLostError, PortBusyError, PortNotFoundError, PortUnusableError


class Counters(Struct):
    """What went wrong on a line, counted over all its openings."""

    stale_bytes: int = 0
    unexpected: int = 0


class Link(asyncio.Protocol):
    """One open port. It knows packets and waiting; retries, locking and registers are the bus's."""

    def __init__(self, port: str, parser: Parser, counters: Counters) -> None:
        self.port = port
        self.replies: dict[int, Packet] = {}
        self._parser = parser
        self._counters = counters
        self._closed = asyncio.Event()
        self._missing: set[int] = set()
        self._last: int | None = None
        self._size = 0
        self._lost = ""
        self._until = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle
        self._transport: asyncio.Transport

    @classmethod
    async def open(cls, port: str, baudrate: int, parser: Parser, counters: Counters) -> Self:
        """Open the port for this program alone.

        Raises:
            PortNotFoundError, PortBusyError, PortUnusableError.
        """
        loop = asyncio.get_running_loop()
        link = cls(port, parser, counters)
        try:
            # The lock is flock's, which goes when its holder is killed; on a pseudo-terminal
            # TIOCEXCL would stay.
            link._transport, _ = await serial_asyncio.create_serial_connection(
                loop, lambda: link, port, baudrate=baudrate, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise _open_error(port, error) from error
        return link

    def send(self, data: bytes, expect: Sequence[int] = (), size: int = 0) -> None:
        """Put a request on the wire now; from here on, replies of `size` parameters by `expect`, in this order, count.

        Raises:
            BusLostError: the port is gone or takes no data.
        """
        self._check()
        self._purge()
        self._missing, self._last = set(expect), expect[-1] if expect else None
        self._size = self._parser.max_params = size
        # Straight to the kernel: the transport's own write waits for the next pass of the loop, and
        # whatever runs before that pass would delay the command.
        try:
            written = os.write(self._transport.get_extra_info("serial").fileno(), data)
        except OSError as error:
            self._lose(str(error))
        else:
            if written < len(data):
                self._lose("the adapter takes no more data")
        self._check()

    async def wait(self, until: float) -> None:
        """Return when no more replies will come, or at `until` [s, time.monotonic].

        Raises:
            BusLostError: the port vanished meanwhile.
        """
        if self._missing and not self._lost:
            loop = asyncio.get_running_loop()
            self._until = until
            self._waiter = loop.create_future()
            self._timer = loop.call_later(until - monotonic(), self._expire, loop)
            try:
                await self._waiter
            finally:
                self._timer.cancel()
                self._waiter = None
        self._check()

    def forget(self) -> dict[int, Packet]:
        """End a transaction: its replies; what still comes is stale."""
        replies, self.replies, self._missing = self.replies, {}, set()
        self._parser.reset()
        return replies

    async def close(self) -> None:
        """Close the port once what was sent has left."""
        self._lost = self._lost or "it was closed"
        self._transport.close()
        await self._closed.wait()

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Sort in what came."""
        if not self._missing:
            self._counters.stale_bytes += len(data)
            return
        for packet in self._parser.feed(data):
            if packet.id in self._missing and len(packet.params) == self._size:
                self._missing.discard(packet.id)
                self.replies[packet.id] = packet
            else:
                self._counters.unexpected += 1
        if self._last not in self._missing:  # they answer in turn: what is missing before the last is lost
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._lost = self._lost or (str(exc) if exc else "it was closed")
        self._wake()
        self._closed.set()

    # parts

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        left = self._until - monotonic()
        if left > 0.0:  # uvloop's timers are whole milliseconds and up to 1.2 ms early
            self._timer = loop.call_later(max(left, 1e-3), self._expire, loop)
            return
        # A loop that was held up sees its timer before its input: the answer may have been here in time.
        if pending := self._pending():
            self.data_received(pending)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _purge(self) -> None:
        """Throw away input the loop has not seen yet: it answers an older question."""
        self._counters.stale_bytes += len(self._pending())
        self._check()
        self._parser.reset()

    def _pending(self) -> bytes:
        """Input the loop has not seen yet."""
        port = self._transport.get_extra_info("serial")
        try:
            return bytes(port.read(4096)) if port.in_waiting else b""
        except (OSError, serial.SerialException) as error:
            self._lose(str(error))
            return b""

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        if not self._transport.is_closing():
            self._transport.abort()

    def _check(self) -> None:
        if self._lost:
            raise BusLostError(self.port, self._lost)


def _open_error(port: str, error: OSError | ValueError) -> Exception:
    number = getattr(error, "errno", None)
    if number in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
        return PortNotFoundError(port, _ports())
    if number in {errno.EAGAIN, errno.EBUSY}:
        return PortBusyError(port)
    return PortUnusableError(port, str(error), denied=number == errno.EACCES)


def _ports() -> list[str]:
    """Serial adapters that are plugged in, by their stable names where they have one."""
    by_id = sorted(str(path) for path in Path("/dev/serial/by-id").glob("*"))
    return by_id or sorted(str(p) for kind in ("ttyACM*", "ttyUSB*") for p in Path("/dev").glob(kind))
