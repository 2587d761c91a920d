"""The other process of the shared memory tests: `child.py ROLE RUN [ARGUMENT...]`.

Every role says `ready` on stdout once it has done what its name says.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from hilrt.shm.names import sweep_stale
from hilrt.shm.pictures import Pictures
from hilrt.shm.ring import Ring
from hilrt.shm.segment import Segment
from hilrt.shm.status import Status
from hilrt.shm.weights import WeightsReader, WeightsWriter
from hilrt.step.features import Image

FRAME = 96
SCHEMA = '{"record": "test"}'
CAMERAS = (Image("front", 120, 160, 0), Image("wrist", 5, 7, 0))
"""One of them of a size that fills no cache line."""


def record(number: int) -> tuple[bytes, list[np.ndarray]]:
    """What the producer sends as its `number`-th record: any receiver can make the same."""
    frames = [np.full((4, 8), number % 251, np.uint8), np.full(FRAME // 4, number, np.uint32)[:16]]
    return number.to_bytes(8, "little") * (1 + number % 5), frames


OFFSETS = (0, 64)


class DiesAtSecond(list):
    """Frames whose reader is killed by signal 9 when it comes to the second."""

    def __iter__(self) -> Iterator[np.ndarray]:
        yield self[0]
        os.kill(os.getpid(), signal.SIGKILL)


class DiesAtLast(Mapping):
    """Weights whose reader is killed by signal 9 when it comes to the last."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> np.ndarray:
        if name == list(self._arrays)[-1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)


def weights(value: int) -> dict[str, np.ndarray]:
    """Arrays all of whose elements are `value`."""
    return {"kernel": np.full((64, 257), value, np.float32), "count": np.full((), value, np.int64)}


def say(*words: object) -> None:
    """A line to the test."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def push(run: str, first: int, count: int) -> None:
    """Push records first..first+count; one in 50 attempts may fail on a full ring and goes lost."""
    with Ring.attach(run, "steps", SCHEMA) as ring:
        say("ready")
        for number in range(first, first + count):
            header, frames = record(number)
            while not ring.try_push(header, frames, offsets=OFFSETS):
                if number % 50 == 0:
                    break
                time.sleep(0)


def push_and_die(run: str, first: int, count: int) -> None:
    """Push `count` whole records and be killed in the middle of the next."""
    with Ring.attach(run, "steps", SCHEMA) as ring:
        for number in range(first, first + count):
            header, frames = record(number)
            ring.try_push(header, frames, offsets=OFFSETS)
        header, frames = record(first + count)
        ring.try_push(header, DiesAtSecond(frames), offsets=OFFSETS)


def pop_and_die(run: str, count: int) -> None:
    """Pop `count` records, and be killed while reading the next."""
    with Ring.attach(run, "steps", SCHEMA) as ring:
        for _ in range(count):
            ring.try_pop()
        ring.try_pop()
        os.kill(os.getpid(), signal.SIGKILL)


def hold(run: str, what: str) -> None:
    """Create a segment and keep it until stdin ends."""
    with Segment.create(run, what, 4096, SCHEMA):
        say("ready")
        sys.stdin.read()


def attach(run: str, what: str) -> None:
    """Attach a segment and keep it until stdin ends."""
    with Segment.attach(run, what, SCHEMA):
        say("ready")
        sys.stdin.read()


def sweep(_run: str) -> None:
    """Sweep without pause until killed."""
    say("ready")
    while True:
        sweep_stale()


def create_full(run: str) -> None:
    """Create a segment and say what came of it, and what is in /dev/shm then."""
    try:
        Segment.create(run, "big", 8 << 20, SCHEMA).close()
    except Exception as error:
        say(type(error).__name__, error)
    say(list(Path("/dev/shm").iterdir()))


def publish(run: str) -> None:
    """Publish weights equal to their version without pause until killed."""
    with WeightsWriter.open(run, weights(0)) as writer:
        while True:
            version = writer.publish(weights(writer.version + 1))
            if version == 1:
                say("ready")
            time.sleep(random.uniform(0, 2e-4))


def publish_and_die(run: str) -> None:
    """Publish one version whole and be killed in the middle of the next."""
    with WeightsWriter.open(run, weights(0)) as writer:
        value = writer.publish(weights(writer.version + 1)) + 1
        writer.publish(DiesAtLast(weights(value)))


def adopt(run: str) -> None:
    """Adopt one version and say which."""
    with WeightsReader.try_attach(run) as reader:
        say(reader.adopt().version)


def talk(run: str) -> None:
    """Write messages of one repeated letter without pause until killed."""
    with Status.attach(run) as status:
        for number in range(1 << 60):
            status.control.message = chr(97 + number % 26) * 120
            if number == 0:
                say("ready")


def shoot(run: str) -> None:
    """Publish pictures of one value, that of their number, without pause until killed; the time is the number too."""
    with Segment.attach(run, "pictures", SCHEMA) as segment, Pictures(segment.buf, CAMERAS) as pictures:
        for number in range(1, 1 << 60):
            pictures.publish("front", np.full((120, 160, 3), number % 251, np.uint8), number)
            if number == 1:
                say("ready")


ROLES = (
    push, push_and_die, pop_and_die, hold, attach, sweep, create_full, publish, publish_and_die, adopt, talk,
    shoot,
)  # fmt: skip

if __name__ == "__main__":
    role = {function.__name__: function for function in ROLES}[sys.argv[1]]
    role(sys.argv[2], *(int(word) if word.isdigit() else word for word in sys.argv[3:]))
