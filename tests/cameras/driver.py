"""What OpenCV makes of a V4L2 driver, played by a driver of our own."""

import threading
import time

import cv2
import numpy as np

MJPG, YUYV = (cv2.VideoWriter.fourcc(*code) for code in ("MJPG", "YUYV"))


AUTOMATIC = {
    cv2.CAP_PROP_EXPOSURE: (cv2.CAP_PROP_AUTO_EXPOSURE, 1),
    cv2.CAP_PROP_WB_TEMPERATURE: (cv2.CAP_PROP_AUTO_WB, 0),
    cv2.CAP_PROP_FOCUS: (cv2.CAP_PROP_AUTOFOCUS, 0),
}
"""By which control each is left to the camera, and the value of that with which it is not, as in videodev2.h."""


class Driver:
    """What stands behind `cv2.VideoCapture`: modes that it has, and what its frames are.

    A frame is a picture, None (it does not decode), False (none comes), or an exception.
    """

    def __init__(self, frames, *, formats=(MJPG, YUYV), rates=(30,), size=(64, 48), ranges=None):
        """`ranges`: lowest and highest value of each control that it has; what is automatic at first refuses others."""
        self.frames, self.formats, self.rates, self.size = frames, formats, rates, size
        self.ranges, self.controls = ranges or {}, {}
        self.opened, self.gate = 0, threading.Event()
        self.gate.set()

    def __call__(self, *_):
        self.gate.wait()
        self.opened += 1
        self.controls = {what: high for what, (_, high) in self.ranges.items()}
        return Capture(self)


class Capture:
    """One opening of it; as V4L2 does, it takes the nearest of what it is asked for."""

    def __init__(self, driver):
        self._driver, self._fourcc, self._fps = driver, driver.formats[-1], driver.rates[0]
        self._frame = None

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def set(self, what, value):
        if what == cv2.CAP_PROP_FOURCC and int(value) in self._driver.formats:
            self._fourcc = int(value)
        if what == cv2.CAP_PROP_FPS:
            self._fps = min(self._driver.rates, key=lambda fps: abs(fps - value))
        controls = self._driver.controls
        automatic, off = AUTOMATIC.get(what, (None, 0))
        if what not in controls or controls.get(automatic, off) != off:
            return False
        low, high = self._driver.ranges[what]
        controls[what] = min(max(value, low), high)
        return True

    def get(self, what):
        width, height = self._driver.size
        facts = {
            cv2.CAP_PROP_FOURCC: self._fourcc,
            cv2.CAP_PROP_FPS: self._fps,
            cv2.CAP_PROP_FRAME_WIDTH: width,
            cv2.CAP_PROP_FRAME_HEIGHT: height,
        }
        return float((facts | self._driver.controls).get(what, 0.0))

    def grab(self):
        self._frame = next(self._driver.frames)
        if isinstance(self._frame, Exception):
            raise self._frame
        return self._frame is not False

    def retrieve(self):
        return self._frame is not None, self._frame

    def read(self):
        return self.retrieve() if self.grab() else (False, None)

    def release(self):
        pass


def pictures(seed=0):
    """No two alike."""
    rng = np.random.default_rng(seed)
    while True:
        yield rng.integers(0, 255, (48, 64, 3), np.uint8)


def after(*first):
    """These, and then pictures."""
    yield from first
    yield from pictures()


def wait_for(condition):
    """The first true value, or failure."""
    deadline = time.monotonic() + 20
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return value
