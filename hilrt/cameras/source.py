"""Where a camera's pictures come from: a V4L2 device, a video file, a folder of images."""

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from hilrt import config
from hilrt.cameras.device import Device
from hilrt.cameras.played import Folder, Video
from hilrt.errors import CameraError
from hilrt.errors.plain import plain

Image = npt.NDArray[np.uint8]


class Source(Protocol):
    """Open pictures; whoever reads them waits for the next."""

    live: bool
    """A device, whose pictures all differ, if only by the noise of its sensor."""
    size: tuple[int, int]
    """Width and height that it says it gives."""
    fps: float
    """Pictures per second that it says it gives; 0 where it does not say."""
    mode: str
    """The same in words."""
    automatic: tuple[str, ...]
    """Controls that a device chooses by itself, by the task file's names."""

    def read(self) -> tuple[Image, int] | None:
        """The next picture, BGR, as it came, and its time [ns]; None where nothing comes.

        Raises:
            cv2.error, OSError: it cannot be read.
        """
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def open_source(name: str, settings: config.Camera, slowest: float) -> Source:
    """Open a device, a file or a folder, and look at what it says it gives.

    Format and rate are wishes: what a camera gives in their place is taken. Its size is not, and neither is less than
    a picture per tick.

    Args:
        name: of the camera, for errors.
        settings: of the task file.
        slowest: rate that must be reached [1/s].

    Raises:
        CameraError: it cannot be opened, or gives what no run can use.
    """
    cv2.setNumThreads(1)
    source = _open(name, settings.path, settings)
    if problem := _problem(source, settings, slowest):
        source.close()
        raise CameraError(name, f"{settings.path} gives {problem}")
    return source


def _problem(source: Source, settings: config.Camera, slowest: float) -> str:
    """What it gives that no run can use."""
    found, wanted = ("{}x{}".format(*size) for size in (source.size, (settings.width, settings.height)))
    if found != wanted:
        return f"{found} where the config asks for {wanted}"
    if 0 < round(source.fps, 1) < slowest:
        return f"{source.mode}, less than env.fps = {slowest:g}. Lower env.fps, or take a faster camera"
    return ""


def _open(name: str, path: Path, settings: config.Camera) -> Source:
    try:
        if path.is_dir():
            return Folder(name, path, settings.fps)
        if path.is_file():
            return Video(name, path, settings.fps)
        if path.exists():
            return Device(name, path, settings)
    except (cv2.error, OSError) as error:
        raise CameraError(name, f"{path} cannot be opened: {plain(error)}") from error
    present = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "no /dev/video*"
    raise CameraError(name, f"{path} does not exist; there is {present}")
