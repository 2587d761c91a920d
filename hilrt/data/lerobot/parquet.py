"""Parquet files, read with their checksums and with errors that name the file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hilrt.errors_dataset import DatasetDamagedError


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole file.

    Raises:
        DatasetDamagedError: absent, or cannot be read.
    """
    try:
        return pq.read_table(path, columns=columns, use_threads=False, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise DatasetDamagedError(str(path), _first_line(error)) from None


def read_rows(path: Path, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows `start` to `stop` (exclusive) of a file; see `parts`."""
    return pa.concat_tables(parts(path, start, stop, columns))


def parts(path: Path, start: int, stop: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """These rows, one row group after the other, so that no more than one is in memory.

    Raises:
        DatasetDamagedError: absent, cannot be read, or ends before.
    """
    at = 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                if at < stop and at + rows > start:
                    table = file.read_row_group(group, columns=columns, use_threads=False)
                    first = max(0, start - at)
                    yield table.slice(first, min(stop - at, rows) - first)
                at += rows
    except (OSError, pa.ArrowException) as error:
        raise DatasetDamagedError(str(path), _first_line(error)) from None
    if at < stop:
        raise DatasetDamagedError(str(path), f"it ends with row {at - 1}, and row {stop - 1} should be in it")


def schema(path: Path) -> pa.Schema:
    """Names and types of a file's columns; DatasetDamagedError if it cannot be read."""
    return _footer(path).schema.to_arrow_schema()


def length(path: Path) -> int:
    """Rows of a file; DatasetDamagedError if it cannot be read."""
    rows: int = _footer(path).num_rows
    return rows


def _footer(path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetDamagedError(str(path), _first_line(error)) from None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
