"""Damage to any file of a dataset: it is read as it was written, or refused by name."""

from pathlib import Path

import msgspec
import pytest
from conditions import CONDITIONS
from mutations import COUNT, on_disk, survey

from hilrt.data.labelling import Labelling
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.errors import DatasetError

FILES = (
    "hilrt/features.json",
    "hilrt/conditions.json",
    "hilrt/labels.json",
    "meta/info.json",
    "meta/tasks.parquet",
    "meta/episodes/chunk-000/file-000.parquet",
    "data/chunk-000/file-000.parquet",
    "hilrt/final-000000.parquet",
)


@pytest.mark.parametrize("name", FILES)
def test_dataset_is_read_right_or_refused(record_session, root: Path, features, name: str) -> None:
    """Whatever happens to a file, its steps and pictures are those that were recorded, or an error names the file."""
    record_session(range(3), steps=3, conditions=CONDITIONS)
    fold(root, features)
    Labelling(root).failure(1)
    Labelling(root).span(2, 1, 3, "grasped")

    def read() -> object:
        dataset = open_dataset(root)
        episodes = [dataset.episode(number, frames=True) for number in range(len(dataset))]
        return [(e.header, e.records, e.frames) for e in episodes]

    assert survey(
        (root / name).read_bytes(), on_disk(root / name, read), DatasetError, count=COUNT // 3
    ).refused


def test_dataset_of_the_version_before_is_read(record_session, root: Path, features) -> None:
    """Demonstrations whose features.json has no digest yet are read, and have one after the next session."""
    record_session(range(1))
    fold(root, features)
    (root / FILES[0]).write_bytes(msgspec.json.encode({"format": 1, "features": open_dataset(root).features}))
    before = open_dataset(root).episode(0, frames=True)
    record_session(range(1, 2))
    fold(root, features)
    assert open_dataset(root).episode(0, frames=True).records == before.records
    assert b'"digest"' in (root / FILES[0]).read_bytes()
