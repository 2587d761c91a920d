"""Seeded damage, for readers that must give exactly what was written or the one error they name.

`HILRT_MUTATIONS=20000` tries longer than the ordinary suite does.
"""

import json
import math
import os
import random
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

COUNT = int(os.environ.get("HILRT_MUTATIONS", "300"))
"""Mutations of one reader's file."""
ROOM_BYTES = 1 << 30
"""Of address space, beside what the process has: far less than a damaged length may ask for."""
WATCH_S = 120
"""After which a read is taken for an endless one."""
WORDS = (0, 1, 2, 63, 1 << 20, 1 << 31, 1 << 40, 1 << 63, (1 << 64) - 1, (1 << 64) - 2)
VALUES = (
    None,
    True,
    -1,
    0,
    1,
    10**6,
    10**12,
    -(10**18),
    10**30,
    0.5,
    math.nan,
    math.inf,
    "",
    "x",
    [],
    {},
    [[]],
)


class Tried(NamedTuple):
    """How many mutations did nothing, and how many were refused."""

    unharmed: int
    refused: int


def survey(
    whole: bytes,
    read: Callable[[bytes], object],
    error: type[Exception] | tuple[type[Exception], ...],
    damage: Callable[[random.Random, bytes], tuple[str, bytes]] | None = None,
    count: int = COUNT,
) -> Tried:
    """Have `read` read each mutation of `whole`: it gives what it gives for `whole`, or raises `error`.

    Anything else, a read that asks for a gigabyte, and one that does not end, fail the test that called this.
    """
    right = read(whole)
    chance, unharmed, refused = random.Random(len(whole)), 0, 0
    with _bounded():
        for _ in range(count):
            name, mutated = (damage or any_damage)(chance, whole)
            try:
                found = read(mutated)
            except error:
                refused += 1
            except BaseException as other:
                other.add_note(f"after the damage: {name}")
                raise
            else:
                assert found == right, f"read as something else after the damage: {name}"
                unharmed += 1
    return Tried(unharmed, refused)


def on_disk(path: Path, read: Callable[[], object]) -> Callable[[bytes], object]:
    """`read`, as a function of what is in the file."""

    def reading(data: bytes) -> object:
        path.write_bytes(data)
        return read()

    return reading


def any_damage(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """One mutation, in words and done; of JSON alone, as often to a value as to a byte."""
    kinds = [flipped, cut, repeated, moved, blanked, word_changed]
    if data[:1] in {b"{", b"["} and chance.random() < 0.5:
        return value_changed(chance, data)
    return chance.choice(kinds)(chance, data)


def flipped(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """One bit."""
    at, bit = chance.randrange(len(data)), chance.randrange(8)
    return f"bit {bit} of byte {at} flipped", data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def cut(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """The end."""
    at = chance.randrange(len(data))
    return f"cut at byte {at}", data[:at]


def repeated(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """A block twice."""
    start, stop = _block(chance, data)
    return f"bytes {start} to {stop} twice", data[:stop] + data[start:]


def moved(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """A block written over another place."""
    start, stop = _block(chance, data)
    at = chance.randrange(len(data) - (stop - start) + 1)
    return f"bytes {start} to {stop} at {at}", data[:at] + data[start:stop] + data[at + stop - start :]


def blanked(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """A block of zeros, as a crash leaves where a file had grown and not been written."""
    start, stop = _block(chance, data)
    return f"bytes {start} to {stop} zero", data[:start] + bytes(stop - start) + data[stop:]


def word_changed(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """An aligned word, of 4 or 8 bytes, tiny or huge."""
    size = chance.choice([4, 8])
    at, value = chance.randrange(max(1, len(data) // size)) * size, chance.choice(WORDS)
    word = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    return f"word {value:#x} at {at}", data[:at] + word + data[at + size :]


def value_changed(chance: random.Random, data: bytes) -> tuple[str, bytes]:
    """In JSON: a value that is another, a key that is gone, an entry twice."""
    try:
        content = json.loads(data)
    except ValueError:  # JSON with something behind it
        return flipped(chance, data)
    holder, key = chance.choice(list(_places(content)))
    kind = chance.choice(["gone", "another", "another", "twice"])
    if kind == "gone":
        del holder[key]
    elif kind == "twice" and isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[key] = kind = chance.choice([value for value in VALUES if value is not holder[key]])
    return f"{key} {kind!r}", json.dumps(content).encode()


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Each value of a tree, by what holds it and where."""
    keys = list(content) if isinstance(content, dict) else range(len(content))
    for key in keys:
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _places(content[key])


def _block(chance: random.Random, data: bytes) -> tuple[int, int]:
    size = min(len(data), chance.choice([1, 8, 64, 512, 4096]))
    start = chance.randrange(len(data) - size + 1)
    return start, start + size


class _bounded:  # noqa: N801 - reads as what it is
    """Little memory and not for ever."""

    def __enter__(self) -> None:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        self._limits = resource.getrlimit(resource.RLIMIT_AS)
        room = pages * resource.getpagesize() + ROOM_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (room, self._limits[1]))
        self._before = signal.signal(signal.SIGALRM, self._endless)
        signal.alarm(WATCH_S)

    def __exit__(self, *_: object) -> None:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, self._before)
        resource.setrlimit(resource.RLIMIT_AS, self._limits)

    @staticmethod
    def _endless(*_: object) -> None:
        raise TimeoutError(f"not read within {WATCH_S} s")
