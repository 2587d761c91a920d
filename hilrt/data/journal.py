"""The journal, read: every step on disk, one append-only file per episode, readable after any crash.

A file (`hilrt.data.format`) gets its name once its header is on disk, each record is one write, and the disk
is made to keep it all at the episode's end (`hilrt.data.journalwriter`): the only thing a crash can leave behind is a
torn last record, which readers leave out. What a disk has damaged they leave out too, and say so.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from hilrt.data.format import FileHeader, Scan
from hilrt.data.pictures import Picture, decoded, unpacked
from hilrt.errors import JournalFormatError, PictureError
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record

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
    path: str = ""
    """Its file."""

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
            JournalFormatError: a picture is damaged.
        """
        try:
            return self._decoded(index)
        except PictureError as error:
            raise JournalFormatError(self.path, f"step {self.records[index].step}: {error}") from None

    def _decoded(self, index: int) -> dict[str, Picture]:
        files = unpacked(self.frames[index])
        names = [image.name for image in self.header.features.images]
        return {name: decoded(file) for name, file in zip(names, files, strict=False)}


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
        JournalFormatError: absent, not a journal, of another version, its header is damaged, or the disk fails.
        JournalFeaturesError: recorded with other features than `features`.
    """
    with Scan(path, features) as scan:
        records, raw = [], []
        for record, its_frames in scan.records(frames=frames):
            records.append(record)
            if frames:
                raw.append(its_frames)
        return Episode(
            header=scan.header,
            records=records,
            frames=raw,
            torn=scan.torn,
            lost=scan.lost,
            path=str(path),
        )


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
    """Training steps in a folder of episodes, cut and discarded ones included; none from before the run."""
    return sum(
        sum(not record.final for record in episode.records)
        for episode in read_episodes(folder)
        if episode.mode is Mode.TRAIN and not episode.header.earlier
    )


def _files(folder: Path) -> Iterator[tuple[int, Path]]:
    for path in folder.glob("episode_*.hilrt"):
        if path.stem.removeprefix("episode_").isdecimal():
            yield number_of(path), path
