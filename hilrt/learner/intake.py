"""From ring to records in order: none twice, and what the ring lost is read back from the journal.

Where frames are kept as JPEG, views are made of what the journal has (`Sight.journalled`): a step waits for the
recorder, the learner does not.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hilrt.data.journal import Episode, episode_path, next_episode, read_episode
from hilrt.data.tail import Tail
from hilrt.errors import JournalFormatError
from hilrt.learner.eyes import Eyes
from hilrt.policy.trunk import Pictures
from hilrt.shm.ring import Ring
from hilrt.shm.status import RecorderStatus
from hilrt.step.record import Record, decode

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""How long a gap waits for a recorder that has nothing left to write; for one that has, as long as it takes.

Also when a step is asked for that never comes.
"""
LOOK_S = 0.1
"""Between two looks into the journal for what is missing."""

Key = tuple[int, int]
"""Episode and step; both only grow within a run."""
Place = tuple[Episode, int]
"""Where a record is in the journal."""


class Arrival(NamedTuple):
    """A record, and what is kept of its pictures."""

    record: Record
    pictures: Pictures = ()


class _Came(NamedTuple):
    """A record out of the ring."""

    record: Record
    lost: bool
    """Whether records before it are missing."""
    since_s: float
    pictures: Pictures | None
    """None where they come from the journal."""


class Intake:
    """The learner's end of the ring of steps."""

    def __init__(
        self, ring: Ring, journal: Path, after: Record | None, eyes: Eyes, recorder: RecorderStatus
    ) -> None:
        """`after`: the last record already known, from the journal; `eyes`: look at the pictures."""
        self.gaps_filled = 0
        """Records that came from the journal instead of the ring."""
        self._eyes = eyes
        self._ring = ring
        self._journal = journal
        self._recorder = recorder
        self._tail = Tail(journal)
        self._last: Key = _key(after) if after else (-1, -1)
        self._ended = after.final if after else True
        self._sure = False  # nothing is known of what a learner before this one popped and did not keep
        self._due: _Came | None = None
        self._look_at_s = 0.0
        self._give_up_at_s = 0.0

    @property
    def waiting(self) -> bool:
        """Whether a step has come whose pictures, or the steps before it, the journal does not have yet."""
        return self._due is not None

    def drain(self) -> Iterator[Arrival]:
        """All new records there are now, in order, up to what the recorder has yet to write; never waits."""
        while (came := self._due or self._pop()) is not None:
            self._due, record = came, came.record
            if (came.lost or not self._sure) and not self._follows(record):
                if not self._filled(record):
                    return
                yield from self._from_journal(self._journalled(before=_key(record)))
            self._due, self._sure = came._replace(lost=False), True
            self._look_at_s = self._give_up_at_s = 0.0
            passed = time.monotonic() > came.since_s + PATIENCE_S and self._tail.passed(record)
            pictures = self._journalled_pictures(record) if came.pictures is None else came.pictures
            if pictures is None and not passed:
                return
            self._due = None
            if pictures is None:
                log.warning(
                    "episode %d step %d is not in the journal: nothing is learnt from it", *_key(record)
                )
            else:
                yield self._note(Arrival(record, pictures))

    def rest(self) -> Iterator[Arrival]:
        """What the journal has behind the last one, when nothing more comes."""
        yield from self._from_journal(self._journalled())

    def _pop(self) -> _Came | None:
        """The next record that the journal did not have first."""
        while (slot := self._ring.try_pop()) is not None:
            record, lost = decode(slot.header), bool(slot.lost)
            if _key(record) > self._last:
                pictures = None if self._eyes.journalled(record) else self._eyes.of_ring(record, slot.frames)
                self._ring.release()
                return _Came(record, lost, time.monotonic(), pictures)
        self._ring.release()
        return None

    def _journalled_pictures(self, record: Record) -> Pictures | None:
        found = self._tail.find(record)
        return self._eyes.of_disk(found, 0) if found else None

    def _from_journal(self, places: Sequence[Place]) -> Iterator[Arrival]:
        for episode, index in places:
            self.gaps_filled += 1
            yield self._note(Arrival(episode.records[index], self._eyes.of_disk(episode, index)))

    def _note(self, arrival: Arrival) -> Arrival:
        record = arrival.record
        self._last, self._ended = _key(record), record.final
        return arrival

    def _follows(self, record: Record) -> bool:
        episode, step = self._last
        if self._ended:
            return (record.episode, record.step) == (episode + 1, 0)
        return (record.episode, record.step) == (episode, step + 1)

    def _filled(self, record: Record) -> bool:
        """Whether the journal has all before this one that it will ever have."""
        now = time.monotonic()
        if now < self._look_at_s:
            return False
        self._look_at_s = now + LOOK_S
        found = [_at(place) for place in self._journalled(frames=False)]
        before = [r for r in found if _key(r) < _key(record)]
        if before and self._joins(before[-1], record):
            return True
        passed = len(found) > len(before) or next_episode(self._journal) > record.episode + 1
        behind = self._recorder.lag > 0
        if behind or not self._give_up_at_s:
            self._give_up_at_s = now + PATIENCE_S
        if not passed and (behind or now < self._give_up_at_s):
            return False
        # An episode that a crash has cut ends with what there is of it: the journal has this one's beginning.
        if record.step or all(_key(r) != _key(record) for r in found):
            log.warning("steps before episode %d step %d are in neither ring nor journal", *_key(record))
        return True

    def _journalled(self, *, before: Key | None = None, frames: bool = True) -> list[Place]:
        """What the journal has behind the last one."""
        found: list[Place] = []
        end = before[0] + 1 if before else next_episode(self._journal)
        for number in range(max(self._last[0], 0), end):
            try:
                episode = read_episode(episode_path(self._journal, number), frames=frames)
            except JournalFormatError:
                continue  # not there (yet): numbers may be skipped
            keys = [_key(record) for record in episode.records]
            found += [
                (episode, i)
                for i, key in enumerate(keys)
                if key > self._last and (not before or key < before)
            ]
        return found

    @staticmethod
    def _joins(last: Record, record: Record) -> bool:
        if record.step == 0:
            return last.final
        return _key(last) == (record.episode, record.step - 1)


def _key(record: Record) -> Key:
    return record.episode, record.step


def _at(place: Place) -> Record:
    episode, index = place
    return episode.records[index]
