"""When the next tick is due: absolute deadlines on a timerfd, or a simulator that advances by one period.

Event-loop timers are not used for the period: uvloop's are whole milliseconds and may wake up to 1.2 ms early.
"""

import asyncio
import contextlib
import ctypes
import os
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from hilrt.control.stream import Stream
from hilrt.errors import SimulatorGoneError
from hilrt.run.simlink import go_on

CLOCK_MONOTONIC = 1
TFD_TIMER_ABSTIME = 1
ACT_OFFSET_NS = 10_000_000
"""From deadline to command; two fifths of the period where that is shorter."""
LOCKSTEP_DEADLINE_S = 2.0
"""Of a bus transaction in lockstep: time stands still meanwhile, so a slow computer is no fault of the bus."""
GONE_S = 1.0
"""How often a wait for the simulator looks whether it is still wanted."""


class Tick(NamedTuple):
    """One wake-up."""

    time_ns: int
    """Its deadline, on the clock the run lives by: CLOCK_MONOTONIC, or simulated time [ns]."""
    lateness_ns: int
    """From the deadline to the wake-up; zero in simulated time."""
    missed: int
    """Deadlines that passed unserved since the last tick."""


class Ticker(Protocol):
    """Source of ticks."""

    simulated: bool
    """Whether `Tick.time_ns` is simulated time."""

    async def wait(self) -> Tick:
        """Sleep until the next deadline."""
        ...

    async def until_act(self) -> None:
        """Sleep until the fixed offset after the deadline at which the command leaves."""
        ...

    def close(self) -> None:
        """Release descriptors; may be called twice."""
        ...


class _Timespec(ctypes.Structure):
    _fields_ = (("sec", ctypes.c_long), ("nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


class _Timerfd:
    """A timer on CLOCK_MONOTONIC whose descriptor can be watched."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self._libc.timerfd_create(CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self.readable = Readable(self.fd)

    def arm(self, deadline_ns: int, interval_ns: int = 0) -> None:
        """First expiry at an absolute time, then every interval; 0 for once."""
        spec = _Itimerspec(_timespec(interval_ns), _timespec(deadline_ns))
        if self._libc.timerfd_settime(self.fd, TFD_TIMER_ABSTIME, ctypes.byref(spec), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        if self.fd >= 0:
            self.readable.close()
            os.close(self.fd)
            self.fd = -1


def _timespec(ns: int) -> _Timespec:
    return _Timespec(*divmod(ns, 1_000_000_000))


class TimerTicker:
    """Absolute deadlines every `period_ns` on CLOCK_MONOTONIC; timerfd counts the missed ones exactly."""

    simulated = False

    def __init__(self, period_ns: int, stream: Stream | None = None) -> None:
        """`stream`: goals that are sent between the ticks."""
        self.period_ns, self._stream = period_ns, stream
        self._act_offset_ns = min(ACT_OFFSET_NS, period_ns * 2 // 5)
        self._deadline_ns = time.monotonic_ns()
        self._tick, self._act = _Timerfd(), _Timerfd()
        self._tick.arm(self._deadline_ns + period_ns, period_ns)

    async def wait(self) -> Tick:
        """Sleep until the next deadline."""
        if self._stream is not None:
            await self._send_rest(self._stream)
        expired = await self._tick.readable.count()
        now = time.monotonic_ns()
        self._deadline_ns += expired * self.period_ns
        return Tick(self._deadline_ns, now - self._deadline_ns, expired - 1)

    async def until_act(self) -> None:
        """Sleep until the command is due; at once where sensing and deciding took longer than that."""
        await self._until(self._deadline_ns + self._act_offset_ns)

    async def _send_rest(self, stream: Stream) -> None:
        """The parts of the way to the last command, each when it is due; those that are overdue are left out."""
        begin_ns, part_ns = self._deadline_ns + self._act_offset_ns, self.period_ns // stream.parts
        while stream.moves:
            await self._until(begin_ns + stream.sent * part_ns)
            overdue = (time.monotonic_ns() - begin_ns) // part_ns
            await stream.send(min(overdue + 1, stream.parts))

    async def _until(self, due_ns: int) -> None:
        if due_ns > time.monotonic_ns():
            self._act.arm(due_ns)
            await self._act.readable.count()

    def close(self) -> None:
        """Release the timers."""
        self._tick.close()
        self._act.close()


class Readable:
    """Waits for a descriptor whose 8-byte read is a count: a timerfd or an eventfd.

    It is read as soon as it is readable, whoever waits or not: left alone, it would keep the loop awake.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._count = 0
        self._event = asyncio.Event()
        asyncio.get_running_loop().add_reader(fd, self._take)

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._count += int.from_bytes(os.read(self._fd, 8), "little")
            self._event.set()

    async def count(self) -> int:
        """The accumulated count, at least 1; resets it."""
        await self._event.wait()
        self._event.clear()
        taken, self._count = self._count, 0
        return taken

    def close(self) -> None:
        """Stop watching; the descriptor stays open."""
        asyncio.get_running_loop().remove_reader(self._fd)


class LockstepTicker:
    """Simulated time: each tick lets the simulator advance by one period and waits until it has.

    Args:
        period_ns: simulated time per tick [ns].
        stream: goals that are sent between the ticks; the simulator advances from one to the next.
        go: eventfd that starts the simulator, see `hilrt.run.simlink.go_on`; done: eventfd that it answers on.
        settle: before each period; exchanges what is exchanged once a period beside the ticks.
        arrived: returns once every byte written to the buses has reached the servos.
        look: reads, after the period, what is otherwise read beside the ticks.
        paced: returns once the learner may be given another step.
        stop_wanted: whether to give up waiting for a simulator that does not answer.
    """

    simulated = True

    def __init__(
        self,
        period_ns: int,
        stream: Stream,
        go: int,
        done: int,
        settle: Callable[[], Awaitable[object]],
        arrived: Callable[[], Awaitable[object]],
        look: Callable[[], Awaitable[object]],
        paced: Callable[[], Awaitable[None]],
        stop_wanted: Callable[[], bool],
    ) -> None:
        self.period_ns, self._stream = period_ns, stream
        self._go = go
        self._stop_wanted = stop_wanted
        with contextlib.suppress(BlockingIOError):  # an answer that a control killed before us did not take
            os.read(done, 8)
        self._readable = Readable(done)
        self._settle, self._arrived, self._look = settle, arrived, look
        self._paced = paced
        self._time_ns = 0

    async def wait(self) -> Tick:
        """Let one period of simulated time pass."""
        await self._paced()
        await self._settle()
        parts = self._stream.parts
        while self._stream.moves:
            await self._advance(1, whole=False)
            parts -= 1
            await self._stream.send(self._stream.sent + 1)
            await self._arrived()
        await self._advance(parts, whole=True)
        await self._look()
        self._time_ns += self.period_ns
        return Tick(self._time_ns, 0, 0)

    async def _advance(self, parts: int, *, whole: bool) -> None:
        """Let so many parts of the period pass; `whole`: to its end."""
        os.eventfd_write(self._go, go_on(parts, whole=whole))
        await self._answered()

    async def _answered(self) -> None:
        """Wait for the simulator, but not for one that has gone."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GONE_S):
                    await self._readable.count()
                    return
            if self._stop_wanted():
                raise SimulatorGoneError

    async def until_act(self) -> None:
        """At once: simulated time stands still while we think."""

    def close(self) -> None:
        """Stop watching the simulator."""
        self._readable.close()
