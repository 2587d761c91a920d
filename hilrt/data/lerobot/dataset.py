"""A dataset on disk, read as the episodes that were recorded."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec
import pyarrow as pa

from hilrt.data.format import FileHeader
from hilrt.data.journal import Episode
from hilrt.data.labels import LABELS, Correction, corrected, in_force, misplaced, read_corrections
from hilrt.data.lerobot.change import finish
from hilrt.data.lerobot.columns import (
    IMAGES,
    TOLD,
    Arrays,
    arrow_schema,
    files_of,
    from_table,
    relabelled,
    table_of,
    to_records,
)
from hilrt.data.lerobot.episodes import EpisodeRow
from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.layout import FINAL, INFO, Info, read_sidecar
from hilrt.data.lerobot.parquet import of_schema, read_rows
from hilrt.data.lerobot.rules.meta import info_rules, row_rules
from hilrt.data.lerobot.store import Store, expected
from hilrt.data.lerobot.stored import StoredEpisode
from hilrt.data.pictures import joined, unpacked
from hilrt.errors import DatasetDamagedError, DatasetFormatError, EpisodeDamagedError, JournalFeaturesError
from hilrt.step.difference import difference
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record


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
        DatasetError: no dataset is there, others wrote it, or it cannot be read.
        JournalFeaturesError: recorded with other features.
    """
    dataset = Dataset.open(root)
    mine = dataset.features if features is None else msgspec.structs.replace(features, views=())
    if words := difference(dataset.features, mine):
        raise JournalFeaturesError(str(root), words)
    return dataset


def open_to_change(root: Path, features: Features | None = None) -> "Dataset":
    """Open a dataset whose files will be written anew or added to; see `open_dataset`.

    Raises:
        DatasetFormatError: another tool has added columns, which hilrt would not write.
    """
    dataset = open_dataset(root, features)
    ours = table_of(dataset.features, video=bool(dataset.info.videos))
    if added := sorted(dataset.info.features.keys() - ours):
        raise DatasetFormatError(
            str(root / INFO),
            f"has columns that hilrt does not write: {', '.join(added)}; nothing was changed",
            f"`hilrt dataset export {root} OUT` makes a copy without them, to go on with.",
        )
    return dataset


def demonstrations(root: Path, features: Features) -> Iterator[Episode]:
    """A dataset's episodes, without their frames; none where there is no dataset. See `open_dataset`."""
    return iter(open_dataset(root, features)) if exists(root) else iter(())


class Dataset(Store):
    """Its episodes by number, from 0; see `open_dataset`."""

    def __init__(self, root: Path, info: Info) -> None:
        super().__init__(root, info)
        self.features = read_sidecar(root).features
        """Of the steps; without views, for how pictures are seen is no part of a recording."""
        table = table_of(self.features, video=False)
        self._schema = arrow_schema({k: table[k] for k in table if k != TOLD or k in info.features})
        for broken in chain(info_rules(self, self.features), row_rules(self)):
            raise DatasetDamagedError(str(root / broken.file), broken.problem)
        self.corrections = read_corrections(root)
        """Of labels, all that were ever made."""
        for problem in misplaced(self.corrections, self.rows):
            raise DatasetDamagedError(str(root / LABELS), problem)
        self._in_force = in_force(self.corrections)
        finals = (root / "hilrt").glob("final-*.parquet")
        numbers = (path.stem.removeprefix("final-") for path in finals)
        self._finals = sorted(int(number) for number in numbers if number.isdecimal())

    def __iter__(self) -> Iterator[Episode]:
        """Its episodes, without their frames."""
        return (self.episode(number) for number in range(len(self)))

    def episode(self, number: int, *, frames: bool = False, as_recorded: bool = False) -> Episode:
        """One episode, its rewards and its end as they were corrected.

        Args:
            number: from 0.
            frames: whether its pictures are wanted.
            as_recorded: leave corrections out.

        Raises:
            IndexError: there is none of that number.
            DatasetDamagedError: a file cannot be read, or holds something else.
        """
        row = self.row(number)
        steps = from_table(pa.concat_tables(self.steps(row, self._numbers)))
        last = from_table(self._final(number))
        steps_path, final_path = self.data_path(row), self._final_place(number)[0]
        records = _records(steps_path, steps, self.features, number, final=False)
        final = _records(final_path, last, self.features, number, final=True)
        if records and relabelled(steps)[-1]:
            final = [msgspec.structs.replace(final[0], success=records[-1].success)]
        records += final
        records = records if as_recorded else corrected(records, self.corrections_of(number))
        mode = records[0].mode if records else Mode.DEMO
        header = FileHeader(
            episode=number,
            mode=mode,
            task=self.task(row),
            features=self.features,
            conditions=self.conditions[number],
        )
        episode = StoredEpisode(
            header=header,
            records=records,
            frames=[],
            torn=None,
            steps_path=steps_path,
            final_path=final_path,
        )
        if frames and self.info.videos:
            return self._filmed(episode, row)
        if frames:
            episode.frames.extend(self.frames(number))
        return episode

    def corrections_of(self, number: int) -> list[Correction]:
        """Those of an episode that were not undone."""
        return self._in_force.get(number, [])

    def frames(self, number: int) -> Iterator[bytes]:
        """Pictures of each of an episode's records, packed, a row group in memory at a time; of videos, the last only.

        Raises:
            DatasetDamagedError: a file cannot be read, or holds something else.
        """
        row, keys = self.row(number), self.cameras
        tables = [self._final(number, pictures=True)]
        steps = () if self.info.videos else self.steps(row, keys)
        for table in chain(steps, tables):
            columns = [files_of(table, key) for key in keys]
            yield from map(joined, zip(*columns, strict=True)) if keys else (b"",) * len(table)

    @property
    def cameras(self) -> list[str]:
        """Columns of the cameras, in the order of `features.images`."""
        return [IMAGES + image.name for image in self.features.images]

    def _final(self, number: int, *, pictures: bool = False) -> pa.Table:
        path, at = self._final_place(number)
        columns = [*self.cameras, "episode_index"] if pictures else self._numbers
        table = of_schema(path, read_rows(path, at, at + 1, columns), columns, self._schema)
        return expected(path, table, number)

    def _final_place(self, number: int) -> tuple[Path, int]:
        """File and row of an episode's last observation."""
        first = max((f for f in self._finals if f <= number), default=0)
        return inside(self.root, FINAL.format(first_episode=first)), number - first

    def steps(self, row: EpisodeRow, columns: Sequence[str]) -> Iterator[pa.Table]:
        """An episode's rows; see `Store.steps`. Their columns are there and of their types."""
        for table in super().steps(row, columns):
            yield of_schema(self.data_path(row), table, columns, self._schema)

    @property
    def _numbers(self) -> list[str]:
        return [field.name for field in self._schema if not pa.types.is_struct(field.type)]

    def _filmed(self, episode: StoredEpisode, row: EpisodeRow) -> Episode:
        from hilrt.data.lerobot.video import FilmedEpisode, FilmReader  # noqa: PLC0415 - av is behind it

        (last,) = self.frames(row.episode)
        names = [image.name for image in self.features.images]
        clips = {name: row.clips[IMAGES + name] for name in names}
        films = {
            name: FilmReader(self.video_path(IMAGES + name, clip), clip.from_s, self.info.fps)
            for name, clip in clips.items()
        }
        return FilmedEpisode.of(episode, films, dict(zip(names, unpacked(last), strict=True)))


def _records(path: Path, arrays: Arrays, features: Features, number: int, *, final: bool) -> list[Record]:
    """See `to_records`; what cannot be one is told by its file."""
    try:
        return to_records(arrays, features, number, final=final)
    except EpisodeDamagedError as error:
        raise DatasetDamagedError(str(path), str(error)) from None
