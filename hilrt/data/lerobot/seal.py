"""A digest at the end of a video file, in a box that players pass over: ISO/IEC 14496-12 calls it `free`.

A file without it is somebody else's, as what another program has cut or joined is.
"""

import struct
from pathlib import Path

import xxhash

_BOX = struct.Struct(">I4s8sQ")
_KIND = b"free"
_MARK = b"hilrt-x1"


def seal(path: Path) -> None:
    """Put the digest of all that is in a file behind it."""
    data = path.read_bytes()
    with path.open("ab") as file:
        file.write(_BOX.pack(_BOX.size, _KIND, _MARK, xxhash.xxh3_64_intdigest(data)))


def is_whole(path: Path) -> bool:
    """Whether a file is what was sealed; True of one that nobody has."""
    data = path.read_bytes()
    if len(data) < _BOX.size:
        return True
    _, kind, mark, digest = _BOX.unpack_from(data, len(data) - _BOX.size)
    return (kind, mark) != (_KIND, _MARK) or digest == xxhash.xxh3_64_intdigest(data[: -_BOX.size])
