"""A V4L2 camera, through OpenCV."""

import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from hilrt import config
from hilrt.errors import CameraError

NO_PIXELS = np.zeros((0, 0, 3), np.uint8)
"""What has come, and cannot be decoded: a cut JPEG."""

CURE = "`v4l2-ctl --list-ctrls` says which controls and values it has; take the line out to leave it as it is"
MANUAL = 1
"""V4L2_EXPOSURE_MANUAL; 0 is automatic."""


class Control(NamedTuple):
    """One that a driver may have."""

    name: str
    wanted: int | None
    """None: it is left alone."""
    property: int
    automatic: int | None = None
    """Property by which the camera leaves it alone, with the value `off`."""
    off: int = 0


class Mode(NamedTuple):
    """A way in which a source gives pictures."""

    width: int
    height: int
    fps: float
    """0: it does not say."""
    fourcc: str

    def __str__(self) -> str:
        return f"{self.width}x{self.height} at {self.fps:g} fps, {self.fourcc}"


def ask(capture: cv2.VideoCapture, width: int, height: int, fps: float, fourcc: str) -> Mode:
    """Ask an open device for a mode, and say which one it takes: a driver gives the nearest that it has."""
    # the format first: sizes and rates are offered per format
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*fourcc))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    capture.set(cv2.CAP_PROP_FPS, fps)
    return mode_of(capture)


def mode_of(capture: cv2.VideoCapture) -> Mode:
    """What an open source says it gives."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    fps = round(capture.get(cv2.CAP_PROP_FPS), 2)
    return Mode(
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        fps if 0 < fps < float("inf") else 0.0,
        code.to_bytes(4, "little").decode("latin-1"),
    )


def controls_of(c: config.CameraControls) -> tuple[Control, ...]:
    """All that a task file may set, by OpenCV's names."""
    return (
        Control("exposure", c.exposure, cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_AUTO_EXPOSURE, off=MANUAL),
        Control("gain", c.gain, cv2.CAP_PROP_GAIN),
        Control("white_balance", c.white_balance, cv2.CAP_PROP_WB_TEMPERATURE, cv2.CAP_PROP_AUTO_WB),
        Control("focus", c.focus, cv2.CAP_PROP_FOCUS, cv2.CAP_PROP_AUTOFOCUS),
    )


def fix(capture: cv2.VideoCapture, name: str, controls: config.CameraControls) -> None:
    """Set what the task file has of an open device's controls, and see that it is so.

    Raises:
        CameraError: the driver has no such control, or makes another value of it.
    """
    for control in controls_of(controls):
        if control.wanted is None:
            continue
        if control.automatic is not None:  # refused by a camera that has no such automatic
            capture.set(control.automatic, control.off)
        option = f"robot.cameras.{name}.controls.{control.name} = {control.wanted}"
        if not capture.set(control.property, control.wanted):
            raise CameraError(name, f"its driver refuses {option}. {CURE}")
        if (found := capture.get(control.property)) != control.wanted:
            raise CameraError(name, f"its driver makes {found:g} of {option}. {CURE}")


def automatic_of(capture: cv2.VideoCapture) -> tuple[str, ...]:
    """What an open device chooses by itself, by the task file's names.

    An exposure of 0 is automatic as well, and what OpenCV answers of a camera without: that counts as none.
    """
    return tuple(
        control.name
        for control in controls_of(config.CameraControls())
        if control.automatic is not None and capture.get(control.automatic) > control.off
    )


class Device:
    """An open device; nothing but waiting for the next picture keeps it to its rate.

    Raises:
        CameraError: it cannot be opened, or refuses a control.
    """

    live = True

    def __init__(self, name: str, path: Path, settings: config.Camera) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise CameraError(name, f"{path} cannot be opened: no camera, in use, or not permitted")
        mode = ask(self._capture, settings.width, settings.height, settings.fps, settings.fourcc)
        try:
            fix(self._capture, name, settings.controls)
        except CameraError:
            self.close()
            raise
        self.size, self.fps, self.mode = (mode.width, mode.height), mode.fps, str(mode)
        self.automatic = automatic_of(self._capture)

    def read(self) -> tuple[npt.NDArray[np.uint8], int] | None:
        """The time is that of the grab: decoding comes after."""
        if not self._capture.grab():
            return None
        taken_ns = time.monotonic_ns()
        image = self._capture.retrieve()[1]
        return (NO_PIXELS if image is None else image), taken_ns

    def close(self) -> None:
        """Release the device."""
        self._capture.release()
