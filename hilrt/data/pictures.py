"""Pictures on their way to disk: each encoded by itself, those of a step packed into one piece.

A packed piece is, for each camera in the order of `Features.images`, the length of its file (uint32, little-endian)
and the file: PNG, which is exact, or JPEG, which takes a tenth of the room. Both tell by themselves which they are.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hilrt.config.values import LARGEST_SIDE
from hilrt.data.imagesize import size_of
from hilrt.errors import PictureError, PictureFileError
from hilrt.step.features import Image

ImageFormat = Literal["png", "jpeg"]
Picture = npt.NDArray[np.uint8]
Buffer = bytes | bytearray | memoryview

JPEG_QUALITY = 95

_LENGTH = struct.Struct("<I")


def packed(raw: Buffer, images: Sequence[Image], image_format: ImageFormat) -> bytes:
    """Raw frames of a step, laid out as in `Features.images`, as they go to disk; nothing where there are none."""
    return joined(encoded(picture, image_format) for picture in laid_out(raw, images))


def joined(files: Iterable[bytes]) -> bytes:
    """Inverse of `unpacked`."""
    return b"".join(part for file in files for part in (_LENGTH.pack(len(file)), file))


def unpacked(data: Buffer) -> tuple[bytes, ...]:
    """The files in a packed piece.

    Raises:
        PictureError: its lengths do not add up.
    """
    files, at, view = [], 0, memoryview(data)
    while at < len(view):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(view, at)[0] if start <= len(view) else len(view) + 1
        if at > len(view):
            raise PictureError(f"the pictures of a step end at byte {len(view)}, in the middle of one")
        files.append(bytes(view[start:at]))
    return tuple(files)


def write_png(path: Path, picture: Picture) -> None:
    """Write a picture for people, RGB; folders above it are made.

    Raises:
        PictureFileError: the disk does not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture, "png"))
    except OSError as error:
        raise PictureFileError(str(path), error) from None


def encoded(picture: Picture, image_format: ImageFormat) -> bytes:
    """A picture, (height, width, 3), RGB, as a file."""
    cv2 = _opencv()
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if image_format == "jpeg" else []
    _, file = cv2.imencode(f".{image_format}", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return bytes(file)


def decoded(file: bytes) -> Picture:
    """Inverse of `encoded`; read-only.

    Raises:
        PictureError: no picture, or one larger than any camera's.
    """
    cv2, size = _opencv(), size_of(file)
    if size and max(size) > LARGEST_SIDE:
        raise PictureError("{}x{} pixels in a file of {} bytes".format(*size, len(file)))
    picture: Picture | None = (
        cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR_RGB) if size else None
    )
    if picture is None:
        raise PictureError(f"{len(file)} bytes that are no picture: {file[:8]!r}")
    picture.flags.writeable = False
    return picture


def laid_out(raw: Buffer, images: Sequence[Image]) -> Iterator[Picture]:
    """Each picture of a step's raw frames, (height, width, 3), RGB, in their memory; none where there are none."""
    for image in images:
        if len(raw) >= image.offset + image.nbytes:
            pixels = np.frombuffer(raw, np.uint8, image.nbytes, image.offset)
            yield pixels.reshape(image.height, image.width, 3)


def _opencv() -> Any:  # noqa: ANN401 - cv2 is untyped
    import cv2  # noqa: PLC0415 - processes without cameras need none of it

    return cv2
