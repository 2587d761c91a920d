"""What a camera makes of the light that it gets: exposure and noise."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


class Film:
    """Of each camera.

    Args:
        cameras: how many.
        exposure: share by which pictures of one are too bright or too dark, at most.
        noise: standard deviation of each value of each pixel, of 255.
    """

    def __init__(self, cameras: int, exposure: float, noise: float) -> None:
        self._exposure, self._noise = exposure, noise
        self._gains = np.ones(cameras, np.float32)

    def draw(self, rng: np.random.Generator) -> None:
        """Expose otherwise."""
        self._gains = (1.0 + self._exposure * rng.uniform(-1.0, 1.0, len(self._gains))).astype(np.float32)

    def develop(self, seen: Picture, camera: int, seed: tuple[int, ...]) -> Picture:
        """The picture that a camera gives of what is seen, (height, width, 3); `seed`: of its noise, no two alike."""
        if not (self._exposure or self._noise):
            return seen
        values = seen * self._gains[camera]
        if self._noise:
            rng = np.random.default_rng(seed)
            values += np.float32(self._noise) * rng.standard_normal(seen.shape, np.float32)
        picture: Picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
        return picture
