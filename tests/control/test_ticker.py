"""Deadlines: absolute, counted, and never early."""

import asyncio
import os
import time

import pytest
import uvloop

from hilrt.control.ticker import LockstepTicker, Readable, TimerTicker
from hilrt.errors import SimulatorGoneError
from hilrt.run.simlink import parts_of

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


class Way:
    """A way to a goal in so many parts, of which the first has been sent."""

    def __init__(self, parts, sent=1):
        self.parts, self.sent = parts, sent
        self.times = []

    @property
    def moves(self):
        return self.sent < self.parts

    async def send(self, part):
        self.sent = part
        self.times.append(time.monotonic_ns())
        return True


@pytest.mark.parametrize("run", RUNNERS)
def test_parts_of_the_way_leave_between_two_ticks(run):
    """Each at its offset from the command, the last before the next tick; what is overdue is left out."""
    period_ns = 50_000_000

    async def main():
        way = Way(4)
        ticker = TimerTicker(period_ns, way)
        way.sent = 4
        first = await ticker.wait()
        way.sent = 1
        second = await ticker.wait()
        on_time = way.times.copy()
        way.sent = 1
        time.sleep(1.5 * period_ns * 1e-9)
        await ticker.wait()
        ticker.close()
        return first.time_ns, second, on_time, way.times[len(on_time) :]

    first_ns, second, on_time, overdue = run(main())
    due = [first_ns + 10_000_000 + part * period_ns // 4 for part in (1, 2, 3)]
    if second.missed == 0 and len(on_time) == 3:  # else the machine is too busy to tell
        assert all(left_ns >= due_ns for left_ns, due_ns in zip(on_time, due, strict=True))
    assert len(overdue) == 1


def test_lockstep_advances_by_one_period():
    """In lockstep each tick settles the bus, lets the simulator go from goal to goal, and adds one period."""

    async def main():
        go, done = (os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2))
        order = []

        async def note(what):
            order.append(what)
            if what in {"settle", "arrive"}:
                os.eventfd_write(done, 1)

        class Noted(Way):
            async def send(self, part):
                order.append(parts_of(os.eventfd_read(go)))
                return await super().send(part)

        ticker = LockstepTicker(
            PERIOD_NS,
            way := Noted(3),
            go,
            done,
            *(lambda what=what: note(what) for what in ("settle", "arrive", "look", "pace")),
            lambda: False,
        )
        ticks = [await ticker.wait()]
        order.append(parts_of(os.eventfd_read(go)))
        way.sent = 3
        ticks.append(await ticker.wait())
        order.append(parts_of(os.eventfd_read(go)))
        ticker.close()
        os.close(go)
        os.close(done)
        return ticks, order

    ticks, order = uvloop.run(main())
    assert [tick.time_ns for tick in ticks] == [PERIOD_NS, 2 * PERIOD_NS]
    between = ["pace", "settle", (1, False), "arrive", (1, False), "arrive", "look", (1, True)]
    assert order == [*between, "pace", "settle", "look", (3, True)], "standing arms take the period at once"


def test_lockstep_does_not_wait_for_the_dead(monkeypatch):
    """A simulator that is gone does not keep a control that is asked to stop."""
    monkeypatch.setattr("hilrt.control.ticker.GONE_S", 0.01)

    async def main():
        go, done = (os.eventfd(0, os.EFD_NONBLOCK) for _ in range(2))

        async def nothing():
            pass

        ticker = LockstepTicker(PERIOD_NS, Way(1), go, done, nothing, nothing, nothing, nothing, lambda: True)
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
