"""What a step costs on its way to disk, beside pickling the same step to a file and flushing it."""

import argparse
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from host import report, spread_us

from hilrt.data.journal import read_episodes
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.pictures import packed
from hilrt.step.features import ALIGNMENT, GRIPPER, Features, Image
from hilrt.step.record import Mode, Record, encode_into

STATE, CAMERAS, EPISODE = 30, 2, 50


def features(height: int, width: int) -> Features:
    stride = -(-height * width * 3 // ALIGNMENT) * ALIGNMENT
    images = tuple(Image(f"camera{i}", height, width, i * stride) for i in range(CAMERAS))
    return Features(10, ("",), tuple(f"s{i}" for i in range(STATE)), ("dx", "dy", "dz"), GRIPPER, images, ())


def records(steps: int) -> Iterator[Record]:
    for index in range(steps):
        episode, step = divmod(index, EPISODE)
        yield Record(
            episode=episode,
            step=step,
            mode=Mode.TRAIN,
            final=step == EPISODE - 1,
            monotonic_ns=index,
            wall_ns=index,
            state=bytes(4 * STATE),
            action=bytes(12),
            joint_goal=bytes(24),
        )


def timed(steps: int, write: Callable[[Record], object]) -> dict:
    """Cost of each step; the ends of episodes, which wait for the disk, are apart."""
    os.sync()  # nobody pays for what another has left in the page cache
    within: list[int] = []
    ends: list[int] = []
    for record in records(steps):
        began = time.perf_counter_ns()
        write(record)
        (ends if record.final else within).append(time.perf_counter_ns() - began)
    return {"step_us": spread_us(within), "episode_end_us": spread_us(ends)}


def measure(height: int, width: int, steps: int) -> dict:
    shape = features(height, width)
    frames = np.random.default_rng(0).integers(0, 256, shape.frame_bytes, np.uint8)
    views = [frames[i.offset : i.offset + i.nbytes].reshape(i.height, i.width, 3) for i in shape.images]
    scratch = bytearray()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        with JournalWriter(Path(folder), shape, "bench") as journal:
            ours = timed(
                steps,
                lambda r: journal.write(encode_into(r, scratch), packed(frames.data, shape.images, "png")),
            )
        began = time.perf_counter()
        count = sum(len(episode.records) for episode in read_episodes(Path(folder), frames=True))
        ours["read_and_verify_steps_per_s"] = round(count / (time.perf_counter() - began))
        began = time.perf_counter()
        count = sum(len(episode.records) for episode in read_episodes(Path(folder)))
        ours["read_without_frames_steps_per_s"] = round(count / (time.perf_counter() - began))
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, (Path(folder) / "pickle").open("wb") as file:

        def pickled(record: Record) -> None:
            pickle.dump((encode_into(record, scratch).tobytes(), views), file, protocol=5)
            file.flush()

        theirs = timed(steps, pickled)
    return {"frame_bytes": shape.frame_bytes, "journal": ours, "pickle_and_flush": theirs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200, help="at least 50: an episode")
    steps = parser.parse_args().steps
    sizes = {"2x128x128": (128, 128), "2x480x640": (480, 640)}
    report("journal", {name: measure(*size, steps) for name, size in sizes.items()})


if __name__ == "__main__":
    main()
