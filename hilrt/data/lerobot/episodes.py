"""The table of episodes: where each one lies, how long it is, and its statistics."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Meta, Struct

from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.layout import EPISODES, TASKS, Count, Info
from hilrt.data.lerobot.parquet import read_dicts
from hilrt.data.lerobot.stats import Stats
from hilrt.errors import DatasetDamagedError

FileIndex = tuple[int, int]
"""Chunk and file."""

ORIGIN = "hilrt/origin"
"""Which journal file an episode was made from, so that no crash can bring it in twice."""
IMPORT = "import:"
"""What the origin of an episode made by others begins with."""

_Steps = Annotated[int, Meta(ge=1)]
_Seconds = Annotated[float, Meta(ge=0, le=1e9)]


class Clip(Struct, frozen=True):
    """An episode's part of a camera's video file."""

    file: FileIndex
    from_s: float
    to_s: float


class EpisodeRow(Struct, frozen=True, kw_only=True):
    """One episode's row."""

    episode: int
    tasks: list[str]
    length: int
    """Steps."""
    data: FileIndex
    start: int
    """Index of its first step in the whole dataset."""
    stop: int
    """Index behind that of its last one."""
    clips: dict[str, Clip] = {}
    meta: FileIndex
    """File that this row is in."""
    origin: str = ""
    stats: dict[str, Stats] = {}

    @property
    def imported(self) -> bool:
        """Whether others recorded it."""
        return self.origin.startswith(IMPORT)


def read_episodes(root: Path, info: Info) -> list[EpisodeRow]:
    """The episodes that `info` counts, in their order.

    Raises:
        DatasetError: a file is not what it should be, or a link out of the dataset.
    """
    rows: list[dict[str, Any]] = []
    for _, path in sorted(map(_numbered, (root / "meta" / "episodes").glob("chunk-*/file-*.parquet"))):
        rows.extend(read_dicts(inside(root, path.relative_to(root))))
    if len(rows) < info.total_episodes:
        raise DatasetDamagedError(
            str(root / "meta/episodes"),
            f"it has {len(rows)} episodes, info.json counts {info.total_episodes}",
        )
    try:
        return [_from_dict(row, info) for row in rows[: info.total_episodes]]
    except KeyError as error:
        raise DatasetDamagedError(str(root / "meta/episodes"), f"it lacks the column {error}") from None
    except (ValueError, TypeError) as error:
        raise DatasetDamagedError(str(root / "meta/episodes"), str(error)) from None


def write_episodes(path: Path, rows: list[EpisodeRow]) -> None:
    """Write a file of them."""
    dicts = [_to_dict(row) for row in rows]
    pq.write_table(pa.Table.from_pylist(dicts, schema=_schema(dicts[0])), path, write_page_checksum=True)


def read_tasks(root: Path) -> list[str]:
    """Names of the tasks by their index; DatasetDamagedError if the file is not what it should be."""
    path = inside(root, TASKS)
    rows = read_dicts(path)
    try:
        found = {row["task_index"]: row["task" if "task" in row else "__index_level_0__"] for row in rows}
        return msgspec.convert([found[i] for i in range(len(found))], list[str])
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise DatasetDamagedError(str(path), f"it is no list of tasks: {error}") from None


def write_tasks(path: Path, tasks: Iterable[str]) -> None:
    """Write them, their names as the index of the data frame that readers make of it."""
    names = list(tasks)
    table = pa.table({"task_index": pa.array(range(len(names)), pa.int64()), "task": names})
    columns = [
        {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy, "metadata": None}
        for name, kind, numpy in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
    ]
    pandas = {"index_columns": ["task"], "column_indexes": [], "columns": columns, "pandas_version": "2.0"}
    table = table.replace_schema_metadata({"pandas": json.dumps(pandas)})
    pq.write_table(table, path, write_page_checksum=True)


def path_of(file: FileIndex, template: str = EPISODES, **names: str) -> str:
    """A numbered file's place below the root."""
    return template.format(chunk_index=file[0], file_index=file[1], **names)


def _numbered(path: Path) -> tuple[FileIndex, Path]:
    chunk, file = path.parent.name.removeprefix("chunk-"), path.stem.removeprefix("file-")
    if not (chunk.isdecimal() and file.isdecimal()):
        raise DatasetDamagedError(str(path), "its name has no number")
    return (int(chunk), int(file)), path


def _to_dict(row: EpisodeRow) -> dict[str, Any]:
    stats = {f"stats/{key}/{name}": v.tolist() for key, part in row.stats.items() for name, v in part.items()}
    clips: dict[str, Any] = {}
    for key, clip in row.clips.items():
        clips[f"videos/{key}/chunk_index"], clips[f"videos/{key}/file_index"] = clip.file
        clips[f"videos/{key}/from_timestamp"], clips[f"videos/{key}/to_timestamp"] = clip.from_s, clip.to_s
    return {
        "episode_index": row.episode,
        "tasks": row.tasks,
        "length": row.length,
        "data/chunk_index": row.data[0],
        "data/file_index": row.data[1],
        "dataset_from_index": row.start,
        "dataset_to_index": row.stop,
        **clips,
        **stats,
        ORIGIN: row.origin,
        "meta/episodes/chunk_index": row.meta[0],
        "meta/episodes/file_index": row.meta[1],
    }


def _from_dict(row: dict[str, Any], info: Info) -> EpisodeRow:
    stats: dict[str, Stats] = {}
    for column, value in row.items():
        if column.startswith("stats/"):
            key, name = column.removeprefix("stats/").rsplit("/", 1)
            stats.setdefault(key, {})[name] = np.array(value, np.float64)
    told = {column: value for column, value in row.items() if value is not None}
    place = {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0, ORIGIN: ""} | told
    return EpisodeRow(
        episode=_cell(row, "episode_index", Count),
        tasks=_cell(row, "tasks", list[str]),
        length=_cell(row, "length", _Steps),
        data=_file(row, "data/"),
        start=_cell(row, "dataset_from_index", Count),
        stop=_cell(row, "dataset_to_index", Count),
        clips={key: _clip(row, f"videos/{key}/") for key in info.videos},
        meta=_file(place, "meta/episodes/"),
        origin=_cell(place, ORIGIN, str),
        stats=stats,
    )


def _clip(row: dict[str, Any], at: str) -> Clip:
    from_s, to_s = (_cell(row, f"{at}{end}_timestamp", _Seconds) for end in ("from", "to"))
    return Clip(_file(row, at), from_s, to_s)


def _file(row: dict[str, Any], at: str) -> FileIndex:
    return _cell(row, at + "chunk_index", Count), _cell(row, at + "file_index", Count)


def _cell(row: dict[str, Any], column: str, kind: Any) -> Any:  # noqa: ANN401 - of a row's column
    try:
        return msgspec.convert(row[column], kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{column} is {row[column]!r} in a row: {error}") from None


def _schema(row: dict[str, Any]) -> pa.Schema:
    return pa.schema([pa.field(name, _type_of(name, value)) for name, value in row.items()])


def _type_of(name: str, value: Any) -> pa.DataType:  # noqa: ANN401 - of a row's column
    if isinstance(value, list):
        return pa.list_(pa.string() if name == "tasks" else _type_of(name, value[0]))
    return {int: pa.int64(), float: pa.float64(), str: pa.string()}[type(value)]
