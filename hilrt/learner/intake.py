"""From ring to records in order: none twice, and what the ring lost is read back from the journal."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hilrt.data.journal import Episode, episode_path, read_episode
from hilrt.errors import JournalFormatError
from hilrt.learner.eyes import Eyes
from hilrt.policy.trunk import Pictures
from hilrt.shm.ring import Ring
from hilrt.step.record import Record, decode

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""How long a gap waits for the recorder to write the missing steps."""

Key = tuple[int, int]
"""Episode and step; both only grow within a run."""


class Arrival(NamedTuple):
    """A record, and what is kept of its pictures."""

    record: Record
    pictures: Pictures = ()


class Intake:
    """The learner's end of the ring of steps."""

    def __init__(self, ring: Ring, journal: Path, after: Record | None, eyes: Eyes) -> None:
        """`after`: the last record already known, from the journal; `eyes`: look at the pictures."""
        self.gaps_filled = 0
        """Records that came from the journal instead of the ring."""
        self._eyes = eyes
        self._ring = ring
        self._journal = journal
        self._last: Key = _key(after) if after else (-1, -1)
        self._ended = after.final if after else True
        self._sure = False  # nothing is known of what a learner before this one popped and did not keep

    def drain(self) -> Iterator[Arrival]:
        """All new records there are now, in order; waits only for the journal, and only in a gap."""
        while (slot := self._ring.try_pop()) is not None:
            record, lost = decode(slot.header), slot.lost
            if _key(record) <= self._last:
                continue  # the journal had it first
            arrival = Arrival(record, self._eyes.of_ring(record, slot.frames))
            self._ring.release()
            if (lost or not self._sure) and not self._follows(record):
                for episode, index in self._missing_before(record):
                    self.gaps_filled += 1
                    seen = self._eyes.of_disk(episode, index)
                    yield self._note(Arrival(episode.records[index], seen))
            self._sure = True
            yield self._note(arrival)
        self._ring.release()

    def _note(self, arrival: Arrival) -> Arrival:
        record = arrival.record
        self._last, self._ended = _key(record), record.final
        return arrival

    def _follows(self, record: Record) -> bool:
        episode, step = self._last
        if self._ended:
            return (record.episode, record.step) == (episode + 1, 0)
        return (record.episode, record.step) == (episode, step + 1)

    def _missing_before(self, record: Record) -> list[tuple[Episode, int]]:
        """Journalled records between the last one and this one, each by its place, once the recorder has got so far."""
        until = time.monotonic() + PATIENCE_S
        while True:
            found = self._journalled(record)
            reached = bool(found) and _key(_at(found[-1])) == _key(record)
            missing = found[:-1] if reached else found
            whole = bool(missing) and self._joins(_at(missing[-1]), record)
            if whole or reached or time.monotonic() > until:
                break
            time.sleep(0.02)
        # An episode that a crash has cut ends with what there is of it: the journal has this one's beginning.
        if not whole and not (reached and record.step == 0):
            log.warning("steps before episode %d step %d are in neither ring nor journal", *_key(record))
        return missing

    def _journalled(self, record: Record) -> list[tuple[Episode, int]]:
        """What the journal has behind the last one, up to this one."""
        found: list[tuple[Episode, int]] = []
        for episode in range(max(self._last[0], 0), record.episode + 1):
            try:
                cut = read_episode(episode_path(self._journal, episode), frames=True)
            except JournalFormatError:
                continue  # not there (yet): numbers may be skipped
            found += [(cut, i) for i, r in enumerate(cut.records) if self._last < _key(r) <= _key(record)]
        return found

    @staticmethod
    def _joins(last: Record, record: Record) -> bool:
        if record.step == 0:
            return last.final
        return _key(last) == (record.episode, record.step - 1)


def _key(record: Record) -> Key:
    return record.episode, record.step


def _at(place: tuple[Episode, int]) -> Record:
    episode, index = place
    return episode.records[index]
