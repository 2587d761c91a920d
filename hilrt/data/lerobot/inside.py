"""A dataset's own places: whatever name a file of it gives, nothing outside its folder is read, written or removed."""

import os
from pathlib import Path

from hilrt.errors import DatasetPathError

_SNAPSHOTS, _BLOBS = "snapshots", "blobs"
_NAME_MAX = 255
"""Bytes of a name, in every file system of Linux's."""


def inside(root: Path, name: str | Path) -> Path:
    """The place `name` below `root`, symbolic links followed to their end.

    The hub's cache keeps a dataset as links from `snapshots/<revision>/` into its `blobs/`; these count as inside.

    Raises:
        DatasetPathError: it lies elsewhere.
    """
    place, whole = root / name, root.resolve()
    grounds = [whole]
    if whole.parent.name == _SNAPSHOTS:
        grounds.append(whole.parent.parent / _BLOBS)
    try:
        end = place.resolve()
    except (OSError, RuntimeError, ValueError):  # a link to itself, a name with a zero byte
        raise DatasetPathError(str(root), str(name)) from None
    too_long = any(len(os.fsencode(part)) > _NAME_MAX for part in end.parts)
    if too_long or not any(end.is_relative_to(ground) for ground in grounds):
        raise DatasetPathError(str(root), str(name))
    return place
