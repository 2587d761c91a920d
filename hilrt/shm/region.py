"""Typed words in shared memory: a region declares its fields, and each is one descriptor.

One process writes a region, any number read it, and reading is nothing but loads. Int and Float are single
aligned 8-byte words, never torn. Text has two copies and a version, like the weights: the writer fills the
copy that is not published, so a writer that dies in the middle leaves the old text whole. Each copy has a digest,
because readers take some texts apart: damaged text is no text.
"""

from typing import ClassVar, Self, overload

import xxhash

from hilrt.shm.segment import align

_WORD = 8
_TRIES = 1000
"""A writer has done with a text in microseconds."""


class _Field:
    """One value at a fixed place of its region."""

    size = _WORD

    def __init__(self) -> None:
        self.word = 0  # set when the region's layout is made

    @property
    def kind(self) -> str:
        """Type and size, as the segment's schema tells them."""
        return f"{type(self).__name__.lower()}{self.size}"


class Int(_Field):
    """A signed 64-bit integer."""

    @overload
    def __get__(self, region: None, owner: type) -> Self: ...
    @overload
    def __get__(self, region: "Region", owner: type) -> int: ...
    def __get__(self, region: "Region | None", owner: type) -> Self | int:
        return self if region is None else region.ints[self.word]

    def __set__(self, region: "Region", value: int) -> None:
        region.ints[self.word] = value


class Float(_Field):
    """A 64-bit float."""

    @overload
    def __get__(self, region: None, owner: type) -> Self: ...
    @overload
    def __get__(self, region: "Region", owner: type) -> float: ...
    def __get__(self, region: "Region | None", owner: type) -> Self | float:
        return self if region is None else region.floats[self.word]

    def __set__(self, region: "Region", value: float) -> None:
        region.floats[self.word] = value


class Text(_Field):
    """Short UTF-8 text; longer text is cut at a character.

    Synchronisation pair A, the version word: the writer's store publishes copy `version % 2`; a reader loads
    it before and after it copies.
    """

    def __init__(self, capacity: int = 120) -> None:
        super().__init__()
        self.capacity = -(-capacity // _WORD) * _WORD
        self.size = _WORD + 2 * (_WORD + self.capacity)

    @overload
    def __get__(self, region: None, owner: type) -> Self: ...
    @overload
    def __get__(self, region: "Region", owner: type) -> str: ...
    def __get__(self, region: "Region | None", owner: type) -> Self | str:
        if region is None:
            return self
        for _ in range(_TRIES):
            version = region.ints[self.word]  # A: load
            copy = bytes(self._copy(region, version))
            if region.ints[self.word] == version:
                digest, text = copy[:_WORD], copy[_WORD:]
                return text.rstrip(b"\0").decode() if digest == _digest(text, version) else ""
        return ""

    def __set__(self, region: "Region", value: str) -> None:
        whole = value.encode(errors="replace")[: self.capacity].decode(errors="ignore").encode()
        version = (region.ints[self.word] + 1) % (1 << 62)
        text = whole.ljust(self.capacity, b"\0")
        self._copy(region, version)[:] = _digest(text, version) + text
        region.ints[self.word] = version  # A: store

    def _copy(self, region: "Region", version: int) -> memoryview:
        """A digest and a text."""
        start = (self.word + 1) * _WORD + version % 2 * (_WORD + self.capacity)
        return region.memory[start : start + _WORD + self.capacity]


def _digest(text: bytes, version: int) -> bytes:
    return xxhash.xxh3_64_intdigest(text, version % (1 << 62)).to_bytes(_WORD, "little")


class Region:
    """Fields of one writer, on cache lines of their own; subclasses declare them.

    Args:
        buf: at least `size` bytes, starting on a cache line.
    """

    fields: ClassVar[dict[str, Int | Float | Text]] = {}
    size: ClassVar[int] = 0

    def __init_subclass__(cls) -> None:
        cls.fields = {
            name: field for name, field in vars(cls).items() if isinstance(field, Int | Float | Text)
        }
        words = 0
        for field in cls.fields.values():
            field.word = words
            words += field.size // _WORD
        cls.size = align(words * _WORD)

    def __init__(self, buf: memoryview) -> None:
        self.memory = buf[: self.size]
        self.ints = self.memory.cast("q")
        self.floats = self.memory.cast("d")

    def close(self) -> None:
        """Let go of the memory; later use of a field raises ValueError."""
        for view in (self.ints, self.floats, self.memory):
            view.release()
