"""The viewer process: what the policy sees, live, in a window (`processor.observation.display_cameras`).

It reads shared memory and writes nothing but its own status, so it cannot disturb a run, and a run goes on without
it. Its window is OpenCV's, drawn by Qt, which talks to the X server through the socket that DISPLAY names: this is
the only process of a run that opens one.
"""

import os
import signal
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hilrt.config.taskfile import load
from hilrt.errors import DisplayAbsentError
from hilrt.report.view import CONTROL_PHASES
from hilrt.report.window import SETTLED, bar, is_open, opencv
from hilrt.report.x11 import check_display, repeat_mapped
from hilrt.run.job import Spec
from hilrt.shm.pictures import Picture, Pictures, PictureSegment
from hilrt.shm.status import ControlStatus, Status
from hilrt.step.features import Image, from_config

TITLE = "hilrt"
INTERVAL_MS = 50
TILE = 256
"""Smaller views are enlarged to this height at least [pixels]."""


class Shot(NamedTuple):
    """A camera's newest view."""

    name: str
    picture: Picture
    """RGB, uint8 (height, width, 3)."""
    age_ms: float | None
    """None before the first."""


def main(spec: Spec) -> None:
    """Show the views until the run stops or somebody closes the window.

    Raises:
        DisplayAbsentError: there is nowhere to open a window.
    """
    features = from_config(load(Path(spec.run_dir) / "config.toml"))
    with Status.attach(spec.run) as status, PictureSegment.attach(spec.run, "views", features) as views:
        status.viewer.pid = os.getpid()
        try:
            check_display()
        except DisplayAbsentError as error:
            status.viewer.message = str(error)
            raise
        viewer = Viewer(status, views, features.views)
        signal.signal(signal.SIGTERM, viewer.stop)
        viewer.run()


class Viewer:
    """Draws the newest views over and over."""

    def __init__(self, status: Status, views: Pictures, images: Sequence[Image]) -> None:
        self._status, self._views, self._images = status, views, images
        self._stopped = False

    def stop(self, *_: object) -> None:
        """Finish; a signal handler."""
        self._stopped = True

    def run(self) -> None:
        """Until told to stop, or the window is closed."""
        cv2, own = opencv(), self._status.viewer
        cv2.namedWindow(TITLE, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
        for turn in count():
            if self._stopped or self._status.supervisor.stop:
                break
            if turn == SETTLED:
                repeat_mapped(TITLE)
            picture = compose(self._shots(), caption(self._status.control))
            cv2.imshow(TITLE, picture[:, :, ::-1])
            cv2.waitKey(INTERVAL_MS)
            own.heartbeat_ns, own.ready = time.monotonic_ns(), 1
            if not is_open(TITLE):
                own.message = "the camera window was closed"
                return
        cv2.destroyAllWindows()

    def _shots(self) -> list[Shot]:
        return [self._shot(image) for image in self._images]

    def _shot(self, image: Image) -> Shot:
        frame = self._views.newest(image.name)
        if frame is None:
            return Shot(image.name, np.zeros((image.height, image.width, 3), np.uint8), None)
        return Shot(image.name, frame.image, (time.monotonic_ns() - frame.monotonic_ns) / 1e6)


def caption(control: ControlStatus) -> str:
    """What the run is at."""
    return f"{CONTROL_PHASES[control.phase]}   episode {control.episode}   step {control.step}"


def compose(shots: Sequence[Shot], caption: str) -> Picture:
    """Views of one size side by side, each above its name and age, the caption below; RGB, uint8."""
    row = np.hstack([_tile(shot) for shot in shots])
    return np.vstack([row, bar(row.shape[1], caption)])


def _tile(shot: Shot) -> Picture:
    cv2, times = opencv(), -(-TILE // shot.picture.shape[0])
    large = cv2.resize(shot.picture, None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    age = "no picture yet" if shot.age_ms is None else f"{shot.age_ms:.0f} ms"
    return np.vstack([large, bar(large.shape[1], f"{shot.name}   {age}")])
