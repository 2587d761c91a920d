"""Episodes into a dataset: rows in row groups as they come, so that no more than a few pictures are in memory.

An episode lies within one data file, and a file ends once it is `data_files_size_in_mb` long. Each session of writing
begins new files; those that are there are never touched.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from hilrt.data.lerobot import stats
from hilrt.data.lerobot.change import Change
from hilrt.data.lerobot.columns import IMAGES, Arrays, arrow_schema, table_of, to_arrays, to_table
from hilrt.data.lerobot.dataset import Dataset
from hilrt.data.lerobot.episodes import Clip, EpisodeRow, FileIndex, path_of, write_rows, write_tasks
from hilrt.data.lerobot.layout import (
    EPISODES,
    FINAL,
    INFO,
    SIDECAR,
    STATS,
    TASKS,
    VIDEO,
    Info,
    Sidecar,
    json_bytes,
)
from hilrt.data.pictures import decoded, unpacked
from hilrt.errors_dataset import EpisodeDamagedError
from hilrt.features import Features
from hilrt.record import Record
from hilrt.resource import Resource

if TYPE_CHECKING:
    from hilrt.data.lerobot.video import Film

GROUP_BYTES = 16_000_000
"""Pictures in a row group."""
MB = 1_000_000


class Take(Struct, frozen=True, kw_only=True):
    """An episode on its way into a dataset."""

    name: str
    """For messages."""
    task: str
    records: list[Record]
    """Its steps; the last one is final."""
    frames: Callable[[], Iterator[bytes]]
    """Pictures of each record, as `hilrt.data.pictures` packs them; empty pieces where there are no cameras."""
    size: int
    """About what it takes on disk [bytes]."""
    origin: str = ""
    """Names the journal file it comes from."""


class DatasetWriter(Resource):
    """Adds episodes to a dataset, new or old; `finish` makes them count."""

    def __init__(
        self,
        change: Change,
        features: Features,
        info: Info,
        rows: Sequence[EpisodeRow] = (),
        tasks: Sequence[str] = (),
    ) -> None:
        self.rows = list(rows)
        self.features = features
        self._change = change
        self._info = info
        self._known = len(rows)
        self._tasks = list(tasks)
        self._schema = arrow_schema(info.features)
        self._cameras = [IMAGES + image.name for image in features.images]
        self._file: FileIndex = max((row.data for row in rows), default=(0, -1))
        self._meta = info.after(max((row.meta for row in rows), default=(0, -1)))
        self._clips = {key: max((r.clips[key].file for r in rows), default=(0, -1)) for key in info.videos}
        self._data: pq.ParquetWriter | None = None
        self._data_bytes = 0
        self._final: pq.ParquetWriter | None = None

    @classmethod
    def to(cls, change: Change, dataset: Dataset | None, features: Features, fresh: Info) -> "DatasetWriter":
        """Go on with a dataset, or begin one with `fresh`."""
        if dataset is None:
            return cls(change, features, fresh)
        return cls(change, dataset.features, dataset.info, dataset.rows, dataset.tasks)

    def add(self, take: Take) -> None:
        """Add an episode.

        Raises:
            EpisodeDamagedError, PictureError: it cannot be read whole; nothing of it is in the dataset.
            OSError: the disk does not take it.
        """
        steps = take.records[:-1]
        if not steps:
            raise EpisodeDamagedError(take.name, "has no step")
        arrays = self._placed(to_arrays(steps, self.features), take)
        colours = self._survey(take)
        self._turn_page(take.size)
        start = int(arrays["index"][0])
        clips = {key: self._next_clip(key, len(steps)) for key in self._info.videos}
        self._write(take, arrays, clips)
        numbers = stats.of_columns(
            {key: array for key, array in arrays.items() if key in self._info.features}
        )
        row = EpisodeRow(
            episode=len(self.rows),
            tasks=[take.task],
            length=len(steps),
            data=self._file,
            start=start,
            clips=clips,
            meta=self._meta,
            origin=take.origin,
            stats={**numbers, **{key: stats.of_pictures(sums) for key, sums in colours.items()}},
        )
        self.rows.append(row)

    def finish(self, remove: Sequence[str] = ()) -> None:
        """Make the episodes count, all at once; files of the dataset named in `remove` go."""
        self.close()
        if len(self.rows) > self._known:
            write_rows(self._change.path(path_of(self._meta, EPISODES)), self.rows[self._known :])
        write_tasks(self._change.path(TASKS), self._tasks)
        whole = stats.together(row.stats for row in self.rows)
        self._write_json(
            STATS, {key: {name: v.tolist() for name, v in s.items()} for key, s in whole.items()}
        )
        self._write_json(SIDECAR, Sidecar(features=msgspec.structs.replace(self.features, views=())))
        self._write_json(INFO, self._counted())
        self._change.commit(remove)

    def close(self) -> None:
        """Close the files; may be called again."""
        files, self._data, self._final = (self._data, self._final), None, None
        for file in filter(None, files):
            file.close()

    # --- an episode ------------------------------------------------------------------------------

    def _placed(self, arrays: Arrays, take: Take) -> Arrays:
        """With the columns that say where a row stands."""
        n = len(take.records) - 1
        if take.task not in self._tasks:
            self._tasks.append(take.task)
        start = self.rows[-1].start + self.rows[-1].length if self.rows else 0
        frame = np.arange(n)
        return arrays | {
            "timestamp": (frame / self._info.fps).astype(np.float32),
            "frame_index": frame,
            "episode_index": np.full(n, len(self.rows)),
            "index": start + frame,
            "task_index": np.full(n, self._tasks.index(take.task)),
        }

    def _survey(self, take: Take) -> dict[str, list[npt.NDArray[np.float64]]]:
        """See that every step has its pictures, before anything is written; colours of a few of them by camera."""
        colours: dict[str, list[npt.NDArray[np.float64]]] = {key: [] for key in self._cameras}
        stride = max(1, len(take.records) // stats.SAMPLES)
        count = 0
        for count, piece in enumerate(take.frames(), 1):
            files = self._split(take, piece, count - 1)
            if (count - 1) % stride == 0:
                for key, image, file in zip(self._cameras, self.features.images, files, strict=True):
                    picture = decoded(file)
                    if picture.shape != (image.height, image.width, 3):
                        raise EpisodeDamagedError(take.name, f"a picture of {image.name} is {picture.shape}")
                    colours[key].append(stats.of_picture(picture))
        if count < len(take.records):
            raise EpisodeDamagedError(take.name, f"its pictures can be read up to step {count} only")
        return colours

    def _split(self, take: Take, piece: bytes, at: int) -> tuple[bytes, ...]:
        files = unpacked(piece)
        if len(files) != len(self._cameras):
            record = take.records[at]
            problem = f"step {record.step} has {len(files)} of {len(self._cameras)} pictures"
            raise EpisodeDamagedError(take.name, problem)
        return files

    def _write(self, take: Take, arrays: Arrays, clips: dict[str, Clip]) -> None:
        n = len(take.records) - 1
        films = self._films(clips)
        at, held, batch = 0, 0, []
        for count, piece in enumerate(take.frames()):
            files = self._split(take, piece, count)
            if count == n:
                self._write_final(take, files)
                break
            if films:
                for film, file in zip(films, files, strict=True):
                    film.add(decoded(file))
                files = ()
            batch.append(files)
            held += sum(map(len, files))
            if held >= GROUP_BYTES or count == n - 1:
                self._write_rows(arrays, at, batch)
                at, held, batch = count + 1, 0, []
        for film in films:
            film.close()

    def _write_rows(self, arrays: Arrays, at: int, batch: list[tuple[bytes, ...]]) -> None:
        part = {key: array[at : at + len(batch)] for key, array in arrays.items()}
        pictures = {key: [files[i] for files in batch if files] for i, key in enumerate(self._cameras)}
        if self._data is None:
            self._data = _open(self._change.path(path_of(self._file, self._info.data_path)), self._schema)
        self._data.write_table(to_table(part, pictures, self._schema), row_group_size=len(batch))

    def _write_final(self, take: Take, files: tuple[bytes, ...]) -> None:
        arrays = to_arrays(take.records[-1:], self.features)
        place = dict.fromkeys(("timestamp", "frame_index", "index", "task_index"), np.zeros(1, np.int64))
        place["timestamp"] = np.zeros(1, np.float32)
        schema = arrow_schema(table_of(self.features, video=False))
        if self._final is None:
            name = FINAL.format(first_episode=self._known)
            self._final = _open(self._change.path(name), schema)
        pictures = {key: [file] for key, file in zip(self._cameras, files, strict=True)}
        rows = arrays | place | {"episode_index": np.array([len(self.rows)])}
        self._final.write_table(to_table(rows, pictures, schema))

    # --- files -----------------------------------------------------------------------------------

    def _turn_page(self, size: int) -> None:
        """Begin a new data file, if this is the first or another episode would make it too long."""
        if self._data is not None and self._data_bytes + size <= self._info.data_files_size_in_mb * MB:
            self._data_bytes += size
            return
        if self._data is not None:
            self._data.close()
            self._data = None
        self._file, self._data_bytes = self._info.after(self._file), size

    def _next_clip(self, key: str, length: int) -> Clip:
        """A video file for each episode: adding, dropping and joining episodes never touches a picture."""
        self._clips[key] = self._info.after(self._clips[key])
        return Clip(self._clips[key], 0.0, length / self._info.fps)

    def _films(self, clips: dict[str, Clip]) -> list["Film"]:
        if not clips:
            return []
        from hilrt.data.lerobot.video import Film  # noqa: PLC0415 - av is behind it

        template = self._info.video_path or VIDEO
        return [
            Film(self._change.path(path_of(clip.file, template, video_key=key)), self._info.fps)
            for key, clip in clips.items()
        ]

    def _counted(self) -> Info:
        n = len(self.rows)
        return msgspec.structs.replace(
            self._info,
            total_episodes=n,
            total_frames=sum(row.length for row in self.rows),
            total_tasks=len(self._tasks),
            splits={"train": f"0:{n}"},
        )

    def _write_json(self, name: str, content: object) -> None:
        self._change.path(name).write_bytes(json_bytes(content))


def new_info(features: Features, robot_type: str | None, *, video: bool) -> Info:
    """info.json of a dataset that has no episode yet."""
    return Info(
        robot_type=robot_type,
        fps=features.fps,
        video_path=VIDEO if video else None,
        features=table_of(features, video=video),
    )


def _open(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(path, schema, use_dictionary=False, write_page_checksum=True)
