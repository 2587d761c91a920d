"""Cameras on devices that a test plays."""

import cv2
import pytest

from hilrt import config
from hilrt.cameras.camera import Camera


@pytest.fixture
def plug_in(monkeypatch):
    """Have a driver answer for a device; the camera on it is closed at the end."""
    cameras = []

    def show(name, image, taken_ns):
        shown.append(image)

    def plug_in(driver, slowest=10, **settings):
        monkeypatch.setattr(cv2, "VideoCapture", driver)
        facts = {"index_or_path": "/dev/null", "width": 64, "height": 48, "fps": 30} | settings
        cameras.append(Camera("front", config.Camera(**facts), slowest, show))
        return cameras[-1]

    shown = plug_in.shown = []
    yield plug_in
    for camera in cameras:
        camera.close()


class Shown(list):
    """What has been shown."""

    def append_picture(self, name, image, taken_ns):
        self.append(image)
