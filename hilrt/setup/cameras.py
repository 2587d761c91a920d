"""Which cameras there are, what they can do, and a picture of each."""

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import cv2
from msgspec import Struct

from hilrt.cameras.device import Mode, ask, mode_of
from hilrt.errors import CameraError
from hilrt.errors.plain import plain

SIZES = ((320, 240), (640, 480), (800, 600), (1280, 720), (1920, 1080))
RATES = (15, 25, 30, 60)
SILENT = 2
"""Modes without a picture after which no other is tried: each is waited for."""
WARM_UP = 5
"""Pictures thrown away before one is kept: exposure settles over the first."""


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
    cv2.setNumThreads(1)
    if not path.exists():
        raise CameraError(path.name, f"{path} does not exist")
    is_device = path.is_char_device()
    capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2 if is_device else cv2.CAP_FFMPEG)
    try:
        modes = modes_of(capture, is_device=is_device) if capture.isOpened() else []
        image = _picture(capture) if modes else None
    finally:
        capture.release()
    if image is None:
        raise CameraError(path.name, f"{path} gives no picture: no camera, in use, or not permitted")
    return FoundCamera(path, tuple(modes), _save(image, folder / f"{path.stem}.png", path.name))


def modes_of(capture: cv2.VideoCapture, *, is_device: bool) -> list[Mode]:
    """What an open source gives: a device what it takes when asked for the usual modes, if it gives a picture then."""
    if not is_device:
        return [mode_of(capture)]
    found: dict[Mode, bool] = {}
    for size, fps in product(SIZES, RATES):
        mode = ask(capture, *size, fps, "MJPG")
        found[mode] = found.get(mode) or capture.grab()
        if list(found.values()).count(False) == SILENT:
            break
    return [mode for mode, gives in found.items() if gives]


def _picture(capture: cv2.VideoCapture) -> Any:  # noqa: ANN401 - cv2 is untyped
    """A settled picture; None where there is none."""
    image = None
    for _ in range(WARM_UP):
        there, newest = capture.read()
        image = newest if there else image
    return image


def _save(image: Any, target: Path, name: str) -> Path:  # noqa: ANN401
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    except OSError as error:
        raise CameraError(name, f"its picture cannot be written: {plain(error)}") from error
    return target
