"""How late the control loop wakes, idle and with a busy process on every core.

Beside the ticker: `asyncio.sleep` to the next deadline on the same loop (what control loops usually do), and
cyclictest where it is installed (what the kernel itself can do).
"""

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import uvloop
from host import report

from hilrt.control.ticker import TimerTicker
from hilrt.run.realtime import become_realtime, lock_memory, quiet_collector

BUSY = "while True: sum(range(10000))"


async def ticker(hz: int, count: int) -> list[float]:
    """Lateness of the ticker [us]."""
    source = TimerTicker(round(1e9 / hz))
    late = [(await source.wait()).lateness_ns / 1e3 for _ in range(count)]
    source.close()
    return late


async def sleeps(hz: int, count: int) -> list[float]:
    """Lateness of sleeping until each deadline [us]; negative is early."""
    late, deadline = [], time.monotonic_ns()
    for _ in range(count):
        deadline += round(1e9 / hz)
        await asyncio.sleep(max(0.0, (deadline - time.monotonic_ns()) * 1e-9))
        late.append((time.monotonic_ns() - deadline) / 1e3)
    return late


def cyclictest(hz: int, count: int) -> dict[str, float] | None:
    """The kernel's own figure."""
    if not shutil.which("cyclictest"):
        return None
    command = ["cyclictest", "-q", "-p40", "-m", f"-i{1_000_000 // hz}", f"-l{count}"]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Avg:\s*(\d+) Max:\s*(\d+)", out)
    return {"mean": float(found[1]), "max": float(found[2])} if found else None


@contextmanager
def load(on: bool) -> Iterator[None]:
    """A busy process for each core, at the niceness of the learner."""
    count = len(os.sched_getaffinity(0)) if on else 0
    busy = [subprocess.Popen(["nice", "-n10", sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def figures(late_us: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(late_us, (50, 99))
    early = float(np.mean(np.array(late_us) < 0))
    return {"p50": round(p50, 1), "p99": round(p99, 1), "max": round(max(late_us), 1), "share_early": early}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--hz", type=int, default=100)
    args = parser.parse_args()
    count = round(args.seconds * args.hz)
    realtime = become_realtime() and lock_memory()
    quiet_collector()
    results: dict[str, object] = {"hz": args.hz, "realtime_scheduling": realtime, "unit": "us"}
    for name, on in (("idle", False), ("busy", True)):
        with load(on):
            results[name] = {
                "hilrt ticker": figures(uvloop.run(ticker(args.hz, count))),
                "asyncio.sleep on uvloop": figures(uvloop.run(sleeps(args.hz, count))),
                "cyclictest": cyclictest(args.hz, count),
            }
    report("tick", results)


if __name__ == "__main__":
    main()
