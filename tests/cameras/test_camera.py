"""A camera on a video file or a folder of images."""

import re
import struct
import threading
import time
import zlib

import cv2
import numpy as np
import pytest
from driver import wait_for
from inmemory import blank_memory

from hilrt import config
from hilrt.cameras.camera import Camera
from hilrt.errors import CameraError
from hilrt.shm.pictures import Pictures
from hilrt.step.features import Image

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

    def play(slowest=10, **settings):
        facts = {"index_or_path": str(video), "width": 64, "height": 48, "fps": RATE} | settings
        cameras.append(Played(config.Camera(**facts), slowest))
        return cameras[-1]

    yield play
    for camera in cameras:
        camera.close()


class Played(Camera):
    """A camera that shows its pictures in memory, as it does in a run."""

    def __init__(self, settings, slowest):
        images = (Image("front", *settings.frame_size, 0),)
        pictures = Pictures(blank_memory(images), images)
        self.newest = lambda: pictures.newest("front")
        super().__init__("front", settings, slowest, pictures.publish)

    def refused(self):
        """Wait for the error that it ends with."""
        self._thread.join()
        with pytest.raises(CameraError) as caught:
            self.check()
        return str(caught.value)


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
        assert abs(frame.image[:, :28, 0].mean() - (100 + 20 * ((number - 1) % FRAMES))) < 8
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


def test_an_absent_device_is_named(play):
    """A device that is not there is an error that names it and says what is."""
    camera = play(index_or_path=97)
    assert re.search(r"camera front: /dev/video97 does not exist; there is .*/dev/video", camera.refused())
    assert camera.newest() is None


def test_another_size_than_asked_for_is_named(play):
    """The message says what the source gives and what the config asks for."""
    assert "video.avi gives 64x48 where the config asks for 640x480" in play(width=640, height=480).refused()


def test_what_is_no_video_is_named(tmp_path, play):
    """A file that is no video and a device that is no camera are errors, not silence."""
    path = tmp_path / "text.avi"
    path.write_text("not a video")
    assert "text.avi is no video" in play(index_or_path=str(path)).refused()
    assert "/dev/null cannot be opened: no camera" in play(index_or_path="/dev/null").refused()


def test_a_source_that_dies_leaves_its_last_frame(play, tmp_path):
    """When nothing more comes the last frame stays, growing older, and closing does not block."""
    path = tmp_path / "long.avi"
    noise = np.random.default_rng(
        0
    )  # hardly compresses: the file's start soon leaves every buffer in between
    write_video(path, [noise.integers(0, 180, (48, 64, 3), np.uint8) for _ in range(300)])
    camera = play(index_or_path=str(path))
    wait_for(lambda: (f := camera.newest()) and f.sequence > 60)
    path.write_bytes(b"")
    wait_for(lambda: camera.trouble)
    last = camera.newest().sequence
    camera.close()
    assert camera.newest().sequence == last


def test_close_ends_the_thread(play):
    """After close, once or twice, no thread is left."""
    camera = play()
    assert any(t.name == "camera front" for t in threading.enumerate())
    camera.close()
    camera.close()
    assert not any(t.name == "camera front" for t in threading.enumerate())


@pytest.fixture
def folder(tmp_path):
    """Three images, brighter by name, beside a file that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, name in enumerate(("b.png", "c.png", "a.PNG")):
        write_image(folder / name, 60 + 40 * ((number + 1) % 3))
    (folder / "notes.txt").write_text("not an image")
    return folder


def png_header(width, height):
    """The first bytes of a PNG file of that size, and nothing behind them."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


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
        assert (frame.image == [60 + 40 * ((number - 1) % 3), 0, 0]).all()
    first, last = seen[min(seen)], seen[max(seen)]
    lasted = (last.monotonic_ns - first.monotonic_ns) / 1e9
    assert lasted > 0.8 * (last.sequence - first.sequence) / RATE


def test_what_is_wrong_with_a_folder_is_named(play, folder, tmp_path):
    """No images, two sizes of them, one that is none, and one that says it is larger than any memory."""
    write_image(folder / "d.png", 0, size=(10, 10))
    assert (
        "images of more than one size: 64x48 (c.png), 10x10 (d.png)"
        in play(index_or_path=str(folder)).refused()
    )
    (folder / "d.png").write_text("no")
    assert "holds d.png, which is no image" in play(index_or_path=str(folder)).refused()
    (tmp_path / "empty").mkdir()
    assert "holds no images; they end in .bmp" in play(index_or_path=str(tmp_path / "empty")).refused()
    (tmp_path / "empty" / "bomb.png").write_bytes(png_header(60_000, 60_000))
    assert (
        "gives 60000x60000 where the config asks for 64x48"
        in play(index_or_path=str(tmp_path / "empty")).refused()
    )


def test_a_source_that_comes_back_is_opened_anew(play, folder):
    """While it is away the last frame stays, and it is said why; then frames go on from its number."""
    camera = play(index_or_path=str(folder))
    wait_for(camera.newest)
    aside = folder.rename(folder.with_name("aside"))
    wait_for(lambda: "does not exist" in camera.trouble)
    camera.check()
    last = camera.newest()
    aside.rename(folder)
    wait_for(lambda: camera.newest().sequence > last.sequence)
    wait_for(lambda: not camera.trouble)


def test_a_source_that_comes_back_in_another_size_is_not_taken(play, folder):
    """Another camera under the same name stays unused, and it is said what it gives."""
    camera = play(index_or_path=str(folder))
    wait_for(camera.newest)
    for path in folder.glob("*"):
        path.unlink()
    write_image(folder / "other.png", 0, size=(10, 10))
    wait_for(lambda: "gives 10x10 where the config asks for 64x48" in camera.trouble)
    assert camera.newest().image.shape == (48, 64, 3)


def test_a_damaged_image_is_passed_over(play, folder):
    """A cut file among the images of a folder is no picture; the others are shown."""
    whole = (folder / "c.png").read_bytes()
    (folder / "c.png").write_bytes(whole[: len(whole) // 2])
    camera = play(index_or_path=str(folder))
    wait_for(lambda: camera.broken > 1 and camera.shown > 4)
    camera.check()
