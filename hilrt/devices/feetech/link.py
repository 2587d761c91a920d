"""A serial port in the event loop: sends a request, collects the replies that belong to it."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import Future
from time import monotonic
from typing import Self

from msgspec import Struct

from hilrt.devices.feetech.packets import Packet, Parser
from hilrt.devices.feetech.port import Port, open_port
from hilrt.errors import BusLostError


class Counters(Struct):
    """What went wrong on a line, counted over all its openings."""

    stale_bytes: int = 0
    unexpected: int = 0


class Link:
    """One open port, in the running event loop. It knows packets and waiting; retries and registers are the bus's."""

    def __init__(self, path: str, port: Port, parser: Parser, counters: Counters) -> None:
        self.path, self.low_latency = path, port.low_latency
        self.replies: dict[int, Packet] = {}
        self._port, self._fd = port, port.fd
        self._parser = parser
        self._counters = counters
        self._missing: set[int] = set()
        self._asked: Sequence[int] = ()
        self._size = 0
        self._lost, self._closed = "", False
        self._until = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._readable)

    @classmethod
    async def open(cls, path: str, baudrate: int, parser: Parser, counters: Counters) -> Self:
        """Open a port for this program alone.

        Raises:
            PortNotFoundError, PortBusyError, PortUnusableError, PortHungError.
        """
        return cls(path, await open_port(path, baudrate), parser, counters)

    def send(self, data: bytes, expect: Sequence[int] = (), size: int = 0) -> None:
        """Put a request on the wire now; from here on, replies of `size` parameters by `expect`, in this order, count.

        Until `forget`, each request asks the same, so what comes late is an answer too.

        Raises:
            BusLostError: the port is gone or takes no data.
        """
        self._check()
        if expect:
            self._readable()  # what the loop has not seen yet: an answer to the same question, or to an older one
            self._check()
        self._asked, self._missing = expect, set(expect) - self.replies.keys()
        self._size = self._parser.max_params = size
        self._parser.in_turn |= len(expect) > 1
        self._parser.own.append(data)
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            self._lose(str(error))
        else:
            if written < len(data):
                self._lose("the adapter takes no more data")
        self._check()

    async def wait(self, until: float) -> list[int]:
        """Who has not answered when no more replies will come, or at `until` [s, time.monotonic].

        Raises:
            BusLostError: the port vanished meanwhile.
        """
        if self._missing and not self._lost:
            self._until = until
            self._waiter = self._loop.create_future()
            self._timer = self._loop.call_later(until - monotonic(), self._expire)
            try:
                await self._waiter
            finally:
                self._timer.cancel()
                self._waiter = None
        self._check()
        return [motor for motor in self._asked if motor in self._missing] if self._missing else []

    def forget(self) -> dict[int, Packet]:
        """End a transaction: its replies; what still comes is stale."""
        replies, self.replies, self._missing = self.replies, {}, set()
        self._parser.reset()
        self._parser.in_turn = False
        self._parser.own.clear()
        return replies

    async def close(self) -> Future[None] | None:
        """Close the port once what was sent has left; what still goes on if it hangs. Idempotent."""
        if self._closed:
            return None
        self._closed = True
        self._lose("it was closed")
        return await self._port.close()

    # parts

    def _readable(self) -> None:
        if data := self._pending():
            self._sort(data)

    def _sort(self, data: bytes) -> None:
        """Replies that were asked for, and the rest."""
        if not self._missing:
            self._counters.stale_bytes += len(data)
            return
        for packet in self._parser.feed(data):
            if packet.id in self._missing and len(packet.params) == self._size:
                self._missing.discard(packet.id)
                self.replies[packet.id] = packet
            else:
                self._counters.unexpected += 1
        if (
            self._asked[-1] not in self._missing
        ):  # they answer in turn: what is missing before the last is lost
            self._wake()

    def _expire(self) -> None:
        left = self._until - monotonic()
        if left > 0.0:  # uvloop's timers are whole milliseconds and up to 1.2 ms early
            self._timer = self._loop.call_later(max(left, 1e-3), self._expire)
            return
        self._readable()  # a loop that was held up sees its timer before its input: the answer may have been in time
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pending(self) -> bytes:
        """Input the loop has not seen yet."""
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            self._lose(str(error))
            return b""
        if not data:
            self._lose("the device hung up")
        return data

    def _lose(self, reason: str) -> None:
        """From here on nothing is read or sent; whoever waits is told."""
        if not self._lost:
            self._lost = reason
            self._loop.remove_reader(self._fd)
            self._wake()

    def _check(self) -> None:
        if self._lost:
            raise BusLostError(self.path, self._lost)
