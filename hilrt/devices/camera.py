"""Cameras: the newest frame at any time, whatever the camera is doing; and those that OpenCV can read."""

import logging
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from hilrt import config
from hilrt.errors import CameraError

log = logging.getLogger(__name__)

RETRY_S = 0.1
"""Between attempts at a camera that gives nothing; OpenCV itself waits up to 10 s for a frame."""
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
    """A V4L2 camera, or a video file played at its own rate, over and over.

    Its thread makes OpenCV calls, which release the interpreter, and stores the result: it does not hold up
    the control loop.
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
        source = self._settings.index_or_path
        path = Path(f"/dev/video{source}" if isinstance(source, int) else source)
        if not path.exists():
            present = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "no /dev/video*"
            raise CameraError(self.name, f"{path} does not exist; there is {present}")
        reader = _Reader(path, self._settings)
        problem = reader.problem()
        first = None if problem else reader.read()
        if first is None:
            reader.close()
            raise CameraError(self.name, f"{path} {problem or 'gives no frame'}")
        self._newest = Frame(*first, 0)
        self._thread = threading.Thread(
            target=self._run, args=[reader], name=f"camera {self.name}", daemon=True
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

    def _run(self, reader: "_Reader") -> None:
        sequence, well, due = 1, True, time.monotonic() + reader.interval_s
        while not self._closing.wait(max(0.0, due - time.monotonic())):
            taken = reader.read()
            if taken is not None:
                self._newest = Frame(*taken, sequence)
                sequence += 1
            elif well:
                log.error("camera %s gives no more frames", self.name)
            well = taken is not None
            due = max(due, time.monotonic() - RETRY_S) + (reader.interval_s if well else RETRY_S)
        reader.close()


class _Reader:
    """An open `cv2.VideoCapture`, and nothing that is not said to it."""

    def __init__(self, path: Path, settings: config.Camera) -> None:
        import cv2  # noqa: PLC0415 - processes without cameras need none of it

        cv2.setNumThreads(1)
        self._cv2 = cv2
        self._settings = settings
        self._is_file = path.is_file()
        self._turn = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
        self._capture = self._open_file(path) if self._is_file else self._open_device(path)

    @property
    def interval_s(self) -> float:
        """Between frames: a file's own; 0 for a device, which keeps the time itself."""
        return 1 / (self._capture.get(self._cv2.CAP_PROP_FPS) or self._settings.fps) if self._is_file else 0.0

    def problem(self) -> str:
        """Why this source cannot be used; empty when it can."""
        if not self._capture.isOpened():
            return "is no video" if self._is_file else "cannot be opened: no camera, in use, or not permitted"
        found, wanted = self._mode(), self._wanted()
        return f"gives {found} where the config asks for {wanted}" if found != wanted else ""

    def read(self) -> tuple[npt.NDArray[np.uint8], int] | None:
        """The next frame and its time; waits for it."""
        if not self._capture.grab() and not (self._is_file and self._rewound()):
            return None
        taken_ns = time.monotonic_ns()
        there, image = self._capture.retrieve()
        if not there:
            return None
        image = self._cv2.cvtColor(image, self._cv2.COLOR_BGR2RGB)
        if self._settings.rotation:
            image = self._cv2.rotate(image, self._turn[self._settings.rotation])
        return image, taken_ns

    def close(self) -> None:
        self._capture.release()

    def _rewound(self) -> bool:
        self._capture.set(self._cv2.CAP_PROP_POS_FRAMES, 0)
        return bool(self._capture.grab())

    def _open_file(self, path: Path) -> Any:  # noqa: ANN401 - cv2 is untyped
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
        return f"{width}x{height}" if self._is_file else f"{width}x{height} at {fps} fps, {fourcc}"
