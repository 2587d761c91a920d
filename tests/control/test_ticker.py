"""Deadlines: absolute, counted, and never early."""

import asyncio
import os
import time

import pytest
import uvloop

from hilrt.control.ticker import LockstepTicker, Readable, TimerTicker
from hilrt.errors import SimulatorGoneError

RUNNERS = [asyncio.run, uvloop.run]
PERIOD_NS = 2_000_000


@pytest.mark.parametrize("run", RUNNERS)
def test_never_early_and_evenly_spaced(run):
    """Each tick comes at or after its deadline, and deadlines are exactly one period apart."""

    async def main():
        ticker = TimerTicker(PERIOD_NS)
        ticks = [await ticker.wait() for _ in range(20)]
        ticker.close()
        ticker.close()
        return ticks

    ticks = run(main())
    assert all(tick.lateness_ns >= 0 for tick in ticks)
    steps = [b.time_ns - a.time_ns for a, b in zip(ticks, ticks[1:], strict=False)]
    missed = [tick.missed for tick in ticks[1:]]
    assert steps == [PERIOD_NS * (1 + m) for m in missed]


@pytest.mark.parametrize("run", RUNNERS)
def test_missed_ticks_are_counted(run):
    """A loop that blocks over four deadlines is told that it missed them, and stays on the same grid."""

    async def main():
        ticker = TimerTicker(PERIOD_NS)
        first = await ticker.wait()
        time.sleep(4.5 * PERIOD_NS * 1e-9)
        second = await ticker.wait()
        ticker.close()
        return first, second

    first, second = run(main())
    assert second.missed >= 3
    assert (second.time_ns - first.time_ns) == PERIOD_NS * (1 + second.missed)


@pytest.mark.parametrize("run", RUNNERS)
def test_command_leaves_after_its_offset(run):
    """The act time is a fixed offset after the deadline, and past it there is no wait."""

    async def main():
        ticker = TimerTicker(PERIOD_NS)
        tick = await ticker.wait()
        await ticker.until_act()
        now = time.monotonic_ns()
        await ticker.until_act()
        ticker.close()
        return now - tick.time_ns

    assert run(main()) >= PERIOD_NS * 2 // 5


def test_lockstep_advances_by_one_period():
    """In lockstep each tick settles the bus, lets the simulator go once, and adds one period."""

    async def main():
        go, done = (os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2))
        order = []

        async def note(what):
            order.append(what)
            if what == "settle":
                os.eventfd_write(done, 1)

        ticker = LockstepTicker(
            PERIOD_NS,
            go,
            done,
            *(lambda what=what: note(what) for what in ("settle", "look", "pace")),
            lambda: False,
        )
        ticks = [await ticker.wait() for _ in range(3)]
        ticker.close()
        count = int.from_bytes(os.read(go, 8), "little")
        os.close(go)
        os.close(done)
        return ticks, order, count

    ticks, order, count = uvloop.run(main())
    assert [tick.time_ns for tick in ticks] == [PERIOD_NS, 2 * PERIOD_NS, 3 * PERIOD_NS]
    assert order == ["pace", "settle", "look"] * 3
    assert count == 3


def test_lockstep_does_not_wait_for_the_dead(monkeypatch):
    """A simulator that is gone does not keep a control that is asked to stop."""
    monkeypatch.setattr("hilrt.control.ticker.GONE_S", 0.01)

    async def main():
        go, done = (os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2))

        async def nothing():
            pass

        ticker = LockstepTicker(PERIOD_NS, go, done, nothing, nothing, nothing, lambda: True)
        try:
            await ticker.wait()
        finally:
            ticker.close()
            os.close(go)
            os.close(done)

    with pytest.raises(SimulatorGoneError):
        uvloop.run(main())


@pytest.mark.parametrize("run", RUNNERS)
def test_unread_wakeups_do_not_spin(run):
    """An eventfd that nobody waits for is read all the same: an idle loop stays idle."""

    async def main():
        fd = os.eventfd(0, os.EFD_NONBLOCK)
        readable = Readable(fd)
        os.eventfd_write(fd, 3)
        before = time.process_time()
        await asyncio.sleep(0.3)
        busy = time.process_time() - before
        count = await readable.count()
        readable.close()
        os.close(fd)
        return busy, count

    busy, count = run(main())
    assert count == 3
    assert busy < 0.15
