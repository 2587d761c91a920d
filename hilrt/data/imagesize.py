"""How large a picture is, by its file's first bytes: so that nothing is decoded that no memory could hold."""

import struct
from collections.abc import Iterator

Size = tuple[int, int]
"""Width and height."""

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
BMP = b"BM"
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG that its size follows (SOF0 .. SOF15)."""


def size_of(file: bytes) -> Size | None:
    """What a PNG, JPEG or BMP file says of its size; None where it is none of them, or ends before it says."""
    try:
        if file.startswith(PNG):
            width, height = struct.unpack_from(">II", file, 16)
            return width, height
        if file.startswith(JPEG):
            return next(_frame_sizes(file), None)
        if file.startswith(BMP):
            width, height = struct.unpack_from("<ii", file, 18)
            return width, abs(height)  # negative: its rows come from the top
    except struct.error:
        pass
    return None


def _frame_sizes(file: bytes) -> Iterator[Size]:
    """Of the segments that tell one: a marker, a length that counts itself, and what is in it."""
    at = len(JPEG)
    while True:
        mark, code = struct.unpack_from(">BB", file, at)
        if mark != 0xFF:
            return
        if code == 0xFF:  # a byte of padding before the marker
            at += 1
            continue
        length, _, height, width = struct.unpack_from(">HBHH", file, at + 2)
        if code in FRAME_HEADERS:
            yield width, height
        at += 2 + length
