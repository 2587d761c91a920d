"""How control begins."""

import asyncio
import uuid

import numpy as np
import pytest
from inmemory import blank_memory
from rig import load

from hilrt.control import opening
from hilrt.control.opening import first_pictures
from hilrt.errors import CameraError
from hilrt.shm.pictures import Pictures
from hilrt.shm.status import Status
from hilrt.step.features import from_config

CAMERAS = [f"robot.cameras.{name}={{type = 'sim', width = 64, height = 48}}" for name in ("front", "wrist")]


class Start:
    """Control that waits for the pictures of two cameras, of which the front one is there."""

    def __init__(self, status):
        self.config, self.status = load(*CAMERAS), status
        images = from_config(self.config).images
        self.pictures = Pictures(blank_memory(images), images)
        self.show("front")

    def show(self, name):
        self.pictures.publish(name, np.zeros((48, 64, 3), np.uint8), 1)

    def wait(self, stop_wanted=lambda: False):
        """Whether all came."""
        return asyncio.run(first_pictures(self.pictures, self.config, self.status, stop_wanted))


@pytest.fixture
def start():
    """Control as it begins."""
    with Status.create(f"test-{uuid.uuid4().hex[:12]}") as status:
        yield Start(status.control)
        status.unlink()


def test_all_pictures_are_waited_for(start):
    """Which camera it is that lacks is said, until all are there."""
    said = []

    def looked():
        said.append(start.status.message)
        if len(said) == 3:
            start.show("wrist")
        return False

    assert start.wait(looked)
    assert said == ["", *["waiting for camera wrist"] * 2]
    assert start.status.message == ""


def test_an_end_is_not_waited_with(start):
    """Whoever wants the run to end before need not wait for a camera that hangs."""
    assert not start.wait(lambda: True)


def test_a_camera_that_never_shows_anything_is_named(start, monkeypatch):
    """The wait has an end, and the camera a name."""
    monkeypatch.setattr(opening, "FIRST_PICTURE_S", 0.0)
    with pytest.raises(CameraError, match="camera wrist: no picture within 0 s"):
        start.wait()
