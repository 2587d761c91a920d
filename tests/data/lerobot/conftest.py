"""Sessions of recording to make datasets of."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hilrt.data.journal import JournalWriter
from hilrt.data.pictures import packed
from hilrt.features import Features, Image
from hilrt.record import Mode, Record, Source, encode_into

STEPS = 5
"""Steps of an episode, its final record not counted."""


@pytest.fixture
def features() -> Features:
    """A small step with two cameras of sizes that video can have."""
    images = (Image("front", 24, 32, 0), Image("wrist", 16, 16, 24 * 32 * 3))
    return Features(
        10, ("",), ("a.pos", "b.pos"), ("dx", "dy", "dz"), ("close", "stay", "open"), images, (), (0.02,) * 3
    )


def scene(features: Features, episode: int, step: int) -> bytes:
    """Raw frames of a step: a smooth picture that tells both numbers, as cameras see no noise."""
    raw = np.zeros(features.frame_bytes, np.uint8)
    for image in features.images:
        rows, columns = np.mgrid[: image.height, : image.width]
        picture = np.stack([rows * 4, columns * 4, np.full_like(rows, 20 * step + 5 * episode)], axis=-1)
        raw[image.offset : image.offset + image.nbytes] = picture.astype(np.uint8).ravel()
    return raw.tobytes()


def step_of(features: Features, episode: int, step: int, **fields: object) -> Record:
    """A record with something in each of its fields."""
    rng = np.random.default_rng([episode, step])

    def vector(size: int) -> bytes:
        return rng.uniform(-1, 1, size).astype(np.float32).tobytes()

    facts: dict = {
        "mode": Mode.DEMO,
        "monotonic_ns": 10**9 * (1 + episode) + step,
        "wall_ns": 10**18 + 10**9 * episode + step,
        "state": vector(len(features.state)),
        "policy_version": 3,
    }
    if not fields.get("final"):
        facts |= {
            "action": vector(len(features.action)),
            "gripper": step % 3,
            "policy_action": vector(len(features.action)) if step % 2 else b"",
            "operator_action": b"" if step % 2 else vector(len(features.action)),
            "source": Source.POLICY if step % 2 else Source.HUMAN,
            "joint_goal": vector(6),
            "reward": 0.1 * step,
            "frame_ages_ms": tuple(rng.uniform(0, 40, len(features.images)).tolist()),
            "missed": step % 2,
            "limits": 5,
        }
    return Record(episode=episode, step=step, **(facts | fields))


Session = Callable[..., None]


@pytest.fixture
def record_session(tmp_path: Path, features: Features) -> Session:
    """Journal the episodes of these numbers as `hilrt record` does: successes, complete unless told otherwise."""

    def session(
        numbers: range,
        root: Path = tmp_path / "dataset",
        *,
        steps: int = STEPS,
        complete: bool = True,
        discarded: bool = False,
        features: Features = features,
        folder: Path | None = None,
        mode: Mode = Mode.DEMO,
    ) -> None:
        with JournalWriter(folder or root / "journal", features, "pick_lift") as journal:
            for episode in numbers:
                for step in range(steps + complete):
                    final, ends = step == steps, complete and step >= steps - 1
                    record = step_of(
                        features, episode, step, final=final, terminated=ends, success=ends, mode=mode
                    )
                    record = msgspec.structs.replace(record, discarded=final and discarded)
                    frames = packed(scene(features, episode, step), features.images, "png")
                    journal.write(bytes(encode_into(record, bytearray())), frames)

    return session


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the dataset is."""
    return tmp_path / "dataset"
