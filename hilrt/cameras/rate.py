"""How many pictures a camera really gives, whatever its driver says."""

import time

from hilrt.cameras.camera import Camera

WINDOW_S = 3.0
"""How long pictures are counted for what is said of them."""
CURE = "More light, a fixed exposure or a USB port of its own may help"
ENOUGH = 0.9
"""Share of the configured rate below which a camera is called slow."""


class Rate:
    """Counts a camera's new pictures, from the first on."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._shown, self._since = camera.shown, time.monotonic()
        self.per_s: float | None = None
        """Pictures per second over the last seconds; None until they are counted."""

    def complaint(self) -> str:
        """What is the matter with the camera; to be asked often."""
        camera = self._camera
        if camera.trouble or not camera.shown:
            self.per_s = None
            self._begin()
            return camera.trouble
        if (elapsed := time.monotonic() - self._since) >= WINDOW_S:
            self.per_s = (camera.shown - self._shown) / elapsed
            self._begin()
        return self._slow()

    def _begin(self) -> None:
        self._shown, self._since = self._camera.shown, time.monotonic()

    def _slow(self) -> str:
        camera = self._camera
        if self.per_s is None or self.per_s >= ENOUGH * camera.settings.fps:
            return ""
        too_slow = f", less than env.fps = {camera.slowest:g}" if self.per_s < camera.slowest else ""
        damaged = f", {camera.broken} damaged" if camera.broken else ""
        return f"gives {self.per_s:.1f} pictures/s of {camera.settings.fps}{too_slow}{damaged}"
