"""Ways out of a run that has cameras: what of them may die or go, and where the arm is then."""

import shutil

import cv2
import numpy as np
import pytest
from outlived import kill, running
from report.display import Display

from hilrt.control.phase import Phase

CLOSE = b"\x1b[1;5D"


@pytest.fixture
def seen(tmp_path):
    """Overrides for a camera that a folder of images stands for, and the folder."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), 80 * number, np.uint8))
    camera = f"robot.cameras.front={{index_or_path='{folder}',width=64,height=48}}"
    return folder, camera


@pytest.fixture
def window(tmp_path, monkeypatch):
    """A screen for the window."""
    if not shutil.which("Xvfb"):
        pytest.skip("Xvfb is not installed")
    screen = Display(tmp_path)
    monkeypatch.setenv("DISPLAY", screen.name)
    yield screen
    screen.close()


def test_cameras_killed(tmp_path, arm, seen):
    """They are started anew, the episode goes on, and a stop then parks the arm."""
    _, camera = seen
    with running(tmp_path, arm, camera) as run:
        episode, dead = run.control.episode, kill(run.status.cameras)
        run.until(lambda: run.status.cameras.ready and run.status.cameras.pid != dead)
        step = run.control.step
        run.until(lambda: run.control.step > step + 5)
        assert run.control.episode == episode
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert "cameras was killed by SIGKILL and was restarted" in run.text()
    assert arm.parked
    assert arm.keeps_hold


def test_cameras_killed_for_good(tmp_path, arm, seen):
    """The sixth time the run ends as if it were stopped: the arm is parked."""
    _, camera = seen
    with running(tmp_path, arm, camera) as run:
        for _ in range(6):
            run.until(lambda: run.status.cameras.ready)
            dead = kill(run.status.cameras)
            run.until(lambda: run.status.cameras.pid != dead or run.control.phase == Phase.PARKING)  # noqa: B023
        assert run.finish() == 2
    assert "for the 6th time" in run.text()
    assert arm.parked
    assert arm.keeps_hold


@pytest.mark.parametrize("park", [True, False])
def test_a_camera_is_lost(tmp_path, arm, seen, park):
    """For too long, as the jaw squeezes: the run ends with its name, and the arm is parked, or holds where it is."""
    folder, camera = seen
    with running(tmp_path, arm, camera, park=park) as run:
        for _ in range(5):
            run.type(CLOSE)
        folder.rename(tmp_path / "away")
        run.wait_for(rb"camera front shows nothing new; the arm holds")
        assert run.finish() == 2
    assert "camera front" in run.text()
    assert arm.parked if park else arm.at(arm.start)
    assert arm.keeps_hold


@pytest.mark.usefixtures("window")
def test_the_viewer_killed(tmp_path, arm, seen):
    """A run needs no window: the episode goes on without, and a stop then parks the arm."""
    _, camera = seen
    with running(tmp_path, arm, camera, "processor.observation.display_cameras=true") as run:
        run.until(lambda: run.status.viewer.ready)
        kill(run.status.viewer)
        run.until(lambda: run.status.supervisor.message == "the window was closed")
        episode, step = run.control.episode, run.control.step
        run.until(lambda: run.control.step > step + 5)
        assert run.control.episode == episode
        run.type(b"q")
        assert run.finish() == 0, run.text()
    assert arm.parked
    assert arm.keeps_hold
