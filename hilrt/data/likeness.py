"""How a camera's view of the start of an episode differs from the demonstrations': brightness, colour, framing.

All is measured on what is still: pixels that are alike in the demonstrations' first pictures. An object that lies
elsewhere each time, its shadow, and what else went to and fro there, say nothing.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hilrt.data.pictures import Picture

Values = npt.NDArray[np.float32]

STILL = 8.0
"""Standard deviation of a still pixel's brightness between demonstrations, at most, once each has the same light."""
DARK, FULL = 12.0, 250.0
"""Darker pixels tell nothing of the light, brighter ones do not grow any more."""
TRIMMED = 0.1
"""Share of the pixels on either side that are left out of a mean: something small has come, or a lamp is mirrored."""
FINE = 4.0
"""Edges are what is left of a picture when it is taken off blurred with this standard deviation [pixels]."""
CLEAR = 4.0
"""By how much a tile's edges are stronger than what differs in it between demonstrations, if it tells of framing."""
LEAST_STILL = 0.1
"""Share of the pixels without which nothing is told."""
MARGINS = np.array([0.08, 0.04, 0.04, 0.04, 0.01])
"""How far a measure may be outside what the demonstrations had: brightness and colours in natural logarithms (0.08 is
8 %), framing as a share of the picture's width."""
WIDER, FEW = 0.25, 2.0
"""By how much that grows with the demonstrations' own spread; the second is divided by their number."""
CEASES = 0.7
"""A difference has gone away when it is below this share of what is told."""


class Kind(IntEnum):
    """What may differ."""

    BRIGHTNESS = 0
    COLOUR = 1
    FRAMING = 2


class Measures(NamedTuple):
    """How a picture differs from the demonstrations' median."""

    brightness: float
    """Logarithm of how much brighter it is."""
    red: float
    """Logarithm of how much more of the light is red; the same of green and blue."""
    green: float
    blue: float
    shift: float
    """How far the still edges are from their place, as a share of the picture's width."""


class Finding(NamedTuple):
    """One kind of difference, whether it is worth telling or not."""

    kind: Kind
    excess: float
    """How far it is outside what the demonstrations had, as a multiple of what is allowed: told from 1 on."""
    words: str


class Likeness:
    """What one camera saw at the start of the demonstrations, and how far apart they are.

    Brightness is the trimmed mean of log(picture / median) over the still pixels and the three colours; colour, the
    same of each colour less brightness; framing, the median length of the shifts that phase correlation (Kuglin and
    Hines 1975) finds in nine overlapping tiles of the still edges, so that a turn about the line of sight is seen, too.

    Args:
        pictures: of each demonstration its first, uint8 (height, width, 3), RGB; at least one.
    """

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._cv2 = _opencv()
        stack = np.array(pictures)
        self._median: Values = np.median(stack, axis=0).astype(np.float32)
        everywhere = np.ones(self._median.shape[:2], bool)
        grey = [_grey(p, _gains(p, self._median, everywhere)) for p in stack]
        self.still = self._eroded(np.std([*grey], axis=0) < STILL)
        """Pixels that are alike in all, bool (height, width)."""
        self._edges = self._edges_of(_grey(self._median))
        noise = np.mean([(self._edges_of(each) - self._edges) ** 2 for each in grey], axis=0)
        height, width = self.still.shape
        self._window = self._cv2.createHanningWindow((width // 2, height // 2), self._cv2.CV_32F)
        self._tiles = [tile for tile in _tiles(height, width) if self._clear(tile, noise)]
        own = np.array([self.measure(p) for p in pictures])
        self._low, self._high = own.min(axis=0), own.max(axis=0)
        self._margins = MARGINS + (WIDER + FEW / len(own)) * (self._high - self._low)

    @property
    def tells(self) -> bool:
        """Whether enough is still to compare anything."""
        return bool(self.still.mean() >= LEAST_STILL)

    def measure(self, picture: Picture) -> Measures:
        """How a picture differs; of the demonstrations' shape."""
        logs = _gains(picture, self._median, self.still)
        brightness = logs.mean()
        shift = self._shift(_grey(picture, logs)) / picture.shape[1]
        red, green, blue = map(float, logs - brightness)
        return Measures(float(brightness), red, green, blue, shift)

    def compare(self, picture: Picture) -> tuple[Finding, Finding, Finding]:
        """How far a picture is outside of what the demonstrations had, kind by kind."""
        found = np.array(self.measure(picture))
        outside = np.maximum(found - self._high, self._low - found)
        outside[-1] = found[-1] - self._high[-1]  # to be closer to the median is no difference
        excess = outside / self._margins
        changes = [f"{name} {_percent(log)}" for name, log in zip(COLOURS, found[1:4], strict=True)]
        brighter = "brighter" if found[0] > 0 else "darker"
        return (
            Finding(Kind.BRIGHTNESS, float(excess[0]), f"{_percent(found[0]).lstrip('+-')} {brighter}"),
            Finding(Kind.COLOUR, float(excess[1:4].max()), ", ".join(changes)),
            Finding(Kind.FRAMING, float(excess[4]), f"view shifted by {100 * found[4]:.1f} % of its width"),
        )

    def _shift(self, grey: Values) -> float:
        """Median over the tiles that tell [pixels]; 0 without any."""
        edges = self._edges_of(grey)
        found = [
            self._cv2.phaseCorrelate(
                *(np.ascontiguousarray(e[t]) for e in (self._edges, edges)), self._window
            )
            for t in self._tiles
        ]
        return float(np.median([np.hypot(*way) for way, _ in found])) if found else 0.0

    def _edges_of(self, grey: Values) -> Values:
        fine: Values = grey - self._cv2.GaussianBlur(grey, (0, 0), FINE)
        return np.where(self.still, fine, np.float32(0.0))

    def _clear(self, tile: "Tile", noise: Values) -> bool:
        strength = (self._edges[tile] ** 2 * self._window).sum()
        rounding = (self.still[tile] * self._window).sum() / 4
        return bool(strength > CLEAR * ((noise[tile] * self._window).sum() + rounding))

    def _eroded(self, still: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Without what borders on something that moves."""
        inner: npt.NDArray[np.uint8] = self._cv2.erode(still.astype(np.uint8), np.ones((3, 3), np.uint8))
        return inner.astype(bool)


COLOURS = ("red", "green", "blue")
Tile = tuple[slice, slice]


def _gains(picture: Picture, median: Values, still: npt.NDArray[np.bool_]) -> Values:
    """Logarithm of how much more red, green and blue there is where it is still, shape (3,); 0 where nothing tells."""
    now, then = picture[still].astype(np.float32), median[still]
    lit = (then.min(axis=1) > DARK) & (then.max(axis=1) < FULL)
    if not lit.any():
        return np.zeros(3, np.float32)
    logs = np.sort(np.log((now[lit] + 1.0) / (then[lit] + 1.0)), axis=0)
    cut = int(TRIMMED * len(logs))
    gains: Values = logs[cut : len(logs) - cut].mean(axis=0)
    return gains


def _grey(picture: Picture | Values, logs: Values | None = None) -> Values:
    """Brightness of each pixel, had it the median's light; (height, width)."""
    values = picture.astype(np.float32) if logs is None else picture / np.exp(logs)
    grey: Values = values.mean(axis=-1, dtype=np.float32)
    return grey


def _tiles(height: int, width: int) -> Iterator[Tile]:
    """Half as high and wide as the picture, each overlapping the next by half."""
    for top in (0, height // 4, height // 2):
        for left in (0, width // 4, width // 2):
            yield slice(top, top + height // 2), slice(left, left + width // 2)


def _percent(log: float) -> str:
    return f"{100 * np.expm1(log):+.0f} %"


def _opencv() -> Any:  # noqa: ANN401 - cv2 is untyped
    import cv2  # noqa: PLC0415 - runs without cameras need none of it

    cv2.setNumThreads(1)
    return cv2
