"""The window with the views: how it is drawn, what it needs, how it ends."""

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hilrt.config.taskfile import load
from hilrt.report.viewer import Shot, caption, compose
from hilrt.report.window import BAR
from hilrt.run.job import Job, Role, Spec
from hilrt.shm.pictures import PictureSegment
from hilrt.shm.status import Status
from hilrt.step.features import from_config

ROOT = Path(__file__).parents[2]
WATCHDOG_S = 60
RED, BLUE = (250, 20, 10), (15, 30, 240)
CAMERA = '[robot.cameras.{}]\ntype = "sim"\nwidth = 64\nheight = 48\n'


def plain(colour, height=128, width=128):
    """A picture of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def wait_for(condition):
    """The first true value, or failure."""
    deadline = time.monotonic() + WATCHDOG_S
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


def test_views_stand_side_by_side_enlarged_with_a_line_each():
    """Two 128-pixel views become 256 pixels high, in their order and colours, with text below each and all."""
    picture = compose([Shot("front", plain(RED), 12.4), Shot("wrist", plain(BLUE), 7.0)], "running")
    assert (picture.shape, picture.dtype) == ((256 + 2 * BAR, 512, 3), np.uint8)
    assert (picture[:256, :256] == RED).all()
    assert (picture[:256, 256:] == BLUE).all()
    for text in (picture[256 : 256 + BAR, :256], picture[256 : 256 + BAR, 256:], picture[256 + BAR :]):
        assert text.max() > 200


@pytest.mark.parametrize(("height", "shown"), [(96, 288), (256, 256), (480, 480)])
def test_small_views_grow_by_a_whole_factor(height, shown):
    """A view is enlarged to 256 pixels or a little more, so that each of its pixels is a square; a large one is not."""
    view = plain(RED, height, 60)
    view[::2] = BLUE
    picture = compose([Shot("front", view, 1.0)], "")
    factor = shown // height
    assert picture.shape == (shown + 2 * BAR, 60 * factor, 3)
    assert (picture[:shown] == view.repeat(factor, axis=0).repeat(factor, axis=1)).all()


def test_text_changes_with_what_it_says():
    """Name, age, absence of a picture and caption each change the text, which stays inside however long it is."""
    shots = [Shot("front", plain(RED), 12.0), Shot("wrist", plain(RED), 12.0)]
    shots += [
        Shot("front", plain(RED), 13.0),
        Shot("front", plain(RED), None),
        Shot("f" * 60, plain(RED), 1.0),
    ]
    bars = [compose([shot], "running")[256 : 256 + BAR] for shot in shots]
    assert len({bar.tobytes() for bar in bars}) == len(shots)
    assert all((bar[:, -4:] == 0).all() for bar in bars)
    assert (compose(shots[:1], "running")[:256] == compose(shots[:1], "done")[:256]).all()
    assert (compose(shots[:1], "running") != compose(shots[:1], "done")).any()


def test_caption_tells_phase_episode_and_step(status):
    """The caption is in the words of the terminal's panel."""
    status.control.phase, status.control.episode, status.control.step = 3, 12, 45
    assert caption(status.control) == "running   episode 12   step 45"


@pytest.mark.parametrize(
    ("display", "problem"), [("", "DISPLAY is not set"), (":987", "nothing answers at DISPLAY = :987")]
)
def test_without_a_display_it_ends_with_a_named_error(start, status, display, problem):
    """Neither an absent nor a dead display lets Qt abort the process: it ends with what to do about it."""
    child = start(display)
    error = f"error: display_cameras: no display ({problem}). Use `ssh -X`, or set display_cameras"
    assert error in child.communicate(timeout=WATCHDOG_S)[0]
    assert child.returncode == 2
    assert problem in status.viewer.message
    assert status.viewer.message.endswith("display_cameras = false.")
    assert not status.viewer.ready


def test_window_shows_the_newest_views(start, display, status, views):
    """Both views are on the screen in their colours, are followed by newer ones, and `stop` ends it with status 0."""
    views.publish("front", plain(RED), time.monotonic_ns())
    views.publish("wrist", plain(BLUE), time.monotonic_ns())
    child = start(display.name)
    wait_for(lambda: area(display, RED) == area(display, BLUE) == 256 * 256)
    columns = [
        np.argwhere((display.screenshot() == colour).all(axis=2))[:, 1].min() for colour in (RED, BLUE)
    ]
    assert columns[1] - columns[0] == 256
    views.publish("front", plain(BLUE), time.monotonic_ns())
    wait_for(lambda: area(display, BLUE) == 2 * 256 * 256)
    assert status.viewer.ready
    assert status.viewer.pid == child.pid
    before = status.viewer.heartbeat_ns
    wait_for(lambda: status.viewer.heartbeat_ns > before)
    status.supervisor.stop = 1
    assert child.wait(WATCHDOG_S) == 0
    assert status.viewer.message == ""


def test_closed_window_ends_the_viewer(start, display, status):
    """Whoever closes the window ends the viewer, with status 0 and a word about it."""
    child = start(display.name)
    wait_for(lambda: status.viewer.ready)
    display.close_window("hilrt")
    assert child.wait(WATCHDOG_S) == 0
    assert status.viewer.message == "the camera window was closed"
    assert not status.supervisor.stop


def test_sigterm_ends_the_viewer(start, display, status):
    """SIGTERM is a request to finish, not a crash."""
    child = start(display.name)
    wait_for(lambda: status.viewer.ready)
    child.terminate()
    assert child.wait(WATCHDOG_S) == 0


def area(display, colour):
    """Pixels of that colour on the screen."""
    return (display.screenshot() == colour).all(axis=2).sum()


@pytest.fixture
def spec(tmp_path):
    """A run folder whose task has two simulated cameras."""
    cameras = "".join(map(CAMERA.format, ("front", "wrist")))
    (tmp_path / "config.toml").write_text((ROOT / "configs/sim_so100.toml").read_text() + cameras)
    run = f"test-{uuid.uuid4().hex[:12]}"
    return Spec(role=Role.VIEWER, job=Job.TRAIN, run=run, run_dir=str(tmp_path), fds={})


@pytest.fixture
def status(spec):
    """The run's status block."""
    with Status.create(spec.run) as status:
        yield status
        status.unlink()


@pytest.fixture
def views(spec):
    """The run's views."""
    with PictureSegment.create(
        spec.run, "views", from_config(load(Path(spec.run_dir) / "config.toml"))
    ) as views:
        yield views
        views.unlink()


@pytest.fixture
def start(spec, status, views):
    """Start the viewer on a display; it ends with the test."""
    children = []

    def start(display):
        words = [
            sys.executable,
            "-m",
            "hilrt.supervisor.launch",
            msgspec.json.encode(spec).decode(),
            str(os.getpid()),
        ]
        pipe = subprocess.PIPE
        child = subprocess.Popen(
            words, cwd=ROOT, env=environment(display), stderr=subprocess.STDOUT, stdout=pipe, text=True
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def environment(display):
    """This process's, with another display; none if empty."""
    rest = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    return rest | ({"DISPLAY": display} if display else {})
