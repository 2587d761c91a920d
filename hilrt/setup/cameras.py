"""Which cameras there are, what they can do, and a picture of each."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from msgspec import Struct

from hilrt.errors import CameraError

SIZES = ((320, 240), (640, 480), (800, 600), (1280, 720), (1920, 1080))
RATES = (15, 30, 60)
WARM_UP = 5
"""Pictures thrown away before one is kept: exposure settles over the first."""


class Mode(Struct, frozen=True):
    """A way in which a camera gives pictures."""

    width: int
    height: int
    fps: int
    fourcc: str

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {self.fps} fps, {self.fourcc}"


class FoundCamera(Struct, frozen=True):
    """One camera, and where its picture was saved."""

    path: Path
    modes: tuple[Mode, ...]
    picture: Path


def find_cameras(
    say: Callable[[str], None], folder: Path, devices: Sequence[Path] | None = None
) -> list[FoundCamera]:
    """Try the cameras of this computer, or other sources; one that cannot be used is named and passed over.

    Args:
        say: shows a line.
        folder: for the pictures, `<name of the device>.png`; made where there is none.
        devices: absent: every /dev/video*.
    """
    found = []
    for path in sorted(Path("/dev").glob("video*")) if devices is None else devices:
        try:
            camera = probe(path, folder)
        except CameraError as error:
            say(str(error))
            continue
        found.append(camera)
        say(f"{camera.path}: {'; '.join(map(str, camera.modes))}")
        say(f"  picture: {camera.picture}")
    if not found:
        say("No camera gives pictures. Plug one in; in a container, /dev/video* must be passed on.")
    return found


def probe(path: Path, folder: Path) -> FoundCamera:
    """Try one source.

    Raises:
        CameraError: it gives no pictures, or they cannot be saved.
    """
    import cv2  # noqa: PLC0415 - the other commands need none of it

    cv2.setNumThreads(1)
    if not path.exists():
        raise CameraError(path.name, f"{path} does not exist")
    is_device = path.is_char_device()
    capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2 if is_device else cv2.CAP_FFMPEG)
    try:
        modes, image = _try(cv2, capture, is_device) if capture.isOpened() else ([], None)
    finally:
        capture.release()
    if image is None:
        raise CameraError(path.name, f"{path} gives no picture: no camera, in use, or not permitted")
    return FoundCamera(path, tuple(modes), _save(cv2, image, folder / f"{path.stem}.png", path.name))


def _save(cv2: Any, image: Any, target: Path, name: str) -> Path:  # noqa: ANN401 - cv2 is untyped
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    except OSError as error:
        raise CameraError(name, f"its picture cannot be written: {error}") from error
    return target


def _try(cv2: Any, capture: Any, is_device: bool) -> tuple[list[Mode], Any]:  # noqa: ANN401
    modes = _modes(cv2, capture) if is_device else [_mode(cv2, capture)]
    return modes, _picture(capture) if modes else None


def _modes(cv2: Any, capture: Any) -> list[Mode]:  # noqa: ANN401
    """Those of the usual modes that the camera takes as asked, and gives a picture in."""
    return [mode for mode in _usual() if _takes(cv2, capture, mode)]


def _usual() -> Iterator[Mode]:
    for (width, height), fps in product(SIZES, RATES):
        yield Mode(width, height, fps, "MJPG")


def _takes(cv2: Any, capture: Any, mode: Mode) -> bool:  # noqa: ANN401
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*mode.fourcc))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, mode.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, mode.height)
    capture.set(cv2.CAP_PROP_FPS, mode.fps)
    return _mode(cv2, capture) == mode and bool(capture.grab())


def _mode(cv2: Any, capture: Any) -> Mode:  # noqa: ANN401
    """What the source says it gives."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1")
    width, height = (int(capture.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    return Mode(width, height, round(capture.get(cv2.CAP_PROP_FPS)), code)


def _picture(capture: Any) -> Any:  # noqa: ANN401
    """A settled picture; None where there is none."""
    image = None
    for _ in range(WARM_UP):
        there, newest = capture.read()
        image = newest if there else image
    return image
