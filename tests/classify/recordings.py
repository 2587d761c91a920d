"""Recordings in which success can be seen: a block that has come far enough along its way."""

from pathlib import Path

import numpy as np
import pictured
import torch

from hilrt.config import taskfile
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.fold import fold
from hilrt.data.pictures import packed
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.step.features import from_config
from hilrt.step.record import GripperCommand, Mode, encode_into

STEPS = 16
FAR = 0.6
"""Share of the way from which on it is success."""
SMALL = """
[processor.image_preprocessing]
resize_size = [32, 32]
"""


def recorded(folder: Path, ends=(1.0,) * 4 + (0.4,) * 4, *, encoder="pretrained") -> Path:
    """A task file whose dataset has an episode for each end, the share of its way that the block comes."""
    path = pictured.task_file(folder, SMALL, f'[policy]\nencoder = "{encoder}"\n')
    record(path, ends)
    config = taskfile.load(path)
    torch.manual_seed(0)
    views = from_config(config).views
    weights = Path(config.dataset.root).with_name("demos.encoder.safetensors")
    write_encoders(weights, {view.name: Conv() for view in views}, views, {})
    return path


def record(path: Path, ends, first=0, root=None) -> None:
    """Put such episodes into a dataset, by default the task file's, numbered from `first` on."""
    config = taskfile.load(path)
    features, rng, root = from_config(config), np.random.default_rng(0), root or Path(config.dataset.root)
    with JournalWriter(root / "journal", features, config.env.task) as writer:
        for episode, end in enumerate(ends, first):
            for step in range(STEPS + 1):
                raw = np.zeros(features.frame_bytes, np.uint8)
                for image in features.images:
                    picture = pictured.picture(end * step / STEPS, rng)
                    raw[image.offset : image.offset + image.nbytes] = picture.ravel()
                last = step == STEPS
                made = pictured.step_of(features, episode, step, final=last, mode=Mode.DEMO)
                made.reward = float(not last and end * (step + 1) / STEPS >= FAR)
                made.success = bool(made.reward) or (last and end >= FAR)
                made.truncated = step >= STEPS - 1
                made.wall_ns = 10**9 * (3600 * (episode // 4) + step)
                made.gripper = int(GripperCommand.CLOSE if step == 3 and end < 0.5 else GripperCommand.STAY)
                writer.write(bytes(encode_into(made, bytearray())), packed(raw, features.images, "png"))
    assert fold(root).kept == len(ends)
