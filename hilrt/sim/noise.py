"""What a bad line does to replies: a loose plug, a long cable, a motor's supply that breaks in."""

import random
from collections.abc import Callable, Iterator

from hilrt.devices.feetech.packets import encode

LATE_S = 0.004
"""A late reply comes when it has been asked for again."""
FOREIGN = 100
"""Added to the id of a reply that comes under a wrong one."""

UNSEEN = 0.1
"""Share of corrupt replies whose checksum fits all the same."""

Spoil = Callable[[bytes], Iterator[tuple[float, bytes]]]
"""Turns what the servos answer into what arrives: pieces, each after a delay [s]."""


def intact(reply: bytes) -> Iterator[tuple[float, bytes]]:
    """A good line."""
    yield 0.0, reply


def frames(replies: bytes) -> Iterator[bytes]:
    """What servos answered one after the other, in single replies."""
    while replies:
        end = replies[3] + 4 if len(replies) > 3 else len(replies)
        yield replies[:end]
        replies = replies[end:]


class BadLine:
    """Spoils a share of the replies, each in one of five ways: lost, late, truncated, corrupt, of a wrong id.

    What is corrupt mostly shows in the checksum; in `UNSEEN` of the cases two errors make up for each other there.
    """

    def __init__(self, share: float, seed: int) -> None:
        self._share, self._dice = share, random.Random(seed)  # noqa: S311 - faults, not secrets

    def __call__(self, reply: bytes) -> Iterator[tuple[float, bytes]]:
        """Pieces of a reply, or of several in a row, each after a delay [s]."""
        for frame in frames(reply):
            yield self._spoilt(frame) if self._dice.random() < self._share else (0.0, frame)

    def _spoilt(self, frame: bytes) -> tuple[float, bytes]:
        place, bit = self._dice.randrange(2, len(frame)), 1 << self._dice.randrange(8)
        corrupt = bytes((*frame[:place], frame[place] ^ bit, *frame[place + 1 :]))
        if 5 <= place < len(frame) - 1 and self._dice.random() < UNSEEN:
            corrupt = encode(frame[2], frame[4], corrupt[5:-1])
        foreign = encode(frame[2] + FOREIGN, frame[4], frame[5:-1])
        return self._dice.choice(
            ((0.0, b""), (LATE_S, frame), (0.0, frame[:place]), (0.0, corrupt), (0.0, foreign))
        )
