"""Sends finished steps to the recorder and the learner; never waits for either."""

import os
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from hilrt.control.tick import Pictures, Planes
from hilrt.run.lockstep import LAG
from hilrt.shm.ring import Ring
from hilrt.step.features import Features
from hilrt.step.record import Record, Source, encode_into


class Reader(NamedTuple):
    """Who is sent the steps: its ring, the eventfd that it sleeps on, and which pictures it wants."""

    ring: Ring
    wake: int
    learner: bool
    """What the policy sees of the pictures, in place of the frames as they are recorded."""
    offsets: tuple[int, ...]
    """Where each picture goes in a slot."""


class Publisher:
    """One encoding, one copy into each ring, one wake-up of each reader."""

    def __init__(self, features: Features, readers: Sequence[Reader]) -> None:
        self._readers = readers
        self._scratch = bytearray(features.header_bytes)
        self.rejected = 0
        self.sent = deque([0] * (LAG + 1), maxlen=LAG + 1)
        """Places of the last steps, oldest first; 0 for each that has not been yet."""

    @property
    def crowded(self) -> bool:
        """Whether the recorder cannot take another step for sure; what the learner misses is in the journal."""
        return any(reader.ring.crowded for reader in self._readers if not reader.learner)

    def publish(self, record: Record, images: Pictures, sent: Planes) -> None:
        """Push a step; human steps and episode ends may use the reserve of a nearly full ring."""
        self.sent.append(record.place)
        header = encode_into(record, self._scratch)
        precious = record.source == Source.HUMAN or record.final
        for reader in self._readers:
            pictures = sent if reader.learner else images
            pushed = reader.ring.try_push(header, pictures, offsets=reader.offsets, reserved=precious)
            self.rejected += not pushed
            os.eventfd_write(reader.wake, 1)
