"""Frames of a simulated camera, from the simulator's side of the link to control's."""

import uuid

import numpy as np
import pytest

from hilrt.run.simlink import SimLink
from hilrt.sim.camera import SimCamera
from hilrt.step.features import Features, Image

CAMERAS = (Image("front", 48, 64, 0), Image("wrist", 5, 7, 48 * 64 * 3))


@pytest.fixture
def link():
    """Shared by a simulator and a control that are both this process."""
    run = f"test-{uuid.uuid4().hex[:12]}"
    link = SimLink.create(run, Features(10, ("",), ("a.pos",), ("dx",), (), CAMERAS, ()))
    yield link
    link.unlink()
    link.close()


def test_camera_gives_what_the_simulator_rendered(link):
    """Nothing at first, then the newest frame with its time and number; each camera has its own, beside the truth."""
    front, wrist = (SimCamera(image.name, link) for image in CAMERAS)
    assert front.newest() is None
    rng = np.random.default_rng(0)
    for number in range(1, 4):
        image = rng.integers(0, 256, (48, 64, 3), np.uint8)
        link.publish_frame("front", image, 1000 + number)
        link.report(np.full(5, 0.25), success=True)
        frame = front.newest()
        assert (frame.sequence, frame.monotonic_ns) == (number, 1000 + number)
        np.testing.assert_array_equal(frame.image, image)
    assert wrist.newest() is None
    assert link.success()
    np.testing.assert_array_equal(link.object_pose(), np.full(5, 0.25))
