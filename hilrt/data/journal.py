"""The journal: every step on disk, one append-only file per episode, readable after any crash.

A file (`hilrt.data.format`) gets its name once its header is on disk, each record is one write, and the disk
is made to keep it all at the episode's end: the only thing a crash can leave behind is a torn last record,
which readers leave out. What a disk has damaged they leave out too, and say so.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hilrt.data.format import MAGIC, Buffer, FileHeader, Scan, write_block
from hilrt.data.pictures import Picture, decoded, unpacked
from hilrt.errors import JournalOrderError, JournalWriteError
from hilrt.resource import Resource
from hilrt.step.conditions import Conditions
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record, decode

JOURNAL = "journal"
"""Its folder, in a run or in a dataset."""


class Episode(msgspec.Struct, kw_only=True):
    """One file's whole records."""

    header: FileHeader
    records: list[Record]
    """In the order of their steps; steps that never reached the journal are missing (see `Record.step`)."""
    frames: list[bytes]
    """Pictures of each record, as `hilrt.data.pictures` packs them; empty unless asked for."""
    torn: str | None
    """Why nothing could be read behind the last record, as after a crash."""
    lost: list[str] = []
    """Damage before the last record: which steps are lost, in words."""

    @property
    def number(self) -> int:
        """Number of the episode, unique within its folder."""
        return self.header.episode

    @property
    def mode(self) -> Mode:
        """Why the episode was run."""
        return self.header.mode

    @property
    def complete(self) -> bool:
        """Whether its final record is there; control that died in between leaves none."""
        return bool(self.records) and self.records[-1].final

    @property
    def discarded(self) -> bool:
        """Whether the operator wanted it recorded again."""
        return self.complete and self.records[-1].discarded

    @property
    def succeeded(self) -> bool:
        """Whether it was kept and ended in success."""
        return self.complete and self.records[-1].success and not self.records[-1].discarded

    def images(self, index: int) -> dict[str, Picture]:
        """Frames of `records[index]` by camera: read-only, (height, width, 3), RGB; {} where it has none.

        Raises:
            PictureError: a picture is damaged.
        """
        files = unpacked(self.frames[index])
        names = [image.name for image in self.header.features.images]
        return {name: decoded(file) for name, file in zip(names, files, strict=False)}


# --- reading -------------------------------------------------------------------------------------


def episode_path(folder: Path, episode: int) -> Path:
    """Where an episode's file lies."""
    return folder / f"episode_{episode:06d}.hilrt"


def episode_files(folder: Path) -> list[Path]:
    """The folder's episodes in the order of their numbers."""
    return [path for _, path in sorted(_files(folder))]


def number_of(path: Path) -> int:
    """Number of the episode in a file, by the file's name."""
    return int(path.stem.removeprefix("episode_"))


def read_episode(path: Path, *, frames: bool = False, features: Features | None = None) -> Episode:
    """Every whole record of one file; damage is reported by `Episode.lost` and `Episode.torn`, not raised.

    Args:
        path: the file; it may be growing.
        frames: read the frames too, and check their digests.
        features: what the steps are expected to consist of.

    Raises:
        JournalFormatError: absent, not a journal, of another version, or its header is damaged.
        JournalFeaturesError: recorded with other features than `features`.
    """
    with Scan(path, features) as scan:
        records, raw = [], []
        for record, its_frames in scan.records(frames=frames):
            records.append(record)
            if frames:
                raw.append(its_frames)
        return Episode(header=scan.header, records=records, frames=raw, torn=scan.torn, lost=scan.lost)


def read_episodes(
    folder: Path, *, frames: bool = False, features: Features | None = None
) -> Iterator[Episode]:
    """The folder's episodes in the order of their numbers, one at a time; see `read_episode`."""
    for path in episode_files(folder):
        yield read_episode(path, frames=frames, features=features)


def check_features(folder: Path, features: Features) -> None:
    """See that the folder's episodes consist of these; reads no more than their headers.

    Raises:
        JournalFormatError: a file is no journal, or its header is damaged.
        JournalFeaturesError: one was recorded with other features.
    """
    for path in episode_files(folder):
        with Scan(path, features):
            pass


def next_episode(folder: Path) -> int:
    """The first number after those of the folder's episodes."""
    return max((number for number, _ in _files(folder)), default=-1) + 1


def online_steps(folder: Path) -> int:
    """Training steps in a folder of episodes, cut and discarded ones included."""
    return sum(
        sum(not record.final for record in episode.records)
        for episode in read_episodes(folder)
        if episode.mode is Mode.TRAIN
    )


def _files(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.glob("episode_*.hilrt"):
        if path.stem.removeprefix("episode_").isdecimal():
            yield number_of(path), path


# --- writing -------------------------------------------------------------------------------------


class JournalWriter(Resource):
    """Appends records to their episodes' files. One writer per folder; not to be shared by threads."""

    def __init__(
        self, folder: Path, features: Features, task: str, conditions: Conditions | None = None
    ) -> None:
        self.flushed = -1
        """The last episode that is safely on disk."""
        self._folder = folder
        self._features = features
        self._task = task
        self._conditions = conditions
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
