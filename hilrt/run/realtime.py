"""Real-time scheduling: granted where the system permits it, reported where it does not."""

import ctypes
import gc
import logging
import os
import resource
import time

import numpy as np

log = logging.getLogger(__name__)

PRIORITY = 40
"""SCHED_FIFO, above ordinary work and below the kernel's own interrupt threads (50)."""
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
WINDOW = 1024
"""Ticks over which lateness is judged."""


def become_realtime(priority: int = PRIORITY) -> bool:
    """Ask for SCHED_FIFO; False, with a line in the log, where it is not permitted."""
    try:
        # Reset on fork: a child that kept this priority could take the whole computer.
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except PermissionError:
        limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
        log.warning("no real-time scheduling: RTPRIO limit is %d, not %d; ticks may be late", limit, priority)
        return False
    return True


def lock_memory() -> bool:
    """Keep every page that is touched resident; False, with a line in the log, where it is not permitted.

    Not those that never are: a process that is killed counts as alive until all it had locked is taken down.
    """
    if ctypes.CDLL(None, use_errno=True).mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT):
        log.warning("memory not locked: %s", os.strerror(ctypes.get_errno()))
        return False
    return True


def quiet_collector() -> None:
    """No garbage collection inside a tick: freeze what start-up made, collect only between episodes."""
    gc.collect()
    gc.freeze()
    gc.disable()


class Stopwatch:
    """Milliseconds since it was last asked."""

    def __init__(self) -> None:
        self._start = time.perf_counter_ns()

    def lap_ms(self) -> float:
        """Time since the last lap [ms]."""
        now = time.perf_counter_ns()
        elapsed, self._start = now - self._start, now
        return elapsed * 1e-6


class Lateness:
    """Percentiles of the last `WINDOW` wake-ups, and the worst of all."""

    def __init__(self) -> None:
        self._window = np.zeros(WINDOW)
        self._count = 0
        self.worst_us = 0.0

    def add(self, lateness_ns: int) -> None:
        """Note one wake-up."""
        late_us = lateness_ns * 1e-3
        self._window[self._count % WINDOW] = late_us
        self._count += 1
        self.worst_us = max(self.worst_us, late_us)

    def percentiles_us(self) -> tuple[float, float]:
        """Median and 99th percentile [us]."""
        seen = self._window[: max(1, min(self._count, WINDOW))]
        p50, p99 = np.percentile(seen, (50, 99))
        return float(p50), float(p99)


def collect_garbage() -> None:
    """Between episodes; cheap, because what start-up made is frozen."""
    gc.collect()
