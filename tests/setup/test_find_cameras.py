from pathlib import Path

import cv2
import numpy as np
import pytest
from cameras.driver import YUYV, Driver, pictures
from desk import Operator

from hilrt.cameras.device import Mode
from hilrt.errors import CameraError
from hilrt.setup.cameras import find_cameras, probe


@pytest.fixture
def video(tmp_path):
    """Ten pictures, 96 x 64, mostly blue, as a file."""
    path = tmp_path / "desk.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (96, 64))
    for _ in range(10):
        writer.write(np.full((64, 96, 3), (200, 20, 20), np.uint8))
    writer.release()
    return path


def test_a_source_is_named_with_its_mode_and_a_picture(video, tmp_path):
    """The picture is what the camera saw, in its colours."""
    operator = Operator()
    (camera,) = find_cameras(operator.say, tmp_path / "pictures", [video])
    assert camera.modes == (Mode(96, 64, 25, "MJPG"),)
    assert camera.picture == tmp_path / "pictures" / "desk.png"
    assert cv2.imread(str(camera.picture))[32, 48] == pytest.approx([200, 20, 20], abs=6)
    assert operator.said == [f"{video}: 96x64 at 25 fps, MJPG", f"  picture: {camera.picture}"]


def test_what_gives_no_picture_is_passed_over(video, tmp_path, capfd):
    """An absent device, a device that is no camera, and a file that is no video are named; the rest is tried."""
    broken = tmp_path / "broken.avi"
    broken.write_bytes(b"no video")
    operator = Operator()
    sources = [Path("/dev/video77"), Path("/dev/null"), broken, video]
    assert [camera.path for camera in find_cameras(operator.say, tmp_path, sources)] == [video]
    assert operator.said[0] == "camera video77: /dev/video77 does not exist."
    assert operator.said[1].startswith("camera null: /dev/null gives no picture")
    assert operator.said[2].startswith(f"camera broken.avi: {broken} gives no picture")


def test_no_camera_at_all_says_what_to_do(tmp_path):
    """Nothing found is an answer too."""
    operator = Operator()
    assert find_cameras(operator.say, tmp_path, []) == []
    assert operator.said == [
        "No camera gives pictures. Plug one in; in a container, /dev/video* must be passed on."
    ]


def test_a_picture_that_cannot_be_saved_is_an_error(video, tmp_path):
    """A folder that is a file takes no pictures."""
    with pytest.raises(CameraError, match="cannot be written"):
        probe(video, video / "pictures")


def test_a_camera_is_listed_with_what_it_takes(tmp_path, monkeypatch):
    """One that knows no MJPG and no 30 fps is found all the same, with each of its modes once."""
    monkeypatch.setattr(cv2, "VideoCapture", Driver(pictures(), formats=(YUYV,), rates=(5, 25)))
    camera = probe(Path("/dev/null"), tmp_path)
    assert camera.modes == (Mode(64, 48, 5, "YUYV"), Mode(64, 48, 25, "YUYV"))


def test_a_silent_device_is_soon_given_up(tmp_path, monkeypatch):
    """Every mode that gives nothing costs a wait: after two no other is tried."""
    asked = []
    monkeypatch.setattr(
        cv2, "VideoCapture", Driver((asked.append(0) or False for _ in range(9)), rates=(15, 25, 30))
    )
    with pytest.raises(CameraError, match="gives no picture"):
        probe(Path("/dev/null"), tmp_path)
    assert len(asked) == 2
