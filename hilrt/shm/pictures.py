"""The newest picture of each camera in shared memory: one writer, any number of readers, nobody waits."""

from collections.abc import Sequence
from typing import Literal, Self

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from hilrt.errors import SegmentDamagedError
from hilrt.resource import Resource
from hilrt.shm.region import Int, Region
from hilrt.shm.segment import Segment, align
from hilrt.step.features import Features, Image

Picture = npt.NDArray[np.uint8]
What = Literal["images", "views"]

_TRIES = 10
"""While its writer may be at the other buffer."""


class Frame(msgspec.Struct, frozen=True):
    """One picture: uint8, shape (height, width, 3), RGB, upright; not to be written to."""

    image: Picture
    monotonic_ns: int
    """When it was taken, as near as the source tells."""
    sequence: int
    """Counts the frames of this camera, from 1."""


class Shutter(Region):
    """One camera's newest picture: buffer `count % 2`.

    Synchronisation pair A, the count: the writer's store publishes a buffer, its time and its digest; a reader loads it
    before it copies. A buffer is written to again only after the next count.
    """

    count = Int()
    time_0_ns = Int()
    time_1_ns = Int()
    digest_0 = Int()
    digest_1 = Int()


class Pictures(Resource):
    """Two buffers per camera, of which the writer fills the one not published.

    A writer that dies in the middle leaves the last picture whole, and one that follows it goes on counting. The
    digest of a picture begins with its camera, its number and its time, so that no other is it.

    Args:
        buf: `nbytes(images)` bytes, starting on a cache line, which begin as `blank(images)`.
        images: names and sizes; offsets do not matter.
    """

    def __init__(self, buf: memoryview, images: Sequence[Image]) -> None:
        self._cameras: dict[str, tuple[Shutter, list[Picture]]] = {}
        at = len(images) * Shutter.size
        for number, image in enumerate(images):
            shutter = Shutter(buf[number * Shutter.size :], number)
            room = align(image.nbytes)
            buffers = [_picture(buf[start : start + image.nbytes], image) for start in (at, at + room)]
            self._cameras[image.name] = (shutter, buffers)
            at += 2 * room

    @staticmethod
    def nbytes(images: Sequence[Image]) -> int:
        """Bytes that the pictures of these cameras take."""
        return sum(Shutter.size + 2 * align(image.nbytes) for image in images)

    @staticmethod
    def blank(images: Sequence[Image]) -> bytes:
        """What these bytes are to begin as; zeros follow."""
        return b"".join(map(Shutter.blank, range(len(images))))

    def publish(self, name: str, picture: Picture, time_ns: int) -> None:
        """Show a camera's picture, uint8 (height, width, 3), taken at `time_ns`."""
        shutter, buffers = self._cameras[name]
        count = shutter.count + 1
        buffer = buffers[count % 2]
        buffer[:] = picture
        digest = _digest(buffer, name, count, time_ns)
        if count % 2:
            shutter.time_1_ns, shutter.digest_1 = time_ns, digest
        else:
            shutter.time_0_ns, shutter.digest_0 = time_ns, digest
        shutter.count = count  # A: store

    def newest(self, name: str) -> Frame | None:
        """A copy of a camera's newest picture, at once; None before the first.

        One whose digest is wrong is passed over for the one before it, whose time is its own.

        Raises:
            SegmentDamagedError: that one is not what was shown, either.
        """
        shutter, _ = self._cameras[name]
        tries = _TRIES
        while count := shutter.count:  # A: load
            frame = self._whole(name, count) or self._whole(name, count - 1)
            if frame is not None:
                return frame
            tries -= shutter.count == count
            if not tries:
                raise SegmentDamagedError(f"of camera {name}", f"picture {count} is not what was shown")
        return None

    def _whole(self, name: str, count: int) -> Frame | None:
        """Picture `count`, if that is what its buffer has."""
        shutter, buffers = self._cameras[name]
        time_ns, digest = (
            (shutter.time_1_ns, shutter.digest_1) if count % 2 else (shutter.time_0_ns, shutter.digest_0)
        )
        picture = buffers[count % 2].copy()
        return Frame(picture, time_ns, count) if _digest(picture, name, count, time_ns) == digest else None

    def close(self) -> None:
        """Let go of the memory; may be called again."""
        for shutter, buffers in self._cameras.values():
            buffers.clear()
            shutter.close()


class PictureSegment(Pictures):
    """Pictures of a run: its cameras' as they give them (`images`), or as the policy sees them (`views`).

    Images are written by the simulator or the cameras' process, views by control; each by one.
    """

    def __init__(self, segment: Segment, images: Sequence[Image]) -> None:
        super().__init__(segment.buf, images)
        self._segment = segment

    @classmethod
    def create(cls, run: str, what: What, features: Features) -> Self:
        """Made by the supervisor.

        Raises:
            SegmentExistsError, SharedMemoryFullError, PlatformError: see `Segment.create`.
        """
        images = _of(features, what)
        segment = Segment.create(run, what, cls.nbytes(images), features.schema(), cls.blank(images))
        return cls(segment, images)

    @classmethod
    def attach(cls, run: str, what: What, features: Features) -> Self:
        """Opened by who writes them and by who looks.

        Raises:
            SegmentAbsentError, SegmentNotReadyError, SegmentMismatchError: see `Segment.attach`.
        """
        return cls(Segment.attach(run, what, features.schema()), _of(features, what))

    def close(self) -> None:
        """Let go of the memory; the name stays."""
        super().close()
        self._segment.close()

    def unlink(self) -> None:
        """Take the name away."""
        self._segment.unlink()


def _of(features: Features, what: What) -> Sequence[Image]:
    return features.images if what == "images" else features.views


def _picture(memory: memoryview, image: Image) -> Picture:
    return np.frombuffer(memory, dtype=np.uint8).reshape(image.height, image.width, 3)


def _digest(picture: Picture, name: str, count: int, time_ns: int) -> int:
    seed = xxhash.xxh3_64_intdigest(f"{name} {count} {time_ns}".encode())
    return xxhash.xxh3_64_intdigest(picture.data, seed) - (1 << 63)
