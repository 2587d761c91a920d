"""JSON under a digest: files of one piece, and files of lines, each of which is.

Every JSON file that hilrt writes and reads back is one of these, but for those that others read (a calibration, a
dataset's own), whose values are checked.
"""

import re
from typing import TypeVar

import msgspec
import xxhash

from hilrt.errors.plain import plain

T = TypeVar("T")


_LINE = re.compile(rb'(.*),"digest":"([0-9a-f]{16})"}', re.DOTALL)


class SealError(ValueError):
    """What was read is not what was written; whoever reads the file says which, and what to do."""


class _Sealed(msgspec.Struct, frozen=True):
    format: int
    digest: str
    """xxh3 of the content, however it is indented."""
    content: msgspec.Raw


class _Format(msgspec.Struct, frozen=True):
    format: int


def sealed(content: object, format_: int) -> bytes:
    """Any JSON content, to be read by `unsealed`."""
    raw = msgspec.json.encode(content)
    return msgspec.json.encode(_Sealed(format_, xxhash.xxh3_64_hexdigest(raw), msgspec.Raw(raw)))


def format_of(data: bytes) -> int:
    """Number of the format of a JSON file that begins with one.

    Raises:
        SealError: it does not.
    """
    return _decoded(data, _Format).format


def unsealed(data: bytes, kind: type[T]) -> T:
    """Inverse of `sealed`.

    Raises:
        SealError: something else, or damaged.
    """
    envelope = _decoded(data, _Sealed)
    raw = msgspec.json.format(bytes(envelope.content), indent=-1)
    if xxhash.xxh3_64_hexdigest(raw) != envelope.digest:
        raise SealError("its content is not what its digest says")
    return _decoded(raw, kind)


def sealed_line(content: object, number: int) -> bytes:
    """A JSON object on the line of that number, its digest the last entry."""
    raw = msgspec.json.encode(content)
    return raw[:-1] + b',"digest":"%s"}\n' % _line_digest(raw, number)


def unsealed_line(line: bytes, number: int, kind: type[T]) -> T:
    """Inverse of `sealed_line`, without its end.

    Raises:
        SealError: something else, damaged, or of another line.
    """
    found = _LINE.fullmatch(line)
    if found is None or _line_digest(raw := found[1] + b"}", number) != found[2]:
        raise SealError(f"line {number + 1} is not what was written there")
    return _decoded(raw, kind)


def _line_digest(raw: bytes, number: int) -> bytes:
    return xxhash.xxh3_64_hexdigest(raw, number).encode()


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SealError(plain(error)) from None
