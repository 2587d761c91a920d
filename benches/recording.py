"""What recording costs in the control loop: two 640x480 cameras at 30 Hz, per step and at the end of an episode.

hilrt: one copy into a ring, the rest is the recorder's, a process of its own. Beside it: writing PNG files in the loop,
and LeRobotDataset of the LeRobot project (`--lerobot PYTHON`, an interpreter that has it), with its image writer's
threads and with video encoded while recording. All get the same pictures, as noisy as a camera's, and ask for
real-time scheduling.
"""

import argparse
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from host import report
from recording_loop import FPS, paced, pictures

from hilrt.config import taskfile
from hilrt.control.publisher import Publisher, Reader
from hilrt.data.journal import read_episodes
from hilrt.run.job import Job, Role, Spec
from hilrt.run.memory import RunMemory
from hilrt.run.realtime import lock_memory
from hilrt.shm.ring import Ring
from hilrt.shm.status import Status
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Record, Source
from hilrt.supervisor.children import Child
from hilrt.supervisor.supervisor import NICENESS

HERE = Path(__file__).parent
RUN = f"bench-recording-{os.getpid()}"
CONFIG = [
    f"env.fps={FPS}",
    "robot.cameras.front={type = 'sim', width = 640, height = 480}",
    "robot.cameras.wrist={type = 'sim', width = 640, height = 480}",
    f"robot.calibration_dir={HERE.parent}/configs/calibration",
]


class Recording:
    """Shared memory, a recorder, and the loop's end of the ring."""

    def __init__(self, folder: Path, image_format: str) -> None:
        overrides = [*CONFIG, f"dataset.image_format={image_format}", f"dataset.root={folder}/dataset"]
        document = taskfile.document(HERE.parent / "configs" / "sim_so100.toml", overrides)
        (folder / "config.toml").write_text(document.as_string())
        self.folder, self.config = folder, taskfile.load(folder / "config.toml")
        self.features = from_config(self.config)

    def run(self, steps: int, episodes: int) -> dict[str, object]:
        """Figures of the loop, and of the recorder beside it."""
        with contextlib.ExitStack() as stack:
            wake = os.eventfd(0, os.EFD_NONBLOCK)
            stack.callback(os.close, wake)
            os.set_inheritable(wake, True)
            status = stack.enter_context(RunMemory(RUN, self.config, Job.RECORD)).status
            ring = stack.enter_context(Ring.attach(RUN, "steps-recorder", self.features.schema()))
            lock_memory()  # as control does
            child = self._start(wake, status)
            offsets = tuple(image.offset for image in self.features.images)
            publisher = Publisher(self.features, [Reader(ring, wake, learner=False, offsets=offsets)])
            publish = self._publish(publisher, status, steps)
            figures = paced(publish, steps, episodes, crowded=lambda: publisher.crowded)
            status.control.done = status.supervisor.stop = 1
            began = time.monotonic()
            assert child.wait(120.0)
            words = child.collect()
            assert not words, words
            figures["recorder_behind_at_the_end_s"] = round(time.monotonic() - began, 2)
        whole = [e for e in read_episodes(self.folder / "dataset" / "journal") if e.complete]
        assert [len(e.records) for e in whole] == [steps + 1] * episodes
        return figures

    def _start(self, wake: int, status: Status) -> Child:
        spec = Spec(
            role=Role.RECORDER,
            job=Job.RECORD,
            run=RUN,
            run_dir=str(self.folder),
            fds={"recorder_steps": wake},
        )
        child = Child(Role.RECORDER, spec, NICENESS[Role.RECORDER])
        while not status.recorder.ready:
            time.sleep(0.01)
        return child

    def _publish(self, publisher: Publisher, status: Status, steps: int) -> Callable[[int, int], None]:
        """As `hilrt.control` does: a record a step, one more at the end."""
        shots = [tuple(np.split(pair, 2)) for pair in pictures()]
        shots = [tuple(half[0] for half in shot) for shot in shots]

        def publish(episode: int, step: int) -> None:
            status.control.heartbeat_ns = time.monotonic_ns()
            record = self._record(episode, step, final=step == steps)
            publisher.publish(record, shots[step % len(shots)], ())

        return publish

    def _record(self, episode: int, step: int, *, final: bool) -> Record:
        features, now = self.features, time.monotonic_ns()
        return Record(
            episode=episode,
            step=step,
            mode=Mode.DEMO,
            final=final,
            monotonic_ns=now,
            wall_ns=time.time_ns(),
            state=bytes(4 * len(features.state)),
            action=bytes(4 * len(features.action)),
            source=Source.HUMAN,
            joint_goal=bytes(24),
            success=final,
        )


def png_files(folder: Path) -> Callable[[int, int], None]:
    """A step's pictures as PNG files, its numbers as a line of JSON."""
    lines = (folder / "steps.jsonl").open("w")
    shots = pictures()

    def write(episode: int, step: int) -> None:
        for name, picture in zip(("front", "wrist"), shots[step % len(shots)], strict=True):
            cv2.imwrite(str(folder / f"{episode}-{step}-{name}.png"), picture[..., ::-1])
        lines.write(
            json.dumps({"episode": episode, "step": step, "state": [0.0] * 30, "action": [0.0] * 3}) + "\n"
        )
        lines.flush()

    return write


def lerobot(python: str, folder: Path, steps: int, episodes: int, how: str) -> object:
    """The same through LeRobotDataset, in an interpreter that has it."""
    if not python:
        return "not installed: give --lerobot PYTHON"
    command = [python, str(HERE / "recording_lerobot.py"), str(folder / how), str(steps), str(episodes), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr[-2000:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300, help="of an episode")
    parser.add_argument("--episodes", type=int, default=2)
    parser.add_argument("--lerobot", metavar="PYTHON", default="", help="interpreter that has lerobot")
    args = parser.parse_args()
    results: dict[str, object] = {"steps": args.steps, "episodes": args.episodes, "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for image_format in ("png", "jpeg"):
            place = folder / image_format
            place.mkdir()
            results[f"hilrt, {image_format}"] = Recording(place, image_format).run(args.steps, args.episodes)
        results["PNG files in the loop"] = paced(png_files(folder), args.steps - 1, args.episodes)
        for how in ("images", "video", "streaming"):
            results[f"lerobot, {how}"] = lerobot(args.lerobot, folder, args.steps, args.episodes, how)
    report("recording", results)


if __name__ == "__main__":
    main()
