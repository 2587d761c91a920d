"""Episodes into a dataset: rows in row groups as they come, so that no more than a few pictures are in memory.

An episode lies within one data file, and a file ends once it is `data_files_size_in_mb` long. Each session of writing
begins new files; those that are there are never touched.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hilrt.data.labels import LABELS, Correction, write_corrections
from hilrt.data.lerobot import stats
from hilrt.data.lerobot.change import Change
from hilrt.data.lerobot.circumstances import CONDITIONS, write_conditions
from hilrt.data.lerobot.columns import IMAGES, Arrays, arrow_schema, table_of, to_arrays, to_table
from hilrt.data.lerobot.dataset import Dataset
from hilrt.data.lerobot.episodes import Clip, EpisodeRow, FileIndex, path_of, write_episodes, write_tasks
from hilrt.data.lerobot.layout import (
    EPISODES,
    FINAL,
    INFO,
    SIDECAR,
    SIDECAR_FORMAT,
    STATS,
    TASKS,
    VIDEO,
    Info,
    Sidecar,
    json_bytes,
)
from hilrt.data.lerobot.take import Take, survey
from hilrt.data.pictures import decoded
from hilrt.errors import EpisodeDamagedError
from hilrt.resource import Resource
from hilrt.step.conditions import Conditions
from hilrt.step.features import Features
from hilrt.step.sealed import sealed

GROUP_BYTES = 16_000_000
"""Pictures in a row group."""
MB = 1_000_000


class DatasetWriter(Resource):
    """Adds episodes to a dataset, new or old; `finish` makes them count."""

    def __init__(
        self,
        change: Change,
        features: Features,
        info: Info,
        rows: Sequence[EpisodeRow] = (),
        tasks: Sequence[str] = (),
        conditions: Sequence[Conditions | None] = (),
    ) -> None:
        self.rows = list(rows)
        self._conditions = list(conditions)
        self._corrections: list[Correction] = []
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
        writer = cls(change, dataset.features, dataset.info, dataset.rows, dataset.tasks, dataset.conditions)
        writer._corrections = list(dataset.corrections)
        return writer

    def add(self, take: Take) -> None:
        """Add an episode.

        Raises:
            EpisodeDamagedError: it cannot be read whole; nothing of it is in the dataset.
            OSError: the disk does not take it.
        """
        if not take.steps:
            raise EpisodeDamagedError(take.name, "has no step")
        arrays = self._placed(to_arrays(take.records[:-1], self.features), take)
        looked = survey(take, self.features.images, whole=bool(self._info.videos))
        colours = take.colours or dict(zip(self._cameras, looked, strict=True))
        self._turn_page(0 if self._info.videos else take.size)
        clips = {key: self._next_clip(key, take.steps) for key in self._info.videos}
        self._write(take, arrays, clips)
        numbers = {key: array for key, array in arrays.items() if key in self._info.features}
        row = EpisodeRow(
            episode=len(self.rows),
            tasks=[take.task],
            length=take.steps,
            data=self._file,
            start=int(arrays["index"][0]),
            stop=int(arrays["index"][-1]) + 1,
            clips=clips,
            meta=self._meta,
            origin=take.origin,
            stats={**stats.of_columns(numbers), **colours},
        )
        self._corrections += [msgspec.structs.replace(c, episode=row.episode) for c in take.corrections]
        self.rows.append(row)
        self._conditions.append(take.conditions)

    def finish(self, *, whole: bool = False) -> None:
        """Make the episodes count, all at once; `whole`: the files of others that are there go."""
        self.close()
        if len(self.rows) > self._known:
            write_episodes(self._change.path(path_of(self._meta, EPISODES)), self.rows[self._known :])
        write_tasks(self._change.path(TASKS), self._tasks)
        everything = stats.together(row.stats for row in self.rows)
        self._write_json(
            STATS, {key: {name: v.tolist() for name, v in s.items()} for key, s in everything.items()}
        )
        steps = Sidecar(features=msgspec.structs.replace(self.features, views=()))
        self._change.path(SIDECAR).write_bytes(sealed(steps, SIDECAR_FORMAT))
        write_conditions(self._change.path(CONDITIONS), self._conditions)
        if self._corrections:
            write_corrections(self._change.path(LABELS), self._corrections)
        self._write_json(INFO, self._counted())
        self._change.commit(whole=whole)

    def close(self) -> None:
        """Close the files; may be called again."""
        files, self._data, self._final = (self._data, self._final), None, None
        for file in filter(None, files):
            file.close()

    # --- an episode ------------------------------------------------------------------------------

    def _placed(self, arrays: Arrays, take: Take) -> Arrays:
        """With the columns that say where a row stands."""
        n = take.steps
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

    def _write(self, take: Take, arrays: Arrays, clips: dict[str, Clip]) -> None:
        pictures = take.pictures(len(self._cameras))
        if take.films:
            for key, clip in clips.items():
                shutil.copyfile(take.films[key], self._film_path(key, clip))
            self._write_rows(arrays, 0, [()] * take.steps)
        elif clips:
            self._film(islice(pictures, take.steps), clips)
            self._write_rows(arrays, 0, [()] * take.steps)
        else:
            self._write_groups(arrays, islice(pictures, take.steps))
        self._write_final(take, next(pictures))

    def _film(self, pictures: Iterator[tuple[bytes, ...]], clips: dict[str, Clip]) -> None:
        from hilrt.data.lerobot.video import Film  # noqa: PLC0415 - av is behind it

        with ExitStack() as films:
            cameras = [
                films.enter_context(Film(self._film_path(key, clip), self._info.fps))
                for key, clip in clips.items()
            ]
            for files in pictures:
                for film, file in zip(cameras, files, strict=True):
                    film.add(decoded(file))

    def _write_groups(self, arrays: Arrays, pictures: Iterator[tuple[bytes, ...]]) -> None:
        at, held, batch = 0, 0, []
        for files in pictures:
            batch.append(files)
            held += sum(map(len, files))
            if held >= GROUP_BYTES:
                self._write_rows(arrays, at, batch)
                at, held, batch = at + len(batch), 0, []
        if batch:
            self._write_rows(arrays, at, batch)

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
        table = table_of(self.features, video=False)
        schema = arrow_schema({key: table[key] for key in table if key in self._info.features})
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

    def _film_path(self, key: str, clip: Clip) -> Path:
        return self._change.path(path_of(clip.file, self._info.video_path or VIDEO, video_key=key))

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
    numbers = [field.name for field in schema if not pa.types.is_struct(field.type)]
    return pq.ParquetWriter(
        path, schema, use_dictionary=False, write_statistics=numbers, write_page_checksum=True
    )
