"""Cameras read through OpenCV; a video file stands for the device."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

import hilrt
from hilrt import config
from hilrt.devices.camera import OpenCVCamera
from hilrt.errors import CameraError

FRAMES = 6
RATE = 50


@pytest.fixture
def video(tmp_path):
    """Six frames of 64 x 48: red on the left, blue on the right, and brighter from frame to frame."""
    path = tmp_path / "video.avi"
    images = np.zeros((FRAMES, 48, 64, 3), np.uint8)
    for number, image in enumerate(images):
        image[:, :32, 2] = image[:, 32:, 0] = 100 + 20 * number
    write_video(path, images)
    return path


def write_video(path, images):
    """Motion JPEG of BGR images."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (64, 48))
    for image in images:
        writer.write(image)
    writer.release()


@pytest.fixture
def play(video):
    """Start a camera on the video, with settings of its own; it is closed at the end."""
    cameras = []

    def play(**settings):
        facts = {"index_or_path": str(video), "width": 64, "height": 48, "fps": RATE} | settings
        camera = OpenCVCamera("front", config.Camera(**facts))
        cameras.append(camera)
        camera.start()
        return camera

    yield play
    for camera in cameras:
        camera.close()


def wait_for(condition):
    """The first true value, or failure."""
    deadline = time.monotonic() + 20
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return value


def test_frames_are_rgb_with_time_and_number(play):
    """The newest frame has the right colours on the right sides, a time in the past, and a rising number."""
    before = time.monotonic_ns()
    camera = play()
    frame = wait_for(camera.newest)
    assert (frame.image.shape, frame.image.dtype) == ((48, 64, 3), np.uint8)
    red, green, blue = frame.image[24, 8]
    assert red > 80 > max(green, blue)
    red, green, blue = frame.image[24, 56]
    assert blue > 80 > max(red, green)
    assert before < frame.monotonic_ns < time.monotonic_ns()
    later = wait_for(lambda: (f := camera.newest()).sequence > frame.sequence and f)
    assert later.monotonic_ns > frame.monotonic_ns


def test_a_file_is_played_in_order_and_over_again(play):
    """Each frame is the one its number says, also after the file's end, and none comes before its time."""
    camera = play()
    seen = {}
    while not seen or max(seen) < 2 * FRAMES:
        frame = wait_for(camera.newest)
        seen[frame.sequence] = frame
        time.sleep(0.001)
    for number, frame in seen.items():
        assert abs(frame.image[:, :28, 0].mean() - (100 + 20 * (number % FRAMES))) < 8
    first, last = seen[min(seen)], seen[max(seen)]
    lasted = (last.monotonic_ns - first.monotonic_ns) / 1e9
    assert lasted > 0.8 * (last.sequence - first.sequence) / RATE


@pytest.mark.parametrize(
    ("rotation", "shape", "red_at"),
    [
        (0, (48, 64, 3), (24, 8)),
        (90, (64, 48, 3), (8, 24)),
        (180, (48, 64, 3), (24, 56)),
        (270, (64, 48, 3), (56, 24)),
    ],
)
def test_rotation_is_clockwise(play, rotation, shape, red_at):
    """The red left side comes to the top at 90 degrees, to the right at 180, to the bottom at 270."""
    image = wait_for(play(rotation=rotation).newest).image
    assert image.shape == shape
    red, green, blue = image[red_at]
    assert red > 80 > max(green, blue)


def test_an_absent_device_is_named(tmp_path):
    """A device that is not there is an error that names it and says what is."""
    camera = OpenCVCamera("wrist", config.Camera(index_or_path=97))
    with pytest.raises(
        CameraError, match=r"camera wrist: /dev/video97 does not exist; there is .*/dev/video"
    ):
        camera.start()
    assert camera.newest() is None
    camera.close()


def test_another_mode_than_asked_for_is_named(play):
    """The message says what the source gives and what the config asks for."""
    with pytest.raises(CameraError, match=r"video\.avi gives 64x48 where the config asks for 640x480"):
        play(width=640, height=480)


def test_what_is_no_video_is_named(tmp_path, play):
    """A file that is no video and a device that is no camera are errors, not silence."""
    path = tmp_path / "text.avi"
    path.write_text("not a video")
    with pytest.raises(CameraError, match=r"text\.avi is no video"):
        play(index_or_path=str(path))
    with pytest.raises(CameraError, match="/dev/null cannot be opened: no camera"):
        play(index_or_path="/dev/null")


def test_a_source_that_dies_leaves_its_last_frame(play, tmp_path):
    """When nothing more comes the last frame stays, growing older, and neither reading nor closing blocks."""
    path = tmp_path / "long.avi"
    noise = np.random.default_rng(
        0
    )  # hardly compresses: the file's start soon leaves every buffer in between
    write_video(path, [noise.integers(0, 180, (48, 64, 3), np.uint8) for _ in range(300)])
    camera = play(index_or_path=str(path))
    wait_for(lambda: camera.newest().sequence > 60)
    path.write_bytes(b"")
    last = wait_for(lambda: (f := camera.newest()) and time.monotonic_ns() - f.monotonic_ns > 0.5e9 and f)
    assert camera.newest() is last
    camera.close()
    assert camera.newest() is last


def test_close_ends_the_thread(play):
    """After close, once or twice, no thread is left."""
    camera = play()
    assert any(t.name == "camera front" for t in threading.enumerate())
    camera.close()
    camera.close()
    assert not any(t.name == "camera front" for t in threading.enumerate())


def test_opencv_is_loaded_only_for_a_camera():
    """Importing the module does not import cv2."""
    code = "import sys, hilrt.devices.camera; sys.exit('cv2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(hilrt.__file__).parents[1])


@pytest.fixture
def folder(tmp_path):
    """Three images, brighter by name, beside a file that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate(("b.png", "c.png", "a.PNG")):
        write_image(folder / name, 60 + 40 * ((number + 1) % 3))
    (folder / "notes.txt").write_text("not an image")
    return folder


def write_image(path, red, size=(48, 64)):
    """Of one colour."""
    image = np.zeros((*size, 3), np.uint8)
    image[..., 2] = red
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


def test_a_folder_is_played_by_name_and_over_again(play, folder):
    """Its images come as frames in the order of their names, at the rate of the config."""
    camera = play(index_or_path=str(folder), rotation=90)
    seen = {}
    while not seen or max(seen) < 6:
        frame = wait_for(camera.newest)
        seen[frame.sequence] = frame
        time.sleep(0.001)
    for number, frame in seen.items():
        assert frame.image.shape == (64, 48, 3)
        assert (frame.image == [60 + 40 * (number % 3), 0, 0]).all()
    first, last = seen[min(seen)], seen[max(seen)]
    lasted = (last.monotonic_ns - first.monotonic_ns) / 1e9
    assert lasted > 0.8 * (last.sequence - first.sequence) / RATE


def test_what_is_wrong_with_a_folder_is_named(play, folder, tmp_path):
    """No images, one of another size, one that cannot be read."""
    write_image(folder / "d.png", 0, size=(10, 10))
    with pytest.raises(CameraError, match=r"gives 10x10 \(d\.png\) where the config asks for 64x48"):
        play(index_or_path=str(folder))
    (folder / "d.png").write_text("no")
    with pytest.raises(CameraError, match=r"holds d\.png, which is no image"):
        play(index_or_path=str(folder))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CameraError, match=r"holds no images; they end in \.bmp"):
        play(index_or_path=str(tmp_path / "empty"))


def test_a_source_that_comes_back_is_opened_anew(play, folder):
    """While it is away the last frame grows older; once it is there again frames go on from its number."""
    camera = play(index_or_path=str(folder))
    aside = folder.rename(folder.with_name("aside"))
    last = wait_for(lambda: (f := camera.newest()) and time.monotonic_ns() - f.monotonic_ns > 1.5e9 and f)
    aside.rename(folder)
    later = wait_for(lambda: (f := camera.newest()) is not last and f)
    assert later.sequence == last.sequence + 1


def test_a_source_that_comes_back_in_another_mode_is_not_taken(play, folder, caplog):
    """Another camera under the same name stays unused, and the log says what it gives."""
    camera = play(index_or_path=str(folder))
    for path in folder.glob("*"):
        path.unlink()
    write_image(folder / "other.png", 0, size=(10, 10))
    wait_for(lambda: "gives 10x10 (other.png) where the config asks for 64x48" in caplog.text)
    last = camera.newest()
    assert last.image.shape == (48, 64, 3)


def test_a_device_that_repeats_itself_shows_nothing_new(play, video):
    """A live picture equal to the last to the bit leaves that one, with its time; a file may repeat itself."""
    camera = OpenCVCamera("front", config.Camera(index_or_path=str(video), width=64, height=48))
    images = np.random.default_rng(0).integers(0, 255, (2, 48, 64, 3), np.uint8)
    assert camera._show(images[0], 1, live=True)
    assert not camera._show(images[0].copy(), 2, live=True)
    assert (camera.newest().monotonic_ns, camera.newest().sequence) == (1, 0)
    almost = images[0].copy()
    almost[0, 0, 0] ^= 1
    assert camera._show(almost, 3, live=True)
    assert camera._show(almost, 4, live=False)
    assert (camera.newest().monotonic_ns, camera.newest().sequence) == (4, 2)
