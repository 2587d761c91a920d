"""One episode: the step waiting for its outcome, and the records that come of it."""

import time
from collections.abc import Callable

from hilrt.control.tick import Pictures, Planes, Tick
from hilrt.step.record import Mode, Record

Publish = Callable[[Record, Pictures, Planes], None]
"""Takes a record, the frames as they are recorded, and what the learner is sent of them."""


def scene_seed(seed: int, number: int, mode: Mode) -> int:
    """What decides all chance in an episode, the object's place first; `seed` is the config's."""
    return (seed * 1_000_003 + number) * len(Mode) + mode


class Episode:
    """Holds each step back until its outcome is known, then publishes it."""

    def __init__(self, number: int, mode: Mode, publish: Publish) -> None:
        self.number, self.mode = number, mode
        self.step = 0
        self.publish = publish
        self._pending: tuple[Record, Pictures, Planes] | None = None
        self._version = 0

    def acted(self, record: Record, tick: Tick) -> None:
        """Keep the step that was just executed."""
        self._pending = (record, tick.images, tick.sent)
        self._version = record.policy_version
        self.step += 1

    def settle(self, tick: Tick) -> Record | None:
        """Publish the step held back, with the outcome that this tick decided; None before the first action."""
        if self._pending is None:
            return None
        record, images, sent = self._pending
        record.reward = tick.reward
        record.terminated, record.truncated = tick.terminated, tick.truncated
        record.success = tick.success
        record.probability, record.override = tick.probability, tick.override
        self.publish(record, images, sent)
        self._pending = None
        return record

    def end(self, tick: Tick, spot: tuple[float, ...] = ()) -> Record:
        """Publish the last observation; an episode that ends before its first action is none, and discarded.

        `spot`: as in `Record`.
        """
        record = Record(
            episode=self.number,
            step=self.step,
            mode=self.mode,
            final=True,
            monotonic_ns=tick.time_ns,
            wall_ns=time.time_ns(),
            state=tick.state.tobytes(),
            terminated=tick.terminated,
            truncated=tick.truncated,
            success=tick.success,
            discarded=tick.discarded or self.step == 0,
            policy_version=self._version,
            frame_ages_ms=tick.frame_ages_ms,
            spot=spot,
        )
        self.publish(record, tick.images, tick.sent)
        return record
