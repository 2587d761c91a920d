"""A dataset on disk, read as the episodes that were recorded."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from hilrt.data.format import FileHeader
from hilrt.data.journal import Episode
from hilrt.data.lerobot.change import finish
from hilrt.data.lerobot.columns import IMAGES, files_of, from_table, to_records
from hilrt.data.lerobot.episodes import Clip, EpisodeRow, path_of, read_rows, read_tasks
from hilrt.data.lerobot.layout import FINAL, INFO, VIDEO, Info, read_info, read_sidecar
from hilrt.data.lerobot.parquet import read_part
from hilrt.data.pictures import joined
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
        self.rows = read_rows(root, info)
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
        if not 0 <= number < len(self):
            raise IndexError(f"no episode {number}; there are {len(self)}")
        row = self.rows[number]
        table, final = self._table(row, frames=frames), self._final(number, frames=frames)
        records = to_records(from_table(table), self.features, number)
        records += to_records(from_table(final), self.features, number, final=True)
        task = row.tasks[0] if row.tasks else ""
        mode = records[0].mode if records else Mode.DEMO
        episode = Episode(
            header=FileHeader(episode=number, mode=mode, task=task, features=self.features),
            records=records,
            frames=[],
            torn=None,
        )
        if not frames:
            return episode
        if self.info.videos:
            return self._filmed(episode, row, final)
        keys = [IMAGES + image.name for image in self.features.images]
        for part in (table, final):
            columns = [files_of(part, key) for key in keys]
            episode.frames += (
                [joined(files) for files in zip(*columns, strict=True)] if keys else [b""] * len(part)
            )
        return episode

    def data_path(self, row: EpisodeRow) -> Path:
        """File of an episode's rows."""
        return self.root / path_of(row.data, self.info.data_path)

    def video_path(self, key: str, clip: Clip) -> Path:
        """File of a camera's video."""
        return self.root / path_of(clip.file, self.info.video_path or VIDEO, video_key=key)

    def _table(self, row: EpisodeRow, *, frames: bool) -> pa.Table:
        path = self.data_path(row)
        at = row.start - self._begins[row.data]
        table = read_part(path, at, at + row.length, self._columns(frames=frames))
        _expect(path, table, row.episode)
        return table

    def _final(self, number: int, *, frames: bool) -> pa.Table:
        first = max((f for f in self._finals if f <= number), default=0)
        path = self.root / FINAL.format(first_episode=first)
        table = read_part(path, number - first, number - first + 1, self._columns(frames=frames, final=True))
        _expect(path, table, number)
        return table

    def _columns(self, *, frames: bool, final: bool = False) -> list[str]:
        unread = set() if frames else {"image"}
        unread |= set() if frames and final else {"video"}
        return [key for key, feature in self.info.features.items() if feature.dtype not in unread]

    def _filmed(self, episode: Episode, row: EpisodeRow, final: pa.Table) -> Episode:
        from hilrt.data.lerobot.video import FilmedEpisode, FilmReader  # noqa: PLC0415 - av is behind it

        films, last = {}, {}
        for image in self.features.images:
            clip = row.clips[IMAGES + image.name]
            path = self.video_path(IMAGES + image.name, clip)
            films[image.name] = FilmReader(path, clip.from_s, self.info.fps)
            (last[image.name],) = files_of(final, IMAGES + image.name)
        return FilmedEpisode.of(episode, films, last)


def _begins(rows: list[EpisodeRow]) -> dict[tuple[int, int], int]:
    """Index of the first row of each data file."""
    begins: dict[tuple[int, int], int] = {}
    for row in rows:
        begins.setdefault(row.data, row.start)
    return begins


def _expect(path: Path, table: pa.Table, number: int) -> None:
    found = set(table.column("episode_index").to_pylist())
    if found - {number}:
        raise DatasetDamagedError(str(path), f"where episode {number} should lie, it has rows of {found}")


def _final_episode(path: Path) -> int:
    return int(path.stem.removeprefix("final-"))
