"""Sessions of recording to make datasets of."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from steps import STEPS, scene, step_of

from hilrt.data.journalwriter import JournalWriter
from hilrt.data.pictures import packed
from hilrt.step.conditions import Conditions
from hilrt.step.features import Features, Image
from hilrt.step.record import Mode, encode_into


@pytest.fixture
def features() -> Features:
    """A small step with two cameras of sizes that video can have."""
    images = (Image("front", 24, 32, 0), Image("wrist", 16, 16, 24 * 32 * 3))
    return Features(
        10, ("",), ("a.pos", "b.pos"), ("dx", "dy", "dz"), ("close", "stay", "open"), images, (), (0.02,) * 3
    )


Session = Callable[..., None]


@pytest.fixture
def record_session(tmp_path: Path, features: Features) -> Session:
    """Journal the episodes of these numbers as `hilrt record` does: successes, complete unless told otherwise.

    `sparse`: with rewards of 0 and 1, as tasks give them.
    """

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
        conditions: Conditions | None = None,
        sparse: bool = False,
    ) -> None:
        with JournalWriter(folder or root / "journal", features, "pick_lift", conditions) as journal:
            for episode in numbers:
                for step in range(steps + complete):
                    final, ends = step == steps, complete and step >= steps - 1
                    record = step_of(
                        features, episode, step, final=final, terminated=ends, success=ends, mode=mode
                    )
                    record = msgspec.structs.replace(record, discarded=final and discarded)
                    if sparse:
                        record.reward = float(ends and not final)
                    frames = packed(scene(features, episode, step), features.images, "png")
                    journal.write(bytes(encode_into(record, bytearray())), frames)

    return session


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the dataset is."""
    return tmp_path / "dataset"
