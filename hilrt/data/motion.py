"""Where in a camera's pictures something happens: what its region of interest must hold."""

import numpy as np
import numpy.typing as npt

from hilrt.data.pictures import Picture

Region = tuple[int, int, int, int]
"""Top, left, height, width [pixels]."""

NOISE = 16
"""Change of a pixel's strongest colour that is none [of 255]: a camera's noise, a flickering lamp."""
STRAY = 0.01
"""Share of all change that may lie beyond each side: reflections, somebody walking past."""
MARGIN = 0.05
"""Added on each side, of the frame: the object will lie a little further out some day."""


class Motion:
    """Adds up change from picture to picture of one camera."""

    def __init__(self) -> None:
        self._last: npt.NDArray[np.int16] | None = None
        self._change: npt.NDArray[np.int64] | None = None

    def begin(self) -> None:
        """A new episode: what was put back in between is no motion."""
        self._last = None

    def see(self, picture: Picture) -> None:
        """The next picture, (height, width, 3)."""
        smooth = _smooth(picture)
        if self._change is None:
            self._change = np.zeros(smooth.shape[:2], np.int64)
        if self._last is not None:
            self._change += np.abs(smooth - self._last).max(axis=2) > NOISE
        self._last = smooth

    def region(self) -> Region | None:
        """What holds all change but a stray one; None where nothing has changed."""
        if self._change is None or not self._change.any():
            return None
        top, bottom = _span(self._change.sum(1))
        left, right = _span(self._change.sum(0))
        return top, left, bottom - top, right - left


def _smooth(picture: Picture) -> npt.NDArray[np.int16]:
    import cv2  # noqa: PLC0415 - processes without cameras need none of it

    smooth: npt.NDArray[np.uint8] = cv2.blur(picture, (5, 5))
    return smooth.astype(np.int16)


def _span(change: npt.NDArray[np.int64]) -> tuple[int, int]:
    """First and one past the last of the rows, or columns, that matter."""
    share, margin = np.cumsum(change) / change.sum(), round(MARGIN * len(change))
    first, last = np.searchsorted(share, (STRAY, 1 - STRAY))
    return max(0, int(first) - margin), min(len(change), int(last) + 1 + margin)
