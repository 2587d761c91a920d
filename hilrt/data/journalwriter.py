"""The journal, written: appended to by one process at a time, which goes on where the one before it stopped."""

import contextlib
import os
from pathlib import Path

import msgspec

from hilrt.data.format import MAGIC, Buffer, FileHeader, Origin, Scan, write_block
from hilrt.data.journal import episode_path
from hilrt.errors import JournalOrderError, JournalWriteError
from hilrt.resource import Resource
from hilrt.step.conditions import Conditions
from hilrt.step.features import Features
from hilrt.step.record import Record, decode


class JournalWriter(Resource):
    """Appends records to their episodes' files. One writer per folder; not to be shared by threads."""

    def __init__(
        self,
        folder: Path,
        features: Features,
        task: str,
        conditions: Conditions | None = None,
        origin: Origin | None = None,
    ) -> None:
        """`origin`: of what is written, where another run has recorded it."""
        self.flushed = -1
        """The last episode that is safely on disk."""
        self._folder = folder
        self._features = features
        self._task = task
        self._conditions, self._origin = conditions, origin
        self._file: _EpisodeFile | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalWriteError(str(folder), error) from None

    def write(self, header: Buffer, frames: Buffer = b"") -> int:
        """Append one record to its episode's file.

        A step that the file already has (the writer before this one died after writing it) is left out.

        Args:
            header: encoded `Record`.
            frames: pictures, as `hilrt.data.pictures` packs them.

        Returns:
            Bytes written; 0 for a step that is there already.

        Raises:
            JournalWriteError: disk full, folder read-only ...; what was written before stays readable, and
                the same call may be tried again.
            JournalOrderError: a further step of an episode that has ended, or another one for one that it has.
        """
        record = decode(memoryview(header))
        file = self._file_of(record)
        if record.step <= file.last_step:
            if file.taken_ns.get(record.step) != record.wall_ns:
                raise JournalOrderError(str(file.path), file.last_step, record.step)
            return 0
        if file.ended:
            raise JournalOrderError(str(file.path), file.last_step, record.step)
        written = file.append(record, header, frames)
        if record.final:
            self.close()
        return written

    def close(self) -> None:
        """Make the disk keep what was written, and let go; may be called again."""
        if self._file is None:
            return
        file, self._file = self._file, None
        file.close()
        self.flushed = file.episode

    def _file_of(self, record: Record) -> "_EpisodeFile":
        if self._file is None or self._file.episode != record.episode:
            self.close()
            header = FileHeader(
                episode=record.episode,
                mode=record.mode,
                task=self._task,
                features=self._features,
                conditions=self._conditions,
                origin=self._origin,
            )
            self._file = _EpisodeFile(episode_path(self._folder, record.episode), header)
        return self._file


class _EpisodeFile:
    """A file under the pen: new, or continued after its last whole record."""

    def __init__(self, path: Path, header: FileHeader) -> None:
        self.path = path
        self.episode = header.episode
        self.last_step = -1
        self.ended = False
        self.taken_ns: dict[int, int] = {}
        """When each step was taken, which tells it from one of another episode by the same number."""
        try:
            if not path.exists():
                _create(path, header)
            self._recall(header.features)
            self._fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            os.ftruncate(self._fd, self._end)
        except OSError as error:
            raise JournalWriteError(str(path), error) from None

    def _recall(self, features: Features) -> None:
        """See what is there: the last step, where it ends, and what digests begin with."""
        with Scan(self.path, features) as scan:
            for record, _ in scan.records(frames=True):
                self._note(record)
        self._end, self._seed = scan.end, scan.seed

    def append(self, record: Record, head: Buffer, frames: Buffer) -> int:
        try:
            written = write_block(self._fd, self._end, head, frames, self._seed(self._end))
        except OSError as error:
            with contextlib.suppress(OSError):  # a torn record may stay; the next write goes over it
                os.ftruncate(self._fd, self._end)
            raise JournalWriteError(str(self.path), error) from None
        self._end += written
        self._note(record)
        return written

    def _note(self, record: Record) -> None:
        self.last_step, self.ended = record.step, record.final
        self.taken_ns[record.step] = record.wall_ns

    def close(self) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise JournalWriteError(str(self.path), error) from None
        finally:
            os.close(self._fd)


def _create(path: Path, header: FileHeader) -> None:
    """Make the file with its header, under its name only once it is on disk."""
    draft = path.with_suffix(".new")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, MAGIC)
        write_block(fd, len(MAGIC), msgspec.json.encode(header), b"", 0)
        os.fsync(fd)
    except OSError:
        draft.unlink()
        raise
    finally:
        os.close(fd)
    draft.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the disk keep the names in it."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
