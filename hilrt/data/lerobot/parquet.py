"""Parquet files, read with their checksums and with errors that name the file."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hilrt.data.lerobot.layout import Feature
from hilrt.data.lerobot.pointer import damaged
from hilrt.errors import DatasetDamagedError

Ends = npt.NDArray[np.int64]

UNREADABLE = (OSError, pa.ArrowException, UnicodeDecodeError)
"""What pyarrow raises where a file is not what it was."""


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole file.

    Raises:
        DatasetDamagedError: absent, or cannot be read.
    """
    try:
        return pq.read_table(path, columns=columns, use_threads=False, page_checksum_verification=True)
    except UNREADABLE as error:
        raise damaged(path, _first_line(error)) from None


def read_dicts(path: Path) -> list[dict[str, Any]]:
    """Rows of a whole file; see `read`."""
    table = read(path)
    try:
        rows: list[dict[str, Any]] = table.to_pylist()
    except UNREADABLE as error:
        raise damaged(path, _first_line(error)) from None
    return rows


def read_rows(path: Path, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows `start` to `stop` (exclusive) of a file; see `parts`."""
    return pa.concat_tables(parts(path, start, stop, columns))


def parts(path: Path, start: int, stop: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """These rows, one row group after the other, so that no more than one is in memory.

    Lists of numbers are of a fixed size in them, whether the file has them so or, as others leave them, of any.

    Raises:
        DatasetDamagedError: absent, cannot be read, ends before, or has lists of several lengths in a column.
    """
    footer, ends = _footer(path)
    if not len(ends) or ends[-1] < stop:
        raise DatasetDamagedError(
            str(path), f"it has {footer.num_rows} rows, and row {stop - 1} should be in it"
        )
    try:
        with pq.ParquetFile(path, metadata=footer, page_checksum_verification=True) as file:
            for group in range(
                int(np.searchsorted(ends, start, "right")), int(np.searchsorted(ends, stop)) + 1
            ):
                at = int(ends[group - 1]) if group else 0
                table = file.read_row_group(group, columns=columns, use_threads=False)
                first = max(0, start - at)
                if len(wanted := table.slice(first, stop - at - first)):
                    yield _even(path, wanted)
    except UNREADABLE as error:
        raise damaged(path, _first_line(error)) from None


def _even(path: Path, table: pa.Table) -> pa.Table:
    for at, field in enumerate(table.schema):
        if not (pa.types.is_list(field.type) and pa.types.is_primitive(field.type.value_type)):
            continue
        lists = table.column(at).combine_chunks()
        lengths = set(lists.value_lengths().to_pylist())
        if len(lengths) > 1 or None in lengths:
            raise DatasetDamagedError(
                str(path), f"{field.name} has {lengths} numbers, and not one count in all rows"
            )
        fixed = pa.FixedSizeListArray.from_arrays(lists.flatten(), lengths.pop())
        table = table.set_column(at, field.name, fixed)
    return table


def of_schema(path: Path, table: pa.Table, columns: Sequence[str], wanted: pa.Schema) -> pa.Table:
    """`table`, which should have these columns, of the types in `wanted`, with a value in each cell.

    Raises:
        DatasetDamagedError: it has not.
    """
    for name in columns:
        kind = _kind(path, table, name)
        if kind != wanted.field(name).type:
            raise DatasetDamagedError(str(path), f"{name} is {kind}, not {wanted.field(name).type}")
        if has_gaps(table, name):
            raise DatasetDamagedError(str(path), f"{name} has empty cells")
    return table


def of_features(
    path: Path, table: pa.Table, columns: Sequence[str], features: Mapping[str, Feature]
) -> pa.Table:
    """`table`, which should have these columns: pictures, or as many numbers a row as `features` says, of any type.

    Raises:
        DatasetDamagedError: it has not.
    """
    for name in columns:
        kind, feature = _kind(path, table, name), features.get(name)
        if feature and feature.is_picture:
            if not (pa.types.is_struct(kind) and _is_binary(kind)):
                raise DatasetDamagedError(str(path), f"{name} is {kind}, and no picture")
            continue
        shape = feature.shape if feature else (1,)
        if (_size(kind),) != shape:
            raise DatasetDamagedError(str(path), f"{name} is {kind}, and not numbers of shape {shape}")
        if has_gaps(table, name):
            raise DatasetDamagedError(str(path), f"{name} has empty cells")
    return table


def has_gaps(table: pa.Table, name: str) -> bool:
    """Whether cells of a column are empty, or what is in them."""
    inner = column = table.column(name)
    if pa.types.is_fixed_size_list(column.type):
        inner = pc.list_flatten(column)
    elif pa.types.is_struct(column.type):
        inner = pc.struct_field(column, "bytes")
    return bool(column.null_count or inner.null_count)


def _kind(path: Path, table: pa.Table, name: str) -> pa.DataType:
    index = table.schema.get_field_index(name)
    if index < 0:
        raise DatasetDamagedError(str(path), f"it has no column {name}")
    return table.schema.field(index).type


def _is_binary(kind: pa.StructType) -> bool:
    index = kind.get_field_index("bytes")
    inner = kind.field(index).type if index >= 0 else None
    return index >= 0 and bool(pa.types.is_binary(inner) or pa.types.is_large_binary(inner))


def _size(kind: pa.DataType) -> int:
    """How many numbers a row has; 0 where it has something else."""
    size, inner = (kind.list_size, kind.value_type) if pa.types.is_fixed_size_list(kind) else (1, kind)
    numbers = pa.types.is_integer(inner) or pa.types.is_floating(inner) or pa.types.is_boolean(inner)
    return size if numbers else 0


def schema(path: Path) -> pa.Schema:
    """Names and types of a file's columns; DatasetDamagedError if it cannot be read."""
    return _footer(path)[0].schema.to_arrow_schema()


def length(path: Path) -> int:
    """Rows of a file; DatasetDamagedError if it cannot be read."""
    rows: int = _footer(path)[0].num_rows
    return rows


def _footer(path: Path) -> tuple[pq.FileMetaData, Ends]:
    """A file's footer, and the row behind each of its row groups."""
    try:
        return _parsed(path, path.stat().st_mtime_ns)
    except UNREADABLE as error:
        raise damaged(path, _first_line(error)) from None


@lru_cache(maxsize=8)
def _parsed(path: Path, changed_ns: int) -> tuple[pq.FileMetaData, Ends]:  # noqa: ARG001 - tells old from new
    """Kept, because it takes as long to parse as an episode to read, where a file has hundreds."""
    footer = pq.read_metadata(path)
    rows = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    return footer, np.cumsum(rows, dtype=np.int64)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
