"""JSON under a digest: what says of a step, or of what was learned from steps, how it is to be read."""

from typing import TypeVar

import msgspec
import xxhash

T = TypeVar("T")


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


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SealError(str(error)) from None
