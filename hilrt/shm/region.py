"""Typed words in shared memory: a region declares its fields, and each is one descriptor.

One process writes a region, any number read it, and reading is nothing but loads. Every field has two copies, each
under a digest, so that a writer which dies in the middle leaves a whole one, and memory that is not what was written is
told from what was: reading it raises SegmentDamagedError. Digests begin with the place, so that no field is another's.
"""

import struct
from operator import index
from typing import ClassVar, Self, overload

import xxhash

from hilrt.errors import SegmentDamagedError
from hilrt.shm.segment import align

_WORD = 8
_TRIES = 1000
"""A writer has done with a field in microseconds."""
_ONES = (1 << 64) - 1
_FLOAT, _BITS = struct.Struct("=d"), struct.Struct("=q")


class _Field:
    """One value at a fixed place of its region."""

    size = _WORD

    def __init__(self) -> None:
        self.word = 0  # set when the region's layout is made
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def kind(self) -> str:
        """Type and size, as the segment's schema tells them."""
        return f"{type(self).__name__.lower()}{self.size}"


class _Number(_Field):
    """Two copies of a word, each with its digest: its sum with bits of its place, so that no other word is it.

    Synchronisation pair A, the order of the copies: the writer stores the first, then the second; a reader that finds
    one torn takes the other. A writer whose predecessor died between the two makes up for the second before it touches
    the first, so that no reader ever goes back to a number before the last.
    """

    size = 4 * _WORD

    def _bits(self, region: "Region") -> int:
        words, digests, first, seed = region.ints, region.digests, self.word, region.seeds[self.word]
        for _ in range(_TRIES):
            for word in (first, first + 2):
                bits = words[word]  # A: load
                if digests[word + 1] == (bits + seed) & _ONES:
                    return bits
        raise _damage(region, self.name)

    def _put(self, region: "Region", bits: int) -> None:
        words, digests, first, seed = region.ints, region.digests, self.word, region.seeds[self.word]
        behind = digests[first + 1] != digests[first + 3]
        if behind and digests[first + 1] == ((last := words[first]) + seed) & _ONES:
            words[first + 2] = last
            digests[first + 3] = digests[first + 1]
        digest = (bits + seed) & _ONES
        for word in (first, first + 2):
            words[word] = bits  # A: store
            digests[word + 1] = digest


class Int(_Number):
    """A signed 64-bit integer."""

    @overload
    def __get__(self, region: None, owner: type) -> Self: ...
    @overload
    def __get__(self, region: "Region", owner: type) -> int: ...
    def __get__(self, region: "Region | None", owner: type) -> Self | int:
        return self if region is None else self._bits(region)

    def __set__(self, region: "Region", value: int) -> None:
        self._put(region, index(value))


class Float(_Number):
    """A 64-bit float."""

    @overload
    def __get__(self, region: None, owner: type) -> Self: ...
    @overload
    def __get__(self, region: "Region", owner: type) -> float: ...
    def __get__(self, region: "Region | None", owner: type) -> Self | float:
        if region is None:
            return self
        value: float = _FLOAT.unpack(_BITS.pack(self._bits(region)))[0]
        return value

    def __set__(self, region: "Region", value: float) -> None:
        self._put(region, _BITS.unpack(_FLOAT.pack(value))[0])


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
                if digest == _digest(text, version, region.seeds[self.word]):
                    return text.rstrip(b"\0").decode()
                break
        raise _damage(region, self.name)

    def __set__(self, region: "Region", value: str) -> None:
        whole = value.encode(errors="replace")[: self.capacity].decode(errors="ignore").encode()
        version = (region.ints[self.word] + 1) % (1 << 62)
        text = whole.ljust(self.capacity, b"\0")
        self._copy(region, version)[:] = _digest(text, version, region.seeds[self.word]) + text
        region.ints[self.word] = version  # A: store

    def _copy(self, region: "Region", version: int) -> memoryview:
        """A digest and a text."""
        start = (self.word + 1) * _WORD + version % 2 * (_WORD + self.capacity)
        return region.memory[start : start + _WORD + self.capacity]


def _damage(region: "Region", name: str) -> SegmentDamagedError:
    return SegmentDamagedError(type(region).__name__, f"its {name} is not what was written")


def _digest(text: bytes, version: int, seed: int) -> bytes:
    return xxhash.xxh3_64_intdigest(text, (version ^ seed) & _ONES).to_bytes(_WORD, "little")


class Region:
    """Fields of one writer, on cache lines of their own; subclasses declare them.

    Args:
        buf: at least `size` bytes, starting on a cache line, which begin as `blank`.
        number: tells it from others of its kind in the same segment.
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

    def __init__(self, buf: memoryview, number: int = 0) -> None:
        kind = type(self).__name__
        places = {field.word: f"{kind} {number} {name}" for name, field in self.fields.items()}
        self.seeds = {word: xxhash.xxh3_64_intdigest(place.encode()) for word, place in places.items()}
        """What digests begin with."""
        self.memory = buf[: self.size]
        self.ints, self.digests = self.memory.cast("q"), self.memory.cast("Q")

    @classmethod
    def blank(cls, number: int = 0) -> bytes:
        """What its memory is to begin as: numbers 0, texts empty."""
        memory = bytearray(cls.size)
        region = cls(memoryview(memory), number)
        for name, field in cls.fields.items():
            setattr(region, name, 0 if isinstance(field, _Number) else "")
        return bytes(memory)

    def close(self) -> None:
        """Let go of the memory; later use of a field raises ValueError."""
        for view in (self.ints, self.digests, self.memory):
            view.release()
