"""A dataset on disk, read as the episodes that were recorded."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import msgspec
import pyarrow as pa

from hilrt.data.format import FileHeader
from hilrt.data.journal import Episode
from hilrt.data.lerobot.change import finish
from hilrt.data.lerobot.columns import IMAGES, files_of, from_table, to_records
from hilrt.data.lerobot.episodes import Clip, EpisodeRow, path_of, read_episodes, read_tasks
from hilrt.data.lerobot.layout import FINAL, INFO, VIDEO, Info, read_info, read_sidecar
from hilrt.data.lerobot.parquet import parts, read_rows
from hilrt.data.pictures import joined, unpacked
from hilrt.difference import difference
from hilrt.errors import JournalFeaturesError
from hilrt.errors_dataset import DatasetDamagedError
from hilrt.features import Features
from hilrt.record import Mode


def exists(root: Path) -> bool:
    """Whether a folder holds a dataset."""
    finish(root)
    return (root / INFO).is_file()


def open_dataset(root: Path, features: Features | None = None) -> "Dataset":
    """Open a dataset for reading.

    Args:
        root: its folder.
        features: what its steps are expected to consist of; how pictures are seen does not matter.

    Raises:
        DatasetAbsentError: no dataset is there.
        DatasetFormatError: of another version, or not what it should be.
        ForeignDatasetError: others wrote it.
        JournalFeaturesError: recorded with other features.
        DatasetDamagedError: a file cannot be read.
    """
    finish(root)
    info = read_info(root)
    found = read_sidecar(root).features
    if features is not None and (words := difference(found, msgspec.structs.replace(features, views=()))):
        raise JournalFeaturesError(str(root), words)
    return Dataset(root, info, found)


def demonstrations(root: Path, features: Features) -> Iterator[Episode]:
    """A dataset's episodes, without their frames; none where there is no dataset. See `open_dataset`."""
    return iter(open_dataset(root, features)) if exists(root) else iter(())


class Dataset:
    """Its episodes by number, from 0; see `open_dataset`."""

    def __init__(self, root: Path, info: Info, features: Features) -> None:
        self.root = root
        self.info = info
        self.features = features
        """Of the steps; without views, for how pictures are seen is no part of a recording."""
        self.rows = read_episodes(root, info)
        """Where each episode lies."""
        self.tasks = read_tasks(root)
        self._begins = _begins(self.rows)
        self._finals = sorted(_final_episode(path) for path in (root / "hilrt").glob("final-*.parquet"))

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Episode]:
        """Its episodes, without their frames."""
        return (self.episode(number) for number in range(len(self)))

    def episode(self, number: int, *, frames: bool = False) -> Episode:
        """One episode.

        Args:
            number: from 0.
            frames: whether its pictures are wanted.

        Raises:
            IndexError: there is none of that number.
            DatasetDamagedError: a file cannot be read, or holds something else.
        """
        row = self.row(number)
        pieces = [self._steps(row), self._final(number)]
        records = to_records(from_table(pieces[0]), self.features, number)
        records += to_records(from_table(pieces[1]), self.features, number, final=True)
        mode = records[0].mode if records else Mode.DEMO
        header = FileHeader(episode=number, mode=mode, task=self.task(row), features=self.features)
        episode = Episode(header=header, records=records, frames=[], torn=None)
        if frames and self.info.videos:
            return self._filmed(episode, row)
        if frames:
            episode.frames.extend(self.frames(number))
        return episode

    def frames(self, number: int) -> Iterator[bytes]:
        """Pictures of each of an episode's records, packed, a row group in memory at a time; of videos, the last only.

        Raises:
            DatasetDamagedError: a file cannot be read, or holds something else.
        """
        row, keys = self.row(number), self.cameras
        tables = [self._final(number, pictures=True)]
        steps = () if self.info.videos else self._parts(row, [*keys, "episode_index"])
        for table in chain(steps, tables):
            columns = [files_of(table, key) for key in keys]
            yield from map(joined, zip(*columns, strict=True)) if keys else (b"",) * len(table)

    def row(self, number: int) -> EpisodeRow:
        """Where an episode lies; IndexError if there is none of that number."""
        if not 0 <= number < len(self):
            raise IndexError(f"no episode {number}; there are {len(self)}")
        return self.rows[number]

    def task(self, row: EpisodeRow) -> str:
        """What was to be done in an episode."""
        return row.tasks[0] if row.tasks else ""

    @property
    def cameras(self) -> list[str]:
        """Columns of the cameras, in the order of `features.images`."""
        return [IMAGES + image.name for image in self.features.images]

    def data_path(self, row: EpisodeRow) -> Path:
        """File of an episode's rows."""
        return self.root / path_of(row.data, self.info.data_path)

    def size(self, row: EpisodeRow) -> int:
        """About what an episode takes in its data file [bytes]."""
        file = [other for other in self.rows if other.data == row.data]
        share = row.length / sum(other.length for other in file)
        return round(share * self.data_path(row).stat().st_size)

    def video_path(self, key: str, clip: Clip) -> Path:
        """File of a camera's video."""
        return self.root / path_of(clip.file, self.info.video_path or VIDEO, video_key=key)

    def _steps(self, row: EpisodeRow) -> pa.Table:
        return pa.concat_tables(self._parts(row, self._numbers))

    def _parts(self, row: EpisodeRow, columns: list[str]) -> Iterator[pa.Table]:
        path, at = self.data_path(row), row.start - self._begins[row.data]
        for table in parts(path, at, at + row.length, columns):
            yield _expected(path, table, row.episode)

    def _final(self, number: int, *, pictures: bool = False) -> pa.Table:
        first = max((f for f in self._finals if f <= number), default=0)
        path, at = self.root / FINAL.format(first_episode=first), number - first
        columns = [*self.cameras, "episode_index"] if pictures else self._numbers
        return _expected(path, read_rows(path, at, at + 1, columns), number)

    @property
    def _numbers(self) -> list[str]:
        return [key for key, feature in self.info.features.items() if not feature.is_picture]

    def _filmed(self, episode: Episode, row: EpisodeRow) -> Episode:
        from hilrt.data.lerobot.video import FilmedEpisode, FilmReader  # noqa: PLC0415 - av is behind it

        (last,) = self.frames(row.episode)
        names = [image.name for image in self.features.images]
        clips = {name: row.clips[IMAGES + name] for name in names}
        films = {
            name: FilmReader(self.video_path(IMAGES + name, clip), clip.from_s, self.info.fps)
            for name, clip in clips.items()
        }
        return FilmedEpisode.of(episode, films, dict(zip(names, unpacked(last), strict=True)))


def _begins(rows: list[EpisodeRow]) -> dict[tuple[int, int], int]:
    """Index of the first row of each data file."""
    begins: dict[tuple[int, int], int] = {}
    for row in rows:
        begins.setdefault(row.data, row.start)
    return begins


def _expected(path: Path, table: pa.Table, number: int) -> pa.Table:
    found = set(table.column("episode_index").to_pylist())
    if found - {number}:
        raise DatasetDamagedError(str(path), f"where episode {number} should lie, it has rows of {found}")
    return table


def _final_episode(path: Path) -> int:
    return int(path.stem.removeprefix("final-"))
