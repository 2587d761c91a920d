"""Where an OpenCV camera's pictures come from: a V4L2 device, a video file, a folder of images."""

import os
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hilrt import config

Image = npt.NDArray[np.uint8]

IMAGES = {".png", ".jpg", ".jpeg", ".bmp"}
SELECT_S = "1"
"""How long OpenCV waits for a device's next frame; its own 10 s outlast the patience of a run."""


class Source(Protocol):
    """Open pictures; whoever reads them waits for the next."""

    live: bool
    """A device, whose pictures all differ, if only by the noise of its sensor; it keeps the time itself."""

    @property
    def interval_s(self) -> float:
        """From one picture to the next; 0 for a device."""
        ...

    def problem(self) -> str:
        """Why this source cannot be used; empty when it can."""
        ...

    def read(self) -> tuple[Image, int] | None:
        """The next picture, RGB, shape (height, width, 3), and its time [ns]; None where nothing comes."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def path_of(settings: config.Camera) -> Path:
    """Where the source lies."""
    source = settings.index_or_path
    return Path(f"/dev/video{source}" if isinstance(source, int) else source)


def open_source(path: Path, settings: config.Camera) -> Source:
    """Open a device, a file or a folder; `problem` tells whether that worked."""
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", SELECT_S)  # read when cv2 is loaded
    import cv2  # noqa: PLC0415 - processes without cameras need none of it

    cv2.setNumThreads(1)
    if path.is_dir():
        return Folder(path, settings, cv2)
    return Video(path, settings, cv2)


class Video:
    """An open `cv2.VideoCapture`, and nothing that is not said to it; a file is played over and over."""

    def __init__(self, path: Path, settings: config.Camera, cv2: Any) -> None:  # noqa: ANN401 - cv2 is untyped
        self._cv2, self._settings = cv2, settings
        self.live = not path.is_file()
        self._capture = self._open_device(path) if self.live else self._open_file(path)

    @property
    def interval_s(self) -> float:
        """Between frames: a file's own; 0 for a device."""
        return 0.0 if self.live else 1 / (self._capture.get(self._cv2.CAP_PROP_FPS) or self._settings.fps)

    def problem(self) -> str:
        """Not to be opened, or in another mode than the config asks for."""
        if not self._capture.isOpened():
            return "cannot be opened: no camera, in use, or not permitted" if self.live else "is no video"
        found, wanted = self._mode(), self._wanted()
        return f"gives {found} where the config asks for {wanted}" if found != wanted else ""

    def read(self) -> tuple[Image, int] | None:
        """Its time is that of the grab: decoding comes after."""
        if not self._capture.grab() and not (not self.live and self._rewound()):
            return None
        taken_ns = time.monotonic_ns()
        there, image = self._capture.retrieve()
        return (_upright(self._cv2, image, self._settings.rotation), taken_ns) if there else None

    def close(self) -> None:
        """Release the device."""
        self._capture.release()

    def _rewound(self) -> bool:
        self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, 0)
        return bool(self._capture.grab())

    def _open_file(self, path: Path) -> Any:  # noqa: ANN401
        cv2 = self._cv2
        return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])

    def _open_device(self, path: Path) -> Any:  # noqa: ANN401
        cv2, settings = self._cv2, self._settings
        capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        # the format first: sizes and rates are offered per format
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*settings.fourcc))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
        return capture

    def _mode(self) -> str:
        """What the source says it gives; of a file only the size matters."""
        cv2, capture = self._cv2, self._capture
        code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1")
        size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        return self._text(*size, round(capture.get(cv2.CAP_PROP_FPS)), code)

    def _wanted(self) -> str:
        settings = self._settings
        return self._text(settings.width, settings.height, settings.fps, settings.fourcc)

    def _text(self, width: int, height: int, fps: int, fourcc: str) -> str:
        return f"{width}x{height} at {fps} fps, {fourcc}" if self.live else f"{width}x{height}"


class Folder:
    """The images of a folder by their names, at the rate of the config, over and over."""

    live = False

    def __init__(self, path: Path, settings: config.Camera, cv2: Any) -> None:  # noqa: ANN401
        self._cv2, self._settings = cv2, settings
        self._files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGES)
        self._next = 0
        self.interval_s = 1 / settings.fps

    def problem(self) -> str:
        """Nothing in it, or an image that is none, or of another size than the config asks for."""
        wanted = (self._settings.height, self._settings.width)
        for file in self._files:
            if (image := self._cv2.imread(str(file))) is None:
                return f"holds {file.name}, which is no image"
            if (found := image.shape[:2]) != wanted:
                size = f"{found[1]}x{found[0]}"
                return f"gives {size} ({file.name}) where the config asks for {wanted[1]}x{wanted[0]}"
        return "" if self._files else f"holds no images; they end in {', '.join(sorted(IMAGES))}"

    def read(self) -> tuple[Image, int] | None:
        """Its time is now."""
        image = self._cv2.imread(str(self._files[self._next]))
        self._next = (self._next + 1) % len(self._files)
        if image is None:
            return None
        return _upright(self._cv2, image, self._settings.rotation), time.monotonic_ns()

    def close(self) -> None:
        """Nothing is open between two images."""


def _upright(cv2: Any, image: Any, rotation: int) -> Image:  # noqa: ANN401
    """RGB, turned clockwise [deg]."""
    turn = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    upright: Image = cv2.rotate(image, turn[rotation]) if rotation else image
    return upright
