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

from hilrt.errors import SimulatorGoneError

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

    def __init__(self, period_ns: int) -> None:
        self.period_ns = period_ns
        self._act_offset_ns = min(ACT_OFFSET_NS, period_ns * 2 // 5)
        self._deadline_ns = time.monotonic_ns()
        self._tick, self._act = _Timerfd(), _Timerfd()
        self._tick.arm(self._deadline_ns + period_ns, period_ns)

    async def wait(self) -> Tick:
        """Sleep until the next deadline."""
        expired = await self._tick.readable.count()
        now = time.monotonic_ns()
        self._deadline_ns += expired * self.period_ns
        return Tick(self._deadline_ns, now - self._deadline_ns, expired - 1)

    async def until_act(self) -> None:
        """Sleep until the command is due; at once where sensing and deciding took longer than that."""
        due = self._deadline_ns + self._act_offset_ns
        if due > time.monotonic_ns():
            self._act.arm(due)
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
        go: eventfd that starts the simulator; done: eventfd that it answers on.
        settle: returns once every byte written to the bus has reached the servos.
        look: reads, after the period, what is otherwise read beside the ticks.
        paced: returns once the learner may be given another step.
        stop_wanted: whether to give up waiting for a simulator that does not answer.
    """

    simulated = True

    def __init__(
        self,
        period_ns: int,
        go: int,
        done: int,
        settle: Callable[[], Awaitable[object]],
        look: Callable[[], Awaitable[object]],
        paced: Callable[[], Awaitable[None]],
        stop_wanted: Callable[[], bool],
    ) -> None:
        self.period_ns = period_ns
        self._go = go
        self._stop_wanted = stop_wanted
        with contextlib.suppress(BlockingIOError):  # an answer that a control killed before us did not take
            os.read(done, 8)
        self._readable = Readable(done)
        self._settle, self._look = settle, look
        self._paced = paced
        self._time_ns = 0

    async def wait(self) -> Tick:
        """Let one period of simulated time pass."""
        await self._paced()
        await self._settle()
        os.eventfd_write(self._go, 1)
        await self._answered()
        await self._look()
        self._time_ns += self.period_ns
        return Tick(self._time_ns, 0, 0)

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
