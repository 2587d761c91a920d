"""The process that reads the real cameras: a thread for each, and their newest pictures in shared memory.

Control only looks there. A camera that hangs holds up its own thread; a picture that cannot be had grows older, and
control holds the arm. Killed, the process is started again, and goes on with the same shared memory.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from hilrt.cameras.camera import Camera
from hilrt.cameras.rate import Rate
from hilrt.config import Config, taskfile
from hilrt.run.job import Spec
from hilrt.shm.pictures import PictureSegment
from hilrt.shm.status import CamerasStatus, Status
from hilrt.step.features import from_config

log = logging.getLogger(__name__)

LOOK_S = 0.1


def main(spec: Spec) -> None:
    """Entry point of the role.

    Raises:
        CameraError: a camera is absent, or not what the config asks for, when the run begins.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    config = taskfile.load(Path(spec.run_dir) / "config.toml")
    with ExitStack() as stack:
        own = stack.enter_context(Status.attach(spec.run)).cameras
        own.pid = os.getpid()
        pictures = stack.enter_context(PictureSegment.attach(spec.run, "images", from_config(config)))
        cameras = _opened(config, pictures, stack)
        own.ready = 1
        _watch(cameras, own, stop)


def _opened(config: Config, pictures: PictureSegment, stack: ExitStack) -> list[Camera]:
    """A thread for each; those that have shown something before may be away."""
    cameras = []
    for name, settings in config.robot.real_cameras.items():
        known = pictures.newest(name) is not None
        cameras.append(Camera(name, settings, config.env.fps, pictures.publish, known=known))
        stack.callback(cameras[-1].close)
    return cameras


def _watch(cameras: Sequence[Camera], own: CamerasStatus, stop: threading.Event) -> None:
    """Until told to stop: see that the threads live, and say what is the matter."""
    rates = {camera.name: Rate(camera) for camera in cameras}
    complaints = dict.fromkeys(rates, "")
    while not stop.wait(LOOK_S):
        own.heartbeat_ns = time.monotonic_ns()
        for camera in cameras:
            camera.check()
            now, before = rates[camera.name].complaint(), complaints[camera.name]
            if bool(now) != bool(before):
                log.warning("camera %s %s", camera.name, now or "is well again")
            complaints[camera.name] = now
        message = "; ".join(f"{name} {text}" for name, text in complaints.items() if text)
        if message != own.message:
            own.message = message
