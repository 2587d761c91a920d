"""One real camera, read by a thread of its own, whatever it does."""

import logging
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np

from hilrt import config
from hilrt.cameras.source import Image, Source, open_source
from hilrt.errors import CameraError
from hilrt.errors.plain import plain

log = logging.getLogger(__name__)

RETRY_S = 0.1
"""Between attempts at a camera that gives nothing."""
REOPEN_S = 1.0
"""A camera that has given nothing for so long is opened anew, and then again and again."""
CLOSE_S = 1.0
"""Longest wait for the thread at the end; a hung one goes with the process."""
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

Show = Callable[[str, Image, int], None]
"""Takes a camera's name, a picture, uint8 (height, width, 3), RGB, upright, and the time it was taken [ns]."""


class Camera:
    """Shows each new picture of a camera.

    Its thread opens, reads, and opens anew what has given nothing for a while. No picture is one that cannot be decoded
    or has another size; or, of a device, one that equals the last to the bit.

    Args:
        name: of the camera.
        settings: of the task file.
        slowest: rate without which no run can use it [1/s].
        show: called by the thread; None: its pictures are counted alone.
        known: it has worked in this run: it may be away at first.
    """

    def __init__(
        self,
        name: str,
        settings: config.Camera,
        slowest: float,
        show: Show | None = None,
        *,
        known: bool = False,
    ) -> None:
        self.name, self.settings, self.slowest = name, settings, slowest
        self.shown = 0
        """Pictures so far."""
        self.broken = 0
        """Those passed over."""
        self.mode = ""
        """What it says it gives."""
        self.automatic: tuple[str, ...] = ()
        """Controls that it chooses by itself."""
        self.trouble = ""
        """Why it shows nothing, while that lasts."""
        self._show, self._known = show, known
        self._last: Image | None = None
        self._failure: BaseException | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """See that it is being read.

        Raises:
            CameraError: when first opened, it was absent, busy, or not what the config asks for.
        """
        if self._failure:
            raise self._failure

    def close(self) -> None:
        """Stop reading; may be called again."""
        self._closing.set()
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            log.warning("camera %s hangs; it is left to itself", self.name)

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._read_on()
        except BaseException as error:  # carried to the thread that can act on it
            self._failure = error

    def _read_on(self) -> None:
        """From one opening to the next."""
        try:
            source = open_source(self.name, self.settings, self.slowest)
        except CameraError as error:
            if not self._known:
                raise
            self.trouble = error.problem
            self._closing.wait(REOPEN_S)
            return
        try:
            self._known, self.mode, self.automatic = True, source.mode, source.automatic
            self._follow(source)
        finally:
            source.close()

    def _follow(self, source: Source) -> None:
        """Show what comes, until nothing has for too long."""
        seen, problem = time.monotonic(), "gives no new pictures"
        while not self._closing.is_set():
            try:
                taken = source.read()
            except (cv2.error, OSError) as error:
                taken, problem = None, f"cannot be read: {plain(error)}"
            if taken is None:
                self._closing.wait(RETRY_S)
            elif broken := self._broken(taken[0]):
                problem = broken
            elif self._take(*taken, live=source.live):
                seen = time.monotonic()
            if time.monotonic() - seen > REOPEN_S:
                self.trouble = problem
                return

    def _broken(self, image: Image) -> str:
        """Why this is no picture; it is passed over."""
        if image.shape == (self.settings.height, self.settings.width, 3):
            return ""
        size = f"of {image.shape[1]}x{image.shape[0]}" if image.size else "that are cut short or damaged"
        if not self.broken:
            log.warning("camera %s gives pictures %s; such are passed over", self.name, size)
        self.broken += 1
        return f"gives pictures {size}"

    def _take(self, image: Image, taken_ns: int, *, live: bool) -> bool:
        """Show a picture, if it is a new one."""
        if live and self._last is not None and _same(self._last, image):
            return False
        self._last = image
        if self._show:
            self._show(self.name, _upright(image, self.settings.rotation), taken_ns)
        self.shown += 1
        self.trouble = ""
        return True


def _upright(image: Image, rotation: int) -> Image:
    """RGB, turned clockwise [deg]."""
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    upright: Image = cv2.rotate(image, TURNS[rotation]) if rotation else image
    return upright


def _same(before: Image, now: Image) -> bool:
    """Whether two pictures are equal; the middle row tells nearly always."""
    middle = len(now) // 2
    return np.array_equal(before[middle], now[middle]) and np.array_equal(before, now)
