"""The rules of data/, and of the last observations that hilrt keeps beside it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from hilrt.data.lerobot.cells import Cells, meaningless
from hilrt.data.lerobot.columns import PLACE, TOLD, Arrays, arrow_schema, files_of, from_table, table_of
from hilrt.data.lerobot.episodes import FileIndex
from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.layout import FINAL, Feature
from hilrt.data.lerobot.parquet import has_gaps, length, of_schema, parts
from hilrt.data.lerobot.rules.checked import Advance, Checked, Violation, first_of, picture_problem
from hilrt.errors import DatasetDamagedError
from hilrt.step.features import Features

TOLERANCE_S = 1e-4
"""Of a timestamp."""


def data_rules(checked: Checked, advance: Advance) -> Iterator[Violation]:
    """Rows of data/."""
    starts: dict[FileIndex, int] = {}
    ends: dict[FileIndex, int] = {}
    for row in checked.rows:
        starts.setdefault(row.data, row.start)
        ends[row.data] = row.start + row.length
    known = {checked.data_path(row): row.data for row in checked.rows}
    for path in sorted(set(checked.root.glob("data/**/*.parquet")) - set(known)):
        yield Violation(checked.name(path), "no episode lies in it")
    for path, file in known.items():
        try:
            yield from _rows(checked, path, starts[file], ends[file])
        except DatasetDamagedError as error:
            yield Violation(checked.name(path), str(error))
        else:
            advance(path.stat().st_size)


def _schema(checked: Checked, name: str, found: pa.Schema) -> Iterator[Violation]:
    for field in arrow_schema(checked.info.features):
        index = found.get_field_index(field.name)
        if index < 0:
            yield Violation(name, f"has no column {field.name}")
        elif not _same(found.field(index).type, field.type):
            yield Violation(name, f"{field.name} is {found.field(index).type}, not {field.type}")
    known = {key for key, feature in checked.info.features.items() if feature.dtype != "video"}
    for extra in sorted(set(found.names) - known):
        yield Violation(name, f"has a column {extra} that info.json does not know")


def _same(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether they hold the same: lists of texts may be of any length by their type."""
    lists = pa.types.is_list(found) and pa.types.is_fixed_size_list(wanted)
    return bool(found == wanted or (lists and found.value_type == wanted.value_type))


def _sound(checked: Checked, found: pa.Schema) -> dict[str, Feature]:
    """Columns that are what the rules below count on, whatever info.json says of them."""
    place = {name: Feature(dtype, (1,)) for name, dtype in PLACE.items()}
    ours = table_of(checked.features, video=False) if checked.features is not None else {}
    wanted = checked.info.features | place | ours
    indices = [(field, found.get_field_index(field.name)) for field in arrow_schema(wanted)]
    return {f.name: wanted[f.name] for f, i in indices if i >= 0 and found.field(i).type == f.type}


def _rows(checked: Checked, path: Path, start: int, stop: int) -> Iterator[Violation]:
    """A file's rows, a row group at a time."""
    name, at, before = checked.name(path), 0, None
    with ThreadPoolExecutor() as pool:
        for table in parts(path, 0, length(path)):
            if table.schema != before:
                yield from _schema(checked, name, before := table.schema)
            sound = _sound(checked, table.schema)
            gaps = [key for key in sound if not sound[key].is_picture and has_gaps(table, key)]
            for column in gaps:
                yield Violation(name, f"{column} has empty cells", at)
            arrays = from_table(table.select([column for column in sound if column not in gaps]))
            if PLACE.keys() <= arrays.keys():
                yield from _place(checked, name, at, start + at, arrays)
            if checked.features is not None:
                yield from _outcome(checked, checked.features, name, at, arrays)
            for key, feature in ((key, f) for key, f in sound.items() if f.is_picture):
                problems = pool.map(lambda file, f=feature: picture_problem(file, f), files_of(table, key))
                for row, problem in enumerate(problems, at):
                    if problem:
                        yield Violation(name, f"{key}: {problem}", row)
            at += len(table)
    if at != stop - start:
        yield Violation(name, f"has {at} rows, its episodes {stop - start}")


def _place(checked: Checked, name: str, at: int, start: int, arrays: Arrays) -> Iterator[Violation]:
    """Where each row says it stands, against where it does."""
    index = start + np.arange(len(arrays["index"]))
    begins = np.array([row.start for row in checked.rows])
    number = np.searchsorted(begins, index, side="right") - 1
    frame = index - begins[number]
    expected = {"index": index, "episode_index": number, "frame_index": frame}
    for column, values in expected.items():
        yield from first_of(name, at, arrays[column] != values, partial(_told, column, arrays[column]))
    late = np.abs(arrays["timestamp"] - frame / checked.info.fps) > TOLERANCE_S
    yield from first_of(
        name,
        at,
        late,
        lambda r: f"timestamp {arrays['timestamp'][r]:g} s is not frame_index {frame[r]} / fps",
    )
    names = {n: checked.rows[n].tasks for n in np.unique(number).tolist()}
    tasks = {n: {checked.tasks.index(t) for t in its if t in checked.tasks} for n, its in names.items()}
    strange = np.array(
        [t not in tasks[n] for t, n in zip(arrays["task_index"].tolist(), number.tolist(), strict=True)], bool
    )
    yield from first_of(
        name, at, strange, lambda r: f"task_index {arrays['task_index'][r]} is none of its episode's tasks"
    )


def _told(column: str, values: Cells, row: int) -> str:
    return f"{column} is {values[row]}"


def _outcome(checked: Checked, features: Features, name: str, at: int, arrays: Arrays) -> Iterator[Violation]:
    """Hilrt's own columns: ends are told twice, and only the last step of an episode is one."""
    for column, cells, wrong in meaningless(arrays, features):
        yield from first_of(name, at, wrong, partial(_told, column, cells))
    needed = {"next.done", "next.terminated", "next.truncated", "observation.state", "hilrt.step"}
    if not needed | {"episode_index", "index"} <= arrays.keys():
        return
    done, episode = arrays["next.done"], arrays["episode_index"]
    told = arrays["next.terminated"] | arrays["next.truncated"]
    yield from first_of(
        name, at, done != told, lambda _: "next.done is not next.terminated or next.truncated"
    )
    stops = np.array([row.stop for row in checked.rows])
    last = np.isin(arrays["index"] + 1, stops)
    yield from first_of(
        name, at, last & ~done, lambda _: "is the last of its episode, and next.done is false"
    )
    same = episode[1:] == episode[:-1]
    back = np.concatenate([[False], same & (np.diff(arrays["hilrt.step"]) <= 0)])
    yield from first_of(
        name, at, back, lambda r: f"hilrt.step {arrays['hilrt.step'][r]} follows no smaller one"
    )
    state = arrays["observation.state"].reshape(len(done), -1)
    yield from first_of(
        name, at, ~np.isfinite(state.sum(axis=1)), lambda _: "observation.state is not finite"
    )


def final_rules(checked: Checked, features: Features) -> Iterator[Violation]:
    """The last observation of each episode, with its pictures."""
    number, columns = 0, table_of(features, video=False)
    if TOLD not in checked.info.features:  # of an earlier version
        del columns[TOLD]
    for path in sorted((checked.root / "hilrt").glob("final-*.parquet")):
        name, first = checked.name(path), number
        if name != FINAL.format(first_episode=number):
            yield Violation(name, f"the last observations up to episode {number - 1} come before it")
        try:
            for table in parts(inside(checked.root, name), 0, length(path)):
                of_schema(path, table, [*columns], arrow_schema(columns))
                yield from _finals(name, number - first, number, table, columns, features)
                number += len(table)
        except DatasetDamagedError as error:
            yield Violation(name, str(error))
    if number != checked.info.total_episodes:
        yield Violation("hilrt", f"has {number} last observations, of {checked.info.total_episodes} episodes")


def _finals(
    name: str, at: int, number: int, table: pa.Table, columns: dict[str, Feature], features: Features
) -> Iterator[Violation]:
    """Rows from `at` on of a file, which should be of the episodes from `number` on."""
    for column, cells, wrong in meaningless(from_table(table), features):
        yield from first_of(name, at, wrong, partial(_told, column, cells))
    for row, episode in enumerate(table.column("episode_index").to_pylist()):
        if episode != number + row:
            yield Violation(name, f"is of episode {episode}, not {number + row}", at + row)
    for key, feature in columns.items():
        for row, file in enumerate(files_of(table, key) if feature.is_picture else (), at):
            if problem := picture_problem(file, feature):
                yield Violation(name, f"{key}: {problem}", row)
