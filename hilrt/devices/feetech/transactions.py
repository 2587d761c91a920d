"""Transactions on a serial port: one at a time, each under one deadline, with retries inside it."""

import asyncio
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from math import inf
from time import monotonic
from types import TracebackType
from typing import Self

from hilrt.devices.feetech.link import Counters, Link
from hilrt.devices.feetech.packets import OVERHEAD, Packet, Parser
from hilrt.devices.feetech.replytimes import ReplyTimes
from hilrt.errors import BusLostError, BusTimeoutError, PortHungError

PATIENCE = 0.25
"""Share of the deadline that one attempt waits at least, beside its time on the wire, before the next."""
QUIET_S = 0.005
"""After a failed attempt nothing is asked for so long, or longer behind a slow adapter: replies carry no mark of the
question they answer."""

Request = Callable[[Sequence[int]], bytes]


class Transactions:
    """Asks servos behind a serial port, and once more those that did not answer. What is asked, `Bus` knows."""

    def __init__(self, port: str, baudrate: int, deadline_s: float, names: Mapping[int, str]) -> None:
        self.port = port
        self.baudrate = baudrate
        self.names = names
        self.deadline_s = deadline_s
        """Of one transaction, its time on the wire excluded [s]."""
        self._byte_s = 10 / baudrate
        self._lock = asyncio.Lock()
        self.errors: dict[int, int] = {}
        """Error byte of each servo's latest reply, `Fault` bits."""
        self.times = ReplyTimes()
        """Of the adapter, since the port was opened."""
        self._link: Link | None = None
        self._parser = Parser()
        self._counters = Counters()
        self._closing: Future[None] | None = None
        self._quiet_until = 0.0
        self._stale_bytes = 0
        self._last_good: dict[int, float] = {}
        self._transactions = self._retries = self._timeouts = 0

    @classmethod
    async def open(
        cls,
        port: str,
        baudrate: int = 1_000_000,
        *,
        deadline_s: float = 0.005,
        names: Mapping[int, str] | None = None,
    ) -> Self:
        """Open `port` for this program alone.

        Args:
            port: serial device.
            baudrate: [bit/s].
            deadline_s: of one transaction, its time on the wire excluded [s].
            names: of the motors by id, for messages.

        Raises:
            PortNotFoundError, PortBusyError, PortUnusableError, PortHungError.
        """
        bus = cls(port, baudrate, deadline_s, names or {})
        await bus.reopen()
        return bus

    async def reopen(self) -> None:
        """Open the port again after `BusLostError`; counters go on."""
        async with self._lock:
            await self._close()
            if self._closing is not None and not self._closing.done():
                raise PortHungError(self.port)
            self.times = ReplyTimes()
            self._link = await Link.open(self.port, self.baudrate, self._parser, self._counters)

    async def close(self) -> None:
        """Close the port; idempotent."""
        async with self._lock:
            await self._close()

    @property
    def low_latency(self) -> bool:
        """Whether the port's driver has a low latency mode; it is on then."""
        return self._link is not None and self._link.low_latency

    async def tell(self, packet: bytes) -> None:
        """Send what nobody answers."""
        async with self._lock:
            self._transactions += 1
            self._opened().send(packet)

    async def ask(
        self, motors: Sequence[int], size: int, what: str, request: Request, extra_s: float = 0.0
    ) -> dict[int, Packet]:
        """One transaction: a reply with `size` parameters from each of `motors`, or an error.

        `extra_s` is what the servos may take to answer.
        """
        async with self._lock:
            link = self._opened()
            if (wait_s := self._quiet_until - monotonic()) > 0.0:
                await asyncio.sleep(wait_s)
            self._transactions += 1
            started, clean = monotonic(), False
            try:
                attempts, missing = await self._attempt(link, motors, size, request, extra_s)
                clean = attempts == 1 and not missing
            finally:
                replies = link.forget()
                if not clean:  # also when cancelled: an answer may still be on its way
                    self._quiet_until = monotonic() + max(QUIET_S, self.times.slowest_s)
            self._note(replies, attempts)
            if missing:
                self._timeouts += 1
                raise self._timeout(missing, what, attempts, monotonic() - started)
            return replies

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        if self._link is not None:
            warnings.warn(f"bus on {self.port} was not closed", ResourceWarning, stacklevel=2)

    # parts

    async def _attempt(
        self, link: Link, motors: Sequence[int], size: int, request: Request, extra_s: float
    ) -> tuple[int, Sequence[int]]:
        """Ask, and ask those who did not answer again, until the deadline; number of attempts, and who is missing.

        There is another attempt only where its answer can be in time; else the one before it has all that is left.
        """
        usual_s, patience_s = self.times.within(0.5), max(self.times.patience_s, PATIENCE * self.deadline_s)
        attempts, deadline, missing = 0, inf, motors
        while missing:
            packet, now = request(missing), monotonic()
            wire_s = (len(packet) + len(missing) * (OVERHEAD + size)) * self._byte_s
            if not attempts:
                deadline = now + wire_s + self.deadline_s + extra_s
            elif now + wire_s + usual_s > deadline:
                break
            until = now + wire_s + patience_s + extra_s
            link.send(packet, missing, size)
            missing = await link.wait(until if until + wire_s + usual_s < deadline else deadline)
            if attempts == 0 and missing:
                self.times.failed()
            elif attempts == 0 and not extra_s:
                self.times.answered(monotonic() - now - wire_s)
            attempts += 1
        return attempts, missing

    def _note(self, replies: Mapping[int, Packet], attempts: int) -> None:
        self._retries += max(0, attempts - 1)
        self._last_good.update(dict.fromkeys(replies, monotonic()))
        for motor, packet in replies.items():
            self.errors[motor] = packet.code

    def _timeout(self, missing: Sequence[int], what: str, attempts: int, elapsed_s: float) -> BusTimeoutError:
        seen = [self._last_good.get(motor) for motor in missing]
        oldest = min((time for time in seen if time is not None), default=None)
        age = None if oldest is None or None in seen else monotonic() - oldest
        names = {motor: self.names.get(motor, "") for motor in missing}
        late, self._stale_bytes = self._counters.stale_bytes > self._stale_bytes, self._counters.stale_bytes
        return BusTimeoutError(self.port, names, what, attempts, elapsed_s, age, late=late)

    def _opened(self) -> Link:
        if self._link is None:
            raise BusLostError(self.port, "it was closed")
        return self._link

    async def _close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._closing = await link.close()
