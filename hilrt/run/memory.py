"""The shared memory of a run: made by the supervisor before any process starts, taken away when all have ended."""

import logging
from contextlib import ExitStack
from typing import TypeVar

from hilrt.config import Config
from hilrt.errors import SegmentError
from hilrt.policy.vision import sight_of
from hilrt.resource import Resource
from hilrt.run.job import Job
from hilrt.run.simlink import SimLink
from hilrt.shm.names import Claim, runs_with, segment_name, sweep_stale
from hilrt.shm.pictures import PictureSegment
from hilrt.shm.ring import Ring
from hilrt.shm.status import Status
from hilrt.shm.weights import claim_weights
from hilrt.step.features import Features, from_config

log = logging.getLogger(__name__)

Owned = TypeVar("Owned", Status, Ring, SimLink, PictureSegment, Claim)

RING_SECONDS = 60
"""How long control can go on at full rate while a reader is away."""
RING_BYTES = 1 << 29
"""Upper bound of a ring; cameras at full resolution shorten its seconds."""
RESERVE = 1 / 8
"""Of a ring, kept for human steps and episode ends."""


_RECORDERS = "steps-recorder"


def clear_stale() -> list[str]:
    """Remove what dead runs have left in shared memory; returns the names of their segments.

    Steps that were still on their way to a dead recorder are lost with its ring, and told in the log.
    """
    waiting = {run: _waiting(run) for run in runs_with(_RECORDERS)}
    swept = sweep_stale()
    for run, steps in waiting.items():
        if steps and segment_name(run, _RECORDERS) in swept:
            log.warning(
                "%d steps were in the ring and are lost: run %s ended before they were written", steps, run
            )
    return swept


def _waiting(run: str) -> int:
    """Steps in a run's ring that the recorder has not given back; 0 where that cannot be told."""
    try:
        with Ring.attach(run, _RECORDERS) as ring:
            return ring.statistics().used
    except SegmentError:
        return 0


class RunMemory(Resource):
    """All segments that a job needs; `close` removes their names.

    All of the names are taken here, before there is a process that would open one: see `hilrt.shm.names`.

    Raises:
        SegmentExistsError, SegmentForeignError, SharedMemoryFullError, PlatformError: see `Segment.create`; nothing is
            left behind.
    """

    def __init__(self, run: str, config: Config, job: Job) -> None:
        features = from_config(config)
        with ExitStack() as stack:
            self._stack = stack
            self._recorders: Ring | None = None
            self.status = self._own(Status.create(run))
            pictures = {
                "recorder": features.frame_bytes,
                "learner": sight_of(config, features, gpu=True).nbytes,
            }
            for reader in job.readers:
                self._make_ring(run, reader, config, features, pictures[reader])
            if features.images:
                self._own(PictureSegment.create(run, "images", features))
            if "learner" in job.readers:
                self._own(claim_weights(run))
            if config.displays:
                self._own(PictureSegment.create(run, "views", features))
            if config.sim:
                self._own(SimLink.create(run, features))
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Let go and take the names away."""
        self._stack.close()

    def unwritten(self) -> int:
        """Steps that the recorder has not stored yet."""
        return self._recorders.statistics().used if self._recorders else 0

    def _make_ring(self, run: str, reader: str, config: Config, features: Features, pictures: int) -> None:
        """`pictures`: bytes of those in one step."""
        slot = features.header_bytes + pictures
        slots = int(max(64, min(RING_SECONDS * max(config.env.fps, 20), RING_BYTES // slot)))
        sizes, schema = (slots, features.header_bytes, pictures), features.schema()
        what = f"steps-{reader}"
        ring = self._own(Ring.create(run, what, *sizes, schema, reserve=int(slots * RESERVE)))
        if what == _RECORDERS:
            self._recorders = ring

    def _own(self, segment: Owned) -> Owned:
        self._stack.callback(segment.close)
        self._stack.callback(segment.unlink)
        return segment
