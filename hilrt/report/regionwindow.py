"""A window to draw a region of interest in, on recorded pictures of one camera."""

from collections.abc import Sequence
from itertools import count

import numpy as np

from hilrt.data.motion import Region
from hilrt.report.window import SETTLED, bar, is_open, opencv
from hilrt.report.x11 import repeat_mapped
from hilrt.shm.pictures import Picture

CHOSEN, SUGGESTED = (60, 230, 60), (255, 190, 0)
KEYS = "drag: region   c: confirm   r: redo   n: next picture   q: stop"
HEIGHT = 480
"""Smaller pictures are enlarged to this height at least, larger ones shown at half their size [pixels]."""
LARGE = 900
INTERVAL_MS = 30
ESCAPE = 27


class Drawing:
    """A rectangle that follows the mouse."""

    def __init__(self, height: int, width: int, scale: float, region: Region | None = None) -> None:
        """Size of the picture; `scale`: pixels on the screen for each of it; `region`: to begin with."""
        self._size, self._scale = (height, width), scale
        self.region = region
        self._corner: tuple[int, int] | None = None

    def mouse(self, event: int, x: int, y: int, *_: object) -> None:
        """OpenCV's callback: the left button spans a rectangle; a click without a way is none."""
        cv2 = opencv()
        at = self._place(x, y)
        if event == cv2.EVENT_LBUTTONDOWN:
            self._corner = at
        elif self._corner is not None and event in {cv2.EVENT_MOUSEMOVE, cv2.EVENT_LBUTTONUP}:
            self._span(self._corner, at)
            if event == cv2.EVENT_LBUTTONUP:
                self._corner = None

    def _place(self, x: int, y: int) -> tuple[int, int]:
        row, column = np.clip((round(y / self._scale), round(x / self._scale)), 0, self._size).tolist()
        return row, column

    def _span(self, corner: tuple[int, int], at: tuple[int, int]) -> None:
        (top, bottom), (left, right) = (sorted(pair) for pair in zip(corner, at, strict=True))
        if bottom > top and right > left:
            self.region = top, left, bottom - top, right - left


def choose(
    camera: str, pictures: Sequence[Picture], region: Region | None, suggested: Region | None
) -> Region | None:
    """Let the user draw the region; None if she stops. Confirmed without one, it is the whole picture.

    Args:
        camera: its name.
        pictures: RGB, (height, width, 3), all of one size.
        region: to begin with.
        suggested: drawn beside it.
    """
    cv2, title = opencv(), f"hilrt crop: {camera}"
    height, width = pictures[0].shape[:2]
    scale = 0.5 if height > LARGE else float(-(-HEIGHT // height))
    drawing = Drawing(height, width, scale, region or suggested)
    cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
    cv2.setMouseCallback(title, drawing.mouse)
    shown = 0
    for turn in count():
        if turn == SETTLED:
            repeat_mapped(title)
        cv2.imshow(title, _drawn(pictures[shown], scale, drawing.region, suggested)[:, :, ::-1])
        key = cv2.waitKey(INTERVAL_MS)
        if key == ord("n"):
            shown = (shown + 1) % len(pictures)
        elif key == ord("r"):
            drawing.region = None
        elif key in {ord("c"), ord("q"), ESCAPE} or not is_open(title):
            break
    if is_open(title):
        cv2.destroyWindow(title)
    return (drawing.region or (0, 0, height, width)) if key == ord("c") else None


def _drawn(picture: Picture, scale: float, region: Region | None, suggested: Region | None) -> Picture:
    cv2 = opencv()
    large = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for place, colour in ((suggested, SUGGESTED), (region, CHOSEN)):
        outline(large, place, colour, scale)
    text = f"{list(region) if region else 'no region: the whole picture'}   {KEYS}"
    return np.vstack([large, bar(large.shape[1], text)])


def outline(
    picture: Picture, region: Region | None, colour: tuple[int, int, int], scale: float = 1.0
) -> None:
    """Draw a border of two pixels just outside a region, into a picture that is `scale` times as large."""
    if region is None:
        return
    top, left, height, width = (round(scale * n) for n in region)
    for off in (1, 2):
        corners = (left - off, top - off), (left + width + off - 1, top + height + off - 1)
        opencv().rectangle(picture, *corners, colour, 1)
