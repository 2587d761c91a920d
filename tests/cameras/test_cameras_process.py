"""The process that reads the cameras, in a run without others."""

import os
import uuid

import cv2
import jobs
import numpy as np
import pytest
from driver import wait_for

from hilrt.config import taskfile
from hilrt.run.job import Job, Role, Spec
from hilrt.run.memory import RunMemory
from hilrt.shm.pictures import PictureSegment
from hilrt.step.features import from_config
from hilrt.supervisor.children import NAMED_ERROR, Child


class Run:
    """Two folders that stand for cameras, the shared memory of a run, and its cameras' process when it is started."""

    def __init__(self, folder):
        self.folder, self.tag = folder, f"test-{uuid.uuid4().hex[:12]}"
        self.places = {name: folder / name for name in ("front", "wrist")}
        for number, place in enumerate(self.places.values()):
            place.mkdir()
            for i in range(3):
                cv2.imwrite(
                    str(place / f"{i}.png"), np.full((48, 64, 3), 100 * number + 20 * i + 5, np.uint8)
                )
        overrides = [
            f"robot.cameras.{name}={{index_or_path='{place}', width=64, height=48, fps=30}}"
            for name, place in self.places.items()
        ]
        document = taskfile.document(
            jobs.SIM, [f"robot.calibration_dir={jobs.ROOT}/configs/calibration", *overrides]
        )
        (folder / "config.toml").write_text(document.as_string())
        self.config = taskfile.load(folder / "config.toml")
        self.memory = RunMemory(self.tag, self.config, Job.TELEOPERATE)
        self.status = self.memory.status.cameras
        self.pictures = PictureSegment.attach(self.tag, "images", from_config(self.config))
        self.children = []

    def start(self):
        """Start the process."""
        spec = Spec(role=Role.CAMERAS, job=Job.TELEOPERATE, run=self.tag, run_dir=str(self.folder), fds={})
        self.children.append(Child(Role.CAMERAS, spec, 0))
        return self.children[-1]

    def number(self, name):
        """Of the newest picture; 0 before the first."""
        return frame.sequence if (frame := self.pictures.newest(name)) else 0

    def close(self):
        for child in self.children:
            child.kill()
            child.collect()
        self.pictures.close()
        self.memory.close()


@pytest.fixture
def run(tmp_path):
    """A run whose cameras' process is not started yet."""
    run = Run(tmp_path)
    yield run
    run.close()


def test_each_camera_shows_its_own(run):
    """Pictures of both arrive under their names; told to end, the process does so, well."""
    child = run.start()
    wait_for(lambda: run.number("front") > 3 and run.number("wrist") > 3)
    assert run.pictures.newest("front").image.max() < 100 < run.pictures.newest("wrist").image.min()
    assert run.status.ready
    assert run.status.pid == child.pid
    child.terminate()
    wait_for(lambda: child.exit_status is not None)
    assert child.exit_status == 0


def test_killed_it_goes_on_where_it_was(run):
    """After kill -9 the last pictures stay, and the next process counts on; a camera that is away is waited for."""
    child = run.start()
    wait_for(lambda: run.number("front") > 3 and run.number("wrist") > 3)
    child.kill()
    wait_for(lambda: child.exit_status is not None)
    front, wrist = run.number("front"), run.number("wrist")
    aside = run.places["wrist"].rename(run.folder / "aside")
    run.status.ready = 0
    second = run.start()
    wait_for(lambda: run.number("front") > front)
    wait_for(lambda: "wrist " in run.status.message)
    assert "does not exist" in run.status.message
    assert run.number("wrist") == wrist
    aside.rename(run.places["wrist"])
    wait_for(lambda: run.number("wrist") > wrist)
    wait_for(lambda: not run.status.message)
    assert second.exit_status is None


def test_an_absent_camera_is_refused_at_the_start(run):
    """It ends with an error of its own making, which says what is the matter."""
    run.places["wrist"].rename(run.folder / "aside")
    child = run.start()
    wait_for(lambda: child.exit_status is not None)
    assert child.exit_status == NAMED_ERROR
    assert "camera wrist: " in (run.folder / "log.txt").read_text()


def test_one_that_hangs_holds_up_no_other(run):
    """A camera whose first read never returns leaves the other alone, and does not keep the process from its end."""
    (run.places["wrist"] / "0.png").unlink()
    os.mkfifo(run.places["wrist"] / "0.png")  # whoever opens it waits for a writer
    child = run.start()
    wait_for(lambda: run.number("front") > 3)
    assert run.number("wrist") == 0
    child.terminate()
    wait_for(lambda: child.exit_status is not None)
    assert child.exit_status == 0
