"""Parquet files, read with their checksums and with errors that name the file."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hilrt.errors_dataset import DatasetDamagedError


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A whole file.

    Raises:
        DatasetDamagedError: absent, or cannot be read.
    """
    return read_part(path, 0, -1, columns)


def read_part(path: Path, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows `start` to `stop` (exclusive; -1: all) of a file; only the row groups that hold them are read.

    Raises:
        DatasetDamagedError: absent, cannot be read, or ends before.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            groups, skipped = _groups(file.metadata, start, stop)
            table = file.read_row_groups(groups, columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise DatasetDamagedError(str(path), _first_line(error)) from None
    if stop < 0:
        return table
    part = table.slice(start - skipped, stop - start)
    if len(part) < stop - start:
        raise DatasetDamagedError(str(path), f"it ends at row {skipped + len(table)}, before row {stop}")
    return part


def _groups(metadata: pq.FileMetaData, start: int, stop: int) -> tuple[list[int], int]:
    """Row groups that hold these rows, and the number of rows before them."""
    groups, skipped, at = [], 0, 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if stop < 0 or (at < stop and at + rows > start):
            groups.append(group)
        elif not groups:
            skipped = at + rows
        at += rows
    return groups, skipped


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
