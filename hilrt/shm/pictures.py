"""The newest picture of each camera in shared memory: one writer, any number of readers, nobody waits."""

from collections.abc import Sequence
from typing import Literal, Self

import msgspec
import numpy as np
import numpy.typing as npt

from hilrt.resource import Resource
from hilrt.shm.region import Int, Region
from hilrt.shm.segment import Segment, align
from hilrt.step.features import Features, Image

Picture = npt.NDArray[np.uint8]
What = Literal["images", "views"]


class Frame(msgspec.Struct, frozen=True):
    """One picture: uint8, shape (height, width, 3), RGB, upright; not to be written to."""

    image: Picture
    monotonic_ns: int
    """When it was taken, as near as the source tells."""
    sequence: int
    """Counts the frames of this camera, from 1."""


class Shutter(Region):
    """One camera's newest picture: buffer `count % 2`.

    Synchronisation pair A, the count: the writer's store publishes a buffer and its time; a reader loads it
    before and after it copies. A buffer is written to again only after the next count.
    """

    count = Int()
    time_0_ns = Int()
    time_1_ns = Int()


class Pictures(Resource):
    """Two buffers per camera, of which the writer fills the one not published.

    A writer that dies in the middle leaves the last picture whole, and one that follows it goes on counting.

    Args:
        buf: `nbytes(images)` bytes, starting on a cache line.
        images: names and sizes; offsets do not matter.
    """

    def __init__(self, buf: memoryview, images: Sequence[Image]) -> None:
        self._cameras: dict[str, tuple[Shutter, list[Picture]]] = {}
        start = 0
        for image in images:
            first = start + Shutter.size
            second = first + align(image.nbytes)
            buffers = [_picture(buf[at : at + image.nbytes], image) for at in (first, second)]
            self._cameras[image.name] = (Shutter(buf[start:]), buffers)
            start = second + align(image.nbytes)

    @staticmethod
    def nbytes(images: Sequence[Image]) -> int:
        """Bytes that the pictures of these cameras take."""
        return sum(Shutter.size + 2 * align(image.nbytes) for image in images)

    def publish(self, name: str, picture: Picture, time_ns: int) -> None:
        """Show a camera's picture, uint8 (height, width, 3), taken at `time_ns`."""
        shutter, buffers = self._cameras[name]
        count = shutter.count + 1
        buffers[count % 2][:] = picture
        if count % 2:
            shutter.time_1_ns = time_ns
        else:
            shutter.time_0_ns = time_ns
        shutter.count = count  # A: store

    def newest(self, name: str) -> Frame | None:
        """A copy of a camera's newest picture, at once; None before the first."""
        shutter, buffers = self._cameras[name]
        while count := shutter.count:  # A: load
            time_ns = shutter.time_1_ns if count % 2 else shutter.time_0_ns
            picture = buffers[count % 2].copy()
            if shutter.count == count:
                return Frame(picture, time_ns, count)
        return None

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
        return cls(Segment.create(run, what, cls.nbytes(images), features.schema()), images)

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
