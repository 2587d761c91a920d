"""The journal as it grows: each step's pictures, as soon as the recorder has written them."""

from collections import deque
from pathlib import Path

from hilrt.data.format import FileHeader, Scan
from hilrt.data.journal import Episode, episode_path, next_episode
from hilrt.errors import JournalFormatError
from hilrt.step.record import Record


class Tail:
    """Reads each step once, if asked in order; a file is open only while it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._episode = -1
        self._end = 0
        """Where the last whole record that was read ends [bytes]."""
        self._ahead: deque[tuple[FileHeader, Record, bytes]] = deque()

    def find(self, record: Record) -> Episode | None:
        """The step as the journal has it, with pictures, alone in its episode; None if it is not there (yet)."""
        if record.episode != self._episode:
            self._episode, self._end = record.episode, 0
            self._ahead.clear()
        if not self._ahead:
            self._read()
        while self._ahead and self._ahead[0][1].step < record.step:
            self._ahead.popleft()
        if not self._ahead or self._ahead[0][1].step > record.step:
            return None
        header, found, frames = self._ahead.popleft()
        return Episode(header=header, records=[found], frames=[frames], torn=None, path=str(self._path))

    def passed(self, record: Record) -> bool:
        """Whether something later is there; records come in order, so one that is not there then never will be."""
        return bool(self._ahead) or next_episode(self._folder) > record.episode + 1

    @property
    def _path(self) -> Path:
        return episode_path(self._folder, self._episode)

    def _read(self) -> None:
        """All that is new in the episode's file."""
        try:
            scan = Scan(self._path, None)
        except JournalFormatError:
            return  # not there yet
        with scan:
            scan.end = max(scan.end, self._end)
            self._ahead.extend((scan.header, *found) for found in scan.records(frames=True))
            self._end = scan.end
