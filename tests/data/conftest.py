"""Steps to put into journals, and what consists of them."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hilrt.step.features import GRIPPER, Features, Image
from hilrt.step.record import Mode, Record, encode_into

MakeRecord = Callable[..., Record]


@pytest.fixture
def features() -> Features:
    """A small step with two cameras, one of a size that leaves a gap before the next, both seen smaller."""
    images = (Image("front", 5, 7, 0), Image("wrist", 8, 8, 128))
    views = (Image("front", 4, 4, 0), Image("wrist", 4, 4, 64))
    return Features(10, ("",), ("a.pos", "b.pos"), ("dx", "dy", "dz"), GRIPPER, images, views)


@pytest.fixture
def make_record() -> MakeRecord:
    """Record of a step; whatever the caller does not name depends on the step alone."""

    def make(episode: int, step: int, **fields: object) -> Record:
        facts: dict = {
            "mode": Mode.TRAIN,
            "monotonic_ns": step * 100_000_000,
            "wall_ns": 10**18 + step,
            "state": np.float32([episode, step]).tobytes(),
        }
        return Record(episode=episode, step=step, **(facts | fields))

    return make


@pytest.fixture
def make_frames(features: Features) -> Callable[[int], bytes]:
    """Frames of a step, all bytes different from the neighbours'."""

    def make(step: int) -> bytes:
        return np.random.default_rng(step).bytes(features.frame_bytes)

    return make


@pytest.fixture
def encode() -> Callable[[Record], bytes]:
    """A record as it travels."""
    return lambda record: bytes(encode_into(record, bytearray()))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, mounted for this test."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
