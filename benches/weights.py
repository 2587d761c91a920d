"""1.9 MB of policy weights from one process to another: the double buffer beside pickle through a Pipe.

`publish_us` is what the call costs the learner, `adopt_us` what it costs the control loop; `latency_us` runs
from before the first to after the second. Both receivers poll without pause.
"""

import argparse
import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from multiprocessing.connection import Connection

import numpy as np
from host import report, spread_us

from hilrt.shm.weights import WeightsReader, WeightsWriter, claim_weights

PERIOD_S = 0.02

Arrays = Mapping[str, np.ndarray]


def policy() -> dict[str, np.ndarray]:
    """About 1.9 MB of float32 in layers of 256x256 with biases, and room for the time of sending."""
    rng = np.random.default_rng(0)
    arrays = {"sent_ns": np.zeros((), np.int64)}
    for layer in range(7):
        arrays[f"{layer}.weight"] = rng.normal(size=(256, 256)).astype(np.float32)
        arrays[f"{layer}.bias"] = rng.normal(size=256).astype(np.float32)
    return arrays


def paced(seconds: float, publish: Callable[[Arrays], object]) -> list[int]:
    """Publish at a fixed pace; returns what each call cost [ns]."""
    arrays = policy()
    costs, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        arrays["sent_ns"][()] = start = time.monotonic_ns()
        publish(arrays)
        costs.append(time.monotonic_ns() - start)
        time.sleep(PERIOD_S)
    return costs


def publish_shared(run: str, seconds: float, results: Connection) -> None:
    with WeightsWriter.open(run, policy()) as writer:
        results.send(paced(seconds, writer.publish))


def publish_pipe(pipe: Connection, seconds: float, results: Connection) -> None:
    results.send(paced(seconds, lambda arrays: pipe.send_bytes(pickle.dumps(arrays, 5))))


def receive(
    child: multiprocessing.process.BaseProcess,
    results: Connection,
    ready: Callable[[], bool],
    take: Callable[[], Arrays],
) -> dict:
    """Take whenever `ready`, until the child has reported its costs."""
    adopts, latencies = [], []
    while True:
        if ready():
            start = time.monotonic_ns()
            arrays = take()
            end = time.monotonic_ns()
            adopts.append(end - start)
            latencies.append(end - int(arrays["sent_ns"]))
        elif results.poll():
            break
    costs = results.recv()
    child.join()
    return {
        "publish_us": spread_us(costs),
        "adopt_us": spread_us(adopts),
        "latency_us": spread_us(latencies),
    }


def bench_shared(context: multiprocessing.context.SpawnContext, seconds: float) -> dict:
    run = f"bench-{os.getpid()}"
    results, child_end = context.Pipe(duplex=False)
    with ExitStack() as stack:
        stack.enter_context(claim_weights(run))
        owner = stack.enter_context(WeightsWriter.open(run, policy()))
        reader = WeightsReader.try_attach(run)
        assert reader
        stack.enter_context(reader)
        adopted = 0

        def take() -> Arrays:
            nonlocal adopted
            taken = reader.adopt()
            assert taken  # there is a newer one, or nobody would ask
            adopted, arrays = taken
            return arrays

        try:
            child = context.Process(target=publish_shared, args=(run, seconds, child_end))
            child.start()
            return receive(child, results, lambda: reader.version > adopted, take)
        finally:
            owner.unlink()


def bench_pipe(context: multiprocessing.context.SpawnContext, seconds: float) -> dict:
    results, child_end = context.Pipe(duplex=False)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=publish_pipe, args=(sender, seconds, child_end))
    child.start()
    sender.close()
    return receive(child, results, receiver.poll, lambda: pickle.loads(receiver.recv_bytes()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each of the two")
    seconds = parser.parse_args().seconds
    context = multiprocessing.get_context("spawn")
    results = {
        "bytes": sum(array.nbytes for array in policy().values()),
        "double buffer": bench_shared(context, seconds),
        "pickle through Pipe": bench_pipe(context, seconds),
    }
    report("weights", results)


if __name__ == "__main__":
    main()
