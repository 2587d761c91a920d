"""From the journal into the dataset and on into a policy's views, beside pyarrow with Pillow, and LeRobot's loader.

The last needs `--lerobot PYTHON`, an interpreter of an environment that has lerobot: it is no dependency of ours.
"""

import argparse
import io
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from host import report
from PIL import Image as PillowImage

from hilrt.config import ImagePreprocessing
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.dataset import Dataset, open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.views import episodes_seen
from hilrt.data.pictures import ImageFormat, packed
from hilrt.devices.preprocess import Preprocess
from hilrt.step.features import GRIPPER, Features, Image
from hilrt.step.record import Mode, Record, encode_into

HEIGHT, WIDTH, VIEW = 480, 640, 128
CAMERAS = ("front", "wrist")
EPISODE = 100
LEROBOT = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from torchvision.transforms.v2 import Resize
dataset = LeRobotDataset("local/bench", root=sys.argv[1], image_transforms=Resize((128, 128), antialias=True))
for index in range(5):
    dataset[index]
began, cpu = time.perf_counter(), time.process_time()
for index in range(len(dataset)):
    dataset[index]
count = len(dataset) * len(dataset.meta.camera_keys)
speed, cost = count / (time.perf_counter() - began), 1e3 * (time.process_time() - cpu) / count
json.dump({"pictures_per_s": round(speed), "cpu_ms": round(cost, 2)}, sys.stdout)
"""


def features() -> Features:
    size = HEIGHT * WIDTH * 3
    images = tuple(Image(name, HEIGHT, WIDTH, i * size) for i, name in enumerate(CAMERAS))
    views = tuple(Image(name, VIEW, VIEW, i * VIEW * VIEW * 3) for i, name in enumerate(CAMERAS))
    return Features(30, ("",), tuple(f"s{i}" for i in range(29)), ("dx", "dy", "dz"), GRIPPER, images, views)


def frames(step: int) -> bytes:
    """As of a camera: smooth, with a little noise, and something that moves."""
    rng = np.random.default_rng(step)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.stack([rows / 3, columns / 4, 80 + 40 * np.sin(rows / 40 + columns / 60)], axis=-1)
    picture[100 + step : 150 + step, 200 + step : 260 + step] = 200
    noise = rng.normal(0, 1.5, (len(CAMERAS), HEIGHT, WIDTH, 3))
    return np.clip(picture + noise, 0, 255).astype(np.uint8).tobytes()


def journal(root: Path, shape: Features, episodes: int, image_format: ImageFormat) -> int:
    """Record; returns bytes."""
    pictures = [packed(frames(step), shape.images, image_format) for step in range(EPISODE + 1)]
    with JournalWriter(root / "journal", shape, "bench") as writer:
        for episode in range(episodes):
            for step, piece in enumerate(pictures):
                final = step == EPISODE
                record = Record(
                    episode=episode,
                    step=step,
                    mode=Mode.DEMO,
                    final=final,
                    monotonic_ns=10**9 * episode + step,
                    wall_ns=step,
                    state=bytes(4 * 29),
                    action=b"" if final else bytes(12),
                    truncated=step >= EPISODE - 1,
                )
                writer.write(bytes(encode_into(record, bytearray())), piece)
    return sum(path.stat().st_size for path in (root / "journal").iterdir())


def timed(count: int, work: Callable[[], object]) -> dict:
    """Pictures a second, and processor time of each, which other work on the machine hardly changes."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    speed, cost = count / (time.perf_counter() - began), 1e3 * (time.process_time() - cpu) / count
    return {"pictures_per_s": round(speed), "cpu_ms": round(cost, 2)}


def ours(dataset: Dataset, preprocess: Preprocess, threads: int) -> None:
    for _ in episodes_seen(dataset, preprocess, threads):
        pass


def plain(root: Path) -> None:
    """What one would write without thinking twice."""
    for path in sorted(root.glob("data/*/*.parquet")):
        file = pq.ParquetFile(path)
        for batch in file.iter_batches(16):
            for row in batch.to_pylist():
                for name in CAMERAS:
                    picture = PillowImage.open(io.BytesIO(row[f"observation.images.{name}"]["bytes"]))
                    np.asarray(picture.resize((VIEW, VIEW), PillowImage.Resampling.BOX))


def lerobot(python: str, root: Path) -> object:
    done = subprocess.run([python, "-c", LEROBOT, str(root)], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr[-2000:]


def measure(episodes: int, image_format: ImageFormat, *, video: bool, rival: str) -> dict:
    shape = features()
    preprocess = Preprocess(ImagePreprocessing(resize_size=(VIEW, VIEW)), shape)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        root = Path(folder)
        size = journal(root, shape, episodes, image_format)
        began, cpu = time.perf_counter(), time.process_time()
        fold(root, shape, video=video)
        seconds, cpu_s, steps = time.perf_counter() - began, time.process_time() - cpu, episodes * EPISODE
        dataset, pictures = open_dataset(root), steps * len(CAMERAS)
        on_disk = sum(p.stat().st_size for p in root.rglob("*") if p.is_file())
        read: dict[str, object] = {}
        for threads in (1, 2):
            read[f"hilrt_{threads}_threads"] = timed(pictures, partial(ours, dataset, preprocess, threads))
        if not video:
            read["pyarrow_and_pillow"] = timed(pictures, lambda: plain(root))
        if rival:
            read["lerobot_loader"] = lerobot(rival, root)
        return {
            "journal_kb_per_step": round(size / steps / 1e3, 1),
            "dataset_kb_per_step": round(on_disk / steps / 1e3, 1),
            "fold_ms_per_step": {
                "wall": round(1e3 * seconds / steps, 2),
                "cpu": round(1e3 * cpu_s / steps, 2),
            },
            "read": read,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=4, help=f"of {EPISODE} steps")
    parser.add_argument("--lerobot", default="", metavar="PYTHON", help="with lerobot installed")
    options = parser.parse_args()
    kinds: dict[str, tuple[ImageFormat, bool]] = {
        "png": ("png", False),
        "jpeg": ("jpeg", False),
        "video": ("jpeg", True),
    }
    results = {
        name: measure(options.episodes, image_format, video=video, rival=options.lerobot)
        for name, (image_format, video) in kinds.items()
    }
    report("dataset", results)


if __name__ == "__main__":
    main()
