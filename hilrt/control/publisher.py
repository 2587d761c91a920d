"""Sends finished steps to the recorder and the learner; never waits for either."""

import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hilrt.features import Features
from hilrt.record import Record, Source, encode_into
from hilrt.shm.ring import Ring


class Publisher:
    """One encoding, one copy into each ring, one wake-up of each reader."""

    def __init__(self, features: Features, readers: Sequence[tuple[Ring, int]]) -> None:
        """`readers`: a ring and the eventfd its consumer sleeps on, for each."""
        self._readers = readers
        self._offsets = [image.offset for image in features.images]
        self._scratch = bytearray(features.header_bytes)
        self.rejected = 0

    def publish(self, record: Record, frames: Sequence[npt.NDArray[np.uint8]]) -> None:
        """Push a step; human steps and episode ends may use the reserve of a nearly full ring."""
        header = encode_into(record, self._scratch)
        precious = record.source == Source.HUMAN or record.final
        for ring, wake in self._readers:
            pushed = ring.try_push(header, frames, offsets=self._offsets, reserved=precious)
            self.rejected += not pushed
            os.eventfd_write(wake, 1)
