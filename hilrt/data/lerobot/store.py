"""A dataset of the format, whoever wrote it: where its episodes lie, and their rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import pyarrow as pa

from hilrt.data.lerobot.change import finish
from hilrt.data.lerobot.circumstances import read_conditions
from hilrt.data.lerobot.episodes import Clip, EpisodeRow, FileIndex, path_of, read_episodes, read_tasks
from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.layout import VIDEO, Info, read_info
from hilrt.data.lerobot.parquet import of_features, parts
from hilrt.errors import DatasetDamagedError


class Store:
    """An opened dataset; what it has written to it later it does not see."""

    def __init__(self, root: Path, info: Info) -> None:
        self.root = root
        self.info = info
        self.rows = read_episodes(root, info)
        """Where each episode lies."""
        self.tasks = read_tasks(root)
        self.conditions = read_conditions(root, len(self.rows))
        """Under which each episode was recorded; None where that is not known."""
        self._begins: dict[FileIndex, int] = {}
        self._lengths: dict[FileIndex, int] = {}
        for row in self.rows:
            self._begins.setdefault(row.data, row.start)
            self._lengths[row.data] = self._lengths.get(row.data, 0) + row.length

    @classmethod
    def open(cls, root: Path) -> Self:
        """The dataset in a folder.

        Raises:
            DatasetError: none is there, or one that cannot be read.
            DatasetBusyError, DatasetWriteError: a commit that a crash has cut off cannot be completed.
        """
        finish(root)
        return cls(root, read_info(root))

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.rows)

    def row(self, number: int) -> EpisodeRow:
        """Where an episode lies; IndexError if there is none of that number."""
        if not 0 <= number < len(self):
            raise IndexError(f"no episode {number}; there are {len(self)}")
        return self.rows[number]

    def task(self, row: EpisodeRow) -> str:
        """What was to be done in an episode."""
        return row.tasks[0] if row.tasks else ""

    def steps(self, row: EpisodeRow, columns: Sequence[str]) -> Iterator[pa.Table]:
        """An episode's rows, a row group at a time; their columns are there, and are pictures or numbers.

        Raises:
            DatasetDamagedError: the file cannot be read, or holds something else.
        """
        path, at = self.data_path(row), row.start - self._begins[row.data]
        if at < 0:
            problem = (
                f"episode {row.episode} begins at row {row.start}, before the first of {self.name(path)}"
            )
            raise DatasetDamagedError(str(self.root / path_of(row.meta)), problem)
        wanted = [*columns, "episode_index"]
        for table in parts(path, at, at + row.length, wanted):
            yield expected(path, of_features(path, table, wanted, self.info.features), row.episode)

    def data_path(self, row: EpisodeRow) -> Path:
        """File of an episode's rows; DatasetPathError if it is none of the dataset's."""
        return inside(self.root, path_of(row.data, self.info.data_path))

    def video_path(self, key: str, clip: Clip) -> Path:
        """File of a camera's video; DatasetPathError if it is none of the dataset's."""
        return inside(self.root, path_of(clip.file, self.info.video_path or VIDEO, video_key=key))

    def name(self, path: Path) -> str:
        """A file's, below the root."""
        return str(path.relative_to(self.root))

    def size(self, row: EpisodeRow) -> int:
        """About what an episode takes in its data file [bytes]."""
        return round(row.length / self._lengths[row.data] * self.data_path(row).stat().st_size)


def expected(path: Path, table: pa.Table, number: int) -> pa.Table:
    """`table`, which should be of that episode; DatasetDamagedError if it is not."""
    found = set(table.column("episode_index").to_pylist())
    if found - {number}:
        raise DatasetDamagedError(str(path), f"where episode {number} should lie, it has rows of {found}")
    return table
