"""Cameras: the newest frame at any time, whatever the camera is doing; and those that OpenCV can read."""

import logging
import threading
import time
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from hilrt import config
from hilrt.devices.pictures import Image, Source, open_source, path_of
from hilrt.errors import CameraError

log = logging.getLogger(__name__)

RETRY_S = 0.1
"""Between attempts at a camera that gives nothing."""
REOPEN_S = 1.0
"""A camera that has given nothing for so long is opened anew, and then again and again."""
CLOSE_S = 1.0
"""Longest wait for the thread at the end; a hung one goes with the process."""


class Frame(msgspec.Struct, frozen=True):
    """One picture: uint8, shape (height, width, 3), RGB, rotated as configured; not to be written to."""

    image: npt.NDArray[np.uint8]
    monotonic_ns: int
    """When it was taken, as near as the source tells."""
    sequence: int
    """Counts the frames of this camera."""


class Camera(Protocol):
    """A source of frames that nobody ever waits for."""

    name: str

    def start(self) -> None:
        """Open the camera.

        Raises:
            CameraError: absent, busy, or not in the mode that the config asks for.
        """
        ...

    def newest(self) -> Frame | None:
        """The newest frame, at once; None before the first. Its time tells how old it is."""
        ...

    def close(self) -> None:
        """Let go of the camera; may be called again."""
        ...


class OpenCVCamera:
    """A V4L2 camera; or a video file or a folder of images, played at its own rate, over and over.

    Its thread makes OpenCV calls, which release the interpreter, and stores the result: it does not hold up
    the control loop. A picture of a device that equals the last one to the bit is none: `newest` goes on to give
    the first of them, which grows older, as it does when nothing comes at all.
    """

    def __init__(self, name: str, settings: config.Camera) -> None:
        self.name = name
        self._settings = settings
        self._newest: Frame | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the camera, check what it gives, and read on from then.

        Raises:
            CameraError: absent, busy, silent, or not in the mode that the config asks for.
        """
        path = path_of(self._settings)
        if not path.exists():
            present = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "no /dev/video*"
            raise CameraError(self.name, f"{path} does not exist; there is {present}")
        source = open_source(path, self._settings)
        problem = source.problem()
        first = None if problem else source.read()
        if first is None:
            source.close()
            raise CameraError(self.name, f"{path} {problem or 'gives no frame'}")
        self._newest = Frame(*first, 0)
        self._thread = threading.Thread(
            target=self._run, args=[source], name=f"camera {self.name}", daemon=True
        )
        self._thread.start()

    def newest(self) -> Frame | None:
        """The newest frame, at once; None before `start`. A camera that hangs leaves its last one."""
        return self._newest

    def close(self) -> None:
        """Stop reading; may be called again."""
        self._closing.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(CLOSE_S)
            if thread.is_alive():
                log.warning("camera %s hangs; it is left to itself", self.name)

    def _run(self, source: Source | None) -> None:
        """Read on; what gives nothing for a while is opened anew."""
        well = due = time.monotonic()
        while not self._closing.wait(max(0.0, due - time.monotonic())):
            taken = source.read() if source is not None else None
            due = max(due, time.monotonic() - RETRY_S) + (source.interval_s if source and taken else RETRY_S)
            if source and taken and self._show(*taken, live=source.live):
                well = time.monotonic()
            elif time.monotonic() - well > REOPEN_S:
                source = self._opened_anew(source)
                well = time.monotonic()
        if source is not None:
            source.close()

    def _show(self, image: Image, taken_ns: int, *, live: bool) -> bool:
        """Make this the newest frame; whether it is a new one."""
        last = self._newest
        if last and live and _same(last.image, image):
            return False
        self._newest = Frame(image, taken_ns, last.sequence + 1 if last else 0)
        return True

    def _opened_anew(self, source: Source | None) -> Source | None:
        """The camera, if it is there again."""
        if source is not None:
            log.error("camera %s gives no new frames; opening it anew", self.name)
            source.close()
        path = path_of(self._settings)
        if not path.exists():
            return None
        source = open_source(path, self._settings)
        if problem := source.problem():
            log.error("camera %s: %s %s", self.name, path, problem)
            source.close()
            return None
        return source


def _same(before: Image, now: Image) -> bool:
    """Whether two pictures are equal; the middle row tells nearly always."""
    middle = len(now) // 2
    return np.array_equal(before[middle], now[middle]) and np.array_equal(before, now)
