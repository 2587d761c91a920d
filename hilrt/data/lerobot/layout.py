"""What lies where in a dataset, and its two JSON files.

`meta/info.json` is the format's; `hilrt/features.json` says what the steps mean to hilrt. Nothing counts that info.json
does not count.
"""

import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from hilrt.data.journal import JOURNAL, episode_files
from hilrt.data.lerobot.inside import inside
from hilrt.data.lerobot.pointer import is_pointer
from hilrt.errors import (
    DatasetAbsentError,
    DatasetDamagedError,
    DatasetFormatError,
    ForeignDatasetError,
    PointerFileError,
)
from hilrt.errors.plain import plain
from hilrt.step.features import Features
from hilrt.step.sealed import SealError, format_of, unsealed

T = TypeVar("T")

Count = Annotated[int, Meta(ge=0, le=1 << 62)]
Size = Annotated[int, Meta(gt=0)] | Annotated[float, Meta(gt=0)]
Rate = Annotated[int, Meta(gt=0, le=1_000_000)] | Annotated[float, Meta(gt=0, le=1_000_000)]
Shape = Annotated[tuple[Annotated[int, Meta(ge=0, le=1 << 20)], ...], Meta(min_length=1)]

VERSION = "v3.0"
INFO = "meta/info.json"
STATS = "meta/stats.json"
TASKS = "meta/tasks.parquet"
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
SIDECAR = "hilrt/features.json"
SIDECAR_FORMAT = 2
_INDEX = r"\{(?:chunk|file)_index(?::0?\dd)?\}"
_DATA_TEMPLATE = re.compile(rf"(?:[^{{}}]|{_INDEX})*")
_VIDEO_TEMPLATE = re.compile(rf"(?:[^{{}}]|{_INDEX}|\{{video_key\}})*")
FINAL = "hilrt/final-{first_episode:06d}.parquet"
"""Last observations of the episodes from this one on; v3.0 rows are steps with an action, so they have no row there."""


class Feature(Struct, frozen=True, omit_defaults=True):
    """One column, as info.json tells it."""

    dtype: str
    shape: Shape
    names: Any = msgspec.field(default=msgspec.UNSET)
    info: dict[str, Any] | None = None
    """Of a video."""

    @property
    def is_picture(self) -> bool:
        """Whether it is a camera's."""
        return self.dtype in {"image", "video"}

    @property
    def picture_shape(self) -> tuple[int, ...]:
        """(height, width, 3) of a camera's: its axes are told by their names, or by which of them is 3.

        Pictures themselves are always so; only what info.json says of them comes in either order.
        """
        axes = [str(name).lower().rstrip("s") for name in self.names] if isinstance(self.names, list) else []
        if sorted(axes) == ["channel", "height", "width"] and len(self.shape) == 3:
            named = tuple(self.shape[axes.index(axis)] for axis in ("height", "width", "channel"))
            if named[2] == 3:
                return named
        first = len(self.shape) == 3 and self.shape[0] == 3 != self.shape[2]
        return (*self.shape[1:], 3) if first else self.shape


class Info(Struct, frozen=True, kw_only=True):
    """meta/info.json."""

    codebase_version: str = VERSION
    robot_type: str | None = None
    total_episodes: Count = 0
    total_frames: Count = 0
    total_tasks: Count = 0
    chunks_size: Annotated[int, Meta(ge=1)] = 1000
    """Files in a folder."""
    data_files_size_in_mb: Size = 100
    video_files_size_in_mb: Size = 200
    fps: Rate
    splits: dict[str, str] = {}
    data_path: str = DATA
    video_path: str | None = None
    features: dict[str, Feature]

    @property
    def videos(self) -> tuple[str, ...]:
        """Keys of the cameras that are kept as video."""
        return tuple(key for key, feature in self.features.items() if feature.dtype == "video")

    def after(self, file: tuple[int, int]) -> tuple[int, int]:
        """Chunk and file index of the file behind this one."""
        chunk, index = file
        return (chunk, index + 1) if index + 1 < self.chunks_size else (chunk + 1, 0)


class Sidecar(Struct, frozen=True, kw_only=True):
    """hilrt/features.json; from format 2 on under a digest."""

    features: Features


def read_info(root: Path) -> Info:
    """The dataset's info.json.

    Raises:
        DatasetError: no dataset is there, or one that cannot be read.
    """
    path = inside(root, INFO)
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetAbsentError(str(root), len(episode_files(root / JOURNAL))) from None
    except OSError as error:
        raise DatasetDamagedError(str(path), f"it cannot be read: {error.strerror}") from None
    if is_pointer(path):
        raise PointerFileError(str(path))
    _expect_version(path, text)
    info = _decoded(path, text, Info)
    for template, known in ((info.data_path, _DATA_TEMPLATE), (info.video_path or VIDEO, _VIDEO_TEMPLATE)):
        if not known.fullmatch(template):
            raise DatasetFormatError(str(path), f"has a path that is none of the format: {template[:80]!r}")
    return info


def read_sidecar(root: Path) -> Sidecar:
    """What its steps mean.

    Raises:
        DatasetError: hilrt did not write this dataset, or the file is not what was written.
    """
    path = inside(root, SIDECAR)
    if not path.exists():
        raise ForeignDatasetError(str(root))
    try:
        data = path.read_bytes()
        found = format_of(data)
        if found not in {1, SIDECAR_FORMAT}:
            raise DatasetFormatError(str(path), f"is of format {found}, of another version of hilrt")
        return unsealed(data, Sidecar) if found == SIDECAR_FORMAT else _decoded(path, data, Sidecar)
    except SealError as error:
        raise DatasetDamagedError(str(path), str(error)) from None
    except OSError as error:
        raise DatasetDamagedError(str(path), f"it cannot be read: {error.strerror}") from None


def _expect_version(path: Path, text: bytes) -> None:
    found = re.search(rb'"codebase_version"\s*:\s*"([^"]*)"', text)
    version = found.group(1).decode(errors="replace") if found else "no version"
    if version != VERSION:
        cure = "Convert it with the LeRobot project's own converter." if version.startswith("v") else ""
        raise DatasetFormatError(str(path), f"is of {version}; hilrt reads {VERSION}", cure)


def _decoded(path: Path, text: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetDamagedError(str(path), f"it is not what it should be: {plain(error)}") from None


def json_bytes(content: object) -> bytes:
    """As it goes to disk."""
    return msgspec.json.format(msgspec.json.encode(content), indent=4) + b"\n"
