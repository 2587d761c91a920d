"""What OpenCV's windows have in common here: how they open, whether they are still there, a line of text."""

from typing import Any

import numpy as np

from hilrt.shm.pictures import Picture

SETTLED = 5
"""Pictures after which a new window has had all its events; see `hilrt.report.x11.repeat_mapped`."""
BAR = 28
"""Height of a line of text [pixels]."""
INK = (230, 230, 230)


def opencv() -> Any:  # noqa: ANN401 - cv2 is untyped
    """OpenCV, once a window is sure to open."""
    import cv2  # noqa: PLC0415

    cv2.setNumThreads(1)
    return cv2


def is_open(title: str) -> bool:
    """Whether nobody has closed it."""
    cv2 = opencv()
    try:
        return bool(cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) > 0)
    except cv2.error:  # with its last window Qt's part of OpenCV is gone
        return False


def bar(width: int, text: str) -> Picture:
    """A line of text, as large as it may be."""
    cv2 = opencv()
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.5
    (needed, _), _ = cv2.getTextSize(text, font, scale, 1)
    scale = min(scale, scale * (width - 16) / max(needed, 1))
    line = np.zeros((BAR, width, 3), np.uint8)
    cv2.putText(line, text, (8, BAR - 9), font, scale, INK, 1, cv2.LINE_AA)
    return line
