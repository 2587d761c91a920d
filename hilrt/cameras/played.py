"""What stands for a camera: a video file or a folder of images, played at its own rate, over and over."""

import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from hilrt.cameras.device import NO_PIXELS, mode_of
from hilrt.data.imagesize import Size, size_of
from hilrt.errors import CameraError

IMAGES = {".png", ".jpg", ".jpeg", ".bmp"}
LATE_S = 0.1
"""How far behind its time a file may fall and still catch up."""


class Pace:
    """Keeps a file to its rate."""

    def __init__(self, fps: float) -> None:
        self._interval_s = 1 / fps
        self._due = time.monotonic() - self._interval_s

    def wait(self) -> None:
        """Until the next picture is due."""
        self._due = max(self._due + self._interval_s, time.monotonic() - LATE_S)
        time.sleep(max(0.0, self._due - time.monotonic()))


class Video:
    """An open video file.

    Raises:
        CameraError: it is no video.
    """

    live = False
    automatic: tuple[str, ...] = ()

    def __init__(self, name: str, path: Path, fps: int) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not self._capture.isOpened():
            raise CameraError(name, f"{path} is no video")
        mode = mode_of(self._capture)
        self.size, self.fps, self.mode = (mode.width, mode.height), mode.fps or fps, str(mode)
        self._pace = Pace(self.fps)

    def read(self) -> tuple[npt.NDArray[np.uint8], int] | None:
        """Its time is that at which it is due."""
        self._pace.wait()
        there, image = self._capture.read()
        if not there:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            there, image = self._capture.read()
        return (image, time.monotonic_ns()) if there else None

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class Folder:
    """The images of a folder by their names, at the rate of the config.

    Raises:
        CameraError: it holds no images, one that is none, or two sizes.
    """

    live = False
    automatic: tuple[str, ...] = ()

    def __init__(self, name: str, path: Path, fps: int) -> None:
        self._files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGES)
        if not self._files:
            raise CameraError(name, f"{path} holds no images; they end in {', '.join(sorted(IMAGES))}")
        sizes: dict[Size, str] = {}
        for file in self._files:
            if (size := size_of(file.read_bytes())) is None:
                raise CameraError(name, f"{path} holds {file.name}, which is no image")
            sizes[size] = file.name
        if len(sizes) > 1:
            found = ", ".join("{}x{} ({})".format(*size, file) for size, file in sizes.items())
            raise CameraError(name, f"{path} holds images of more than one size: {found}")
        self.size, self.fps = next(iter(sizes)), float(fps)
        self.mode = "{}x{} at {} fps, images".format(*self.size, fps)
        self._next, self._pace = 0, Pace(self.fps)

    def read(self) -> tuple[npt.NDArray[np.uint8], int] | None:
        """Its time is that at which it is due; one of another size is not looked at, and has no pixels."""
        self._pace.wait()
        file = self._files[self._next].read_bytes()
        self._next = (self._next + 1) % len(self._files)
        pixels = np.frombuffer(file, np.uint8)
        image = cv2.imdecode(pixels, cv2.IMREAD_COLOR) if size_of(file) == self.size else None
        return (NO_PIXELS if image is None else image), time.monotonic_ns()

    def close(self) -> None:
        """Nothing is open between two images."""
