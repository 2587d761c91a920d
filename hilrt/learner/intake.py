"""From ring to records in order: none twice, and what the ring lost is read back from the journal."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from hilrt.data.journal import episode_path, read_episode
from hilrt.errors import JournalFormatError
from hilrt.record import Record, decode
from hilrt.shm.ring import Ring

log = logging.getLogger(__name__)

PATIENCE_S = 2.0
"""How long a gap waits for the recorder to write the missing steps."""

Key = tuple[int, int]
"""Episode and step; both only grow within a run."""


class Intake:
    """The learner's end of the ring of steps."""

    def __init__(self, ring: Ring, journal: Path, after: Record | None) -> None:
        """`after`: the last record already known, from the journal."""
        self.gaps_filled = 0
        """Records that came from the journal instead of the ring."""
        self._ring = ring
        self._journal = journal
        self._last: Key = _key(after) if after else (-1, -1)
        self._ended = after.final if after else True
        self._sure = False  # nothing is known of what a learner before this one popped and did not keep

    def drain(self) -> Iterator[Record]:
        """All new records there are now, in order; waits only for the journal, and only in a gap."""
        while (slot := self._ring.try_pop()) is not None:
            record, lost = decode(slot.header), slot.lost
            self._ring.release()
            if _key(record) <= self._last:
                continue  # the journal had it first
            if (lost or not self._sure) and not self._follows(record):
                for missing in self._missing_before(record):
                    self.gaps_filled += 1
                    yield self._note(missing)
            self._sure = True
            yield self._note(record)

    def _note(self, record: Record) -> Record:
        self._last, self._ended = _key(record), record.final
        return record

    def _follows(self, record: Record) -> bool:
        episode, step = self._last
        if self._ended:
            return (record.episode, record.step) == (episode + 1, 0)
        return (record.episode, record.step) == (episode, step + 1)

    def _missing_before(self, record: Record) -> list[Record]:
        """Journalled records between the last one and this one, once the recorder has got that far."""
        until = time.monotonic() + PATIENCE_S
        while True:
            found = self._between(record)
            last = found[-1] if found else None
            whole = last is not None and self._joins(last, record)
            if whole or time.monotonic() > until:
                break
            time.sleep(0.02)
        if not whole:
            log.warning("steps before episode %d step %d are in neither ring nor journal", *_key(record))
        return found

    def _between(self, record: Record) -> list[Record]:
        found: list[Record] = []
        for episode in range(max(self._last[0], 0), record.episode + 1):
            try:
                records = read_episode(episode_path(self._journal, episode)).records
            except JournalFormatError:
                continue  # not there (yet): numbers may be skipped
            found += [r for r in records if self._last < _key(r) < _key(record)]
        return found

    @staticmethod
    def _joins(last: Record, record: Record) -> bool:
        if record.step == 0:
            return last.final
        return _key(last) == (record.episode, record.step - 1)


def _key(record: Record) -> Key:
    return record.episode, record.step
