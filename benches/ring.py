"""A transition with two 128x128 cameras from one process to another: the ring beside multiprocessing.Queue.

`producer_us` is what the sender's call costs its loop; `latency_us` runs from before that call to the record
in the receiver's hands. The sender sleeps between records, as a control loop does, so its caches are cold.
Both receivers poll without pause, so no wake-up is in the figures.
"""

import argparse
import multiprocessing
import os
import queue
import struct
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
from host import report, spread_us

from hilrt.shm.ring import Ring

SCHEMA = '{"record": "bench"}'
HEADER = bytes(300)  # what a step's encoded numbers take
SHAPE = (128, 128, 3)
OFFSETS = (0, 128 * 128 * 3)
PERIOD_S = 0.005


def paced(seconds: float, send: Callable[[int], object]) -> list[int]:
    """Call `send` with the time at a fixed pace; returns what each call cost [ns]."""
    costs, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic_ns()
        send(start)
        costs.append(time.monotonic_ns() - start)
        time.sleep(PERIOD_S)
    return costs


def frames() -> list[np.ndarray]:
    return [np.random.default_rng(seed).integers(0, 255, SHAPE, np.uint8) for seed in range(2)]


def produce_ring(run: str, seconds: float, results: Connection) -> None:
    images = frames()
    with Ring.attach(run, "steps", SCHEMA) as ring:
        results.send(
            paced(
                seconds, lambda now: ring.try_push(struct.pack("=q", now) + HEADER, images, offsets=OFFSETS)
            )
        )


def produce_queue(steps: multiprocessing.Queue, seconds: float, results: Connection) -> None:
    images = frames()
    costs = paced(seconds, lambda now: steps.put((now, HEADER, images)))
    steps.close()
    steps.join_thread()  # what it still holds when nobody reads any more would keep this process for ever
    results.send(costs)


def receive(
    child: multiprocessing.process.BaseProcess, results: Connection, take: Callable[[], int | None]
) -> dict:
    """Poll `take` for send times until the child has reported its costs."""
    child.start()
    latencies = []
    while True:
        sent = take()
        if sent is not None:
            latencies.append(time.monotonic_ns() - sent)
        elif results.poll():
            break
    costs = results.recv()
    child.join()
    return {"producer_us": spread_us(costs), "latency_us": spread_us(latencies)}


def bench_ring(context: multiprocessing.context.SpawnContext, seconds: float) -> dict:
    run = f"bench-{os.getpid()}"
    results, child_end = context.Pipe(duplex=False)
    with Ring.create(run, "steps", 64, 512, 2 * OFFSETS[1], SCHEMA) as ring:

        def take() -> int | None:
            slot = ring.try_pop()
            return None if slot is None else struct.unpack_from("=q", slot.header)[0]

        try:
            child = context.Process(target=produce_ring, args=(run, seconds, child_end))
            return receive(child, results, take) | {"rejected": ring.statistics().rejected}
        finally:
            ring.unlink()


def bench_queue(context: multiprocessing.context.SpawnContext, seconds: float) -> dict:
    results, child_end = context.Pipe(duplex=False)
    steps = context.Queue(64)

    def take() -> int | None:
        try:
            return steps.get_nowait()[0]
        except queue.Empty:
            return None

    return receive(context.Process(target=produce_queue, args=(steps, seconds, child_end)), results, take)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each of the two")
    seconds = parser.parse_args().seconds
    context = multiprocessing.get_context("spawn")
    results = {
        "record_bytes": len(HEADER) + 2 * OFFSETS[1],
        "ring": bench_ring(context, seconds),
        "multiprocessing.Queue": bench_queue(context, seconds),
    }
    report("ring", results)


if __name__ == "__main__":
    main()
