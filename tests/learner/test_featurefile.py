"""The file of features: a cache that is right or silent."""

import resource
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from mutations import on_disk, survey

from hilrt.learner.featurefile import HEAD_BYTES, FeatureFile, Making
from hilrt.policy.vision import Plane, Sight
from hilrt.step.record import Mode, Record

MakeRecord = Callable[..., Record]
SIGHT = Sight((Plane("front", "features", (5, 2, 2), 0), Plane("wrist", "features", (3, 2, 1), 64)), 2)
MAKING = Making("abc", SIGHT.kept, "{}", 4, 0)
MARK = (1 << 64) - 1


def pictures(seed: int) -> tuple[torch.Tensor, ...]:
    """Some features."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(shape, generator=generator).bfloat16() for shape in SIGHT.kept)


def same(one: tuple[torch.Tensor, ...] | None, other: tuple[torch.Tensor, ...]) -> bool:
    """To the bit."""
    return one is not None and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def path(tmp_path: Path, make_record: MakeRecord) -> Path:
    """A file with four entries."""
    with FeatureFile(tmp_path / "f", SIGHT, MAKING, 100) as file:
        for step in range(4):
            file.put(make_record(7, step), MARK, pictures(step))
    return tmp_path / "f"


def test_what_was_kept_is_found_again(path: Path, make_record: MakeRecord) -> None:
    """By mode, episode, step and mark, after the file was closed; the first that was put is the one that is kept."""
    with FeatureFile(path, SIGHT, MAKING, 100) as file:
        assert all(same(file.get(make_record(7, step), MARK), pictures(step)) for step in range(4))
        assert file.get(make_record(7, 1, mode=Mode.DEMO), MARK) is None
        assert file.get(make_record(8, 1), MARK) is None
        assert file.get(make_record(7, 1), MARK - 1) is None
        file.put(make_record(7, 1), MARK, pictures(99))
        assert same(file.get(make_record(7, 1), MARK), pictures(1))


def test_torn_entry_is_cut_off(path: Path, make_record: MakeRecord) -> None:
    """What a crash left of a last entry is gone, and the file goes on behind the one before."""
    path.write_bytes(path.read_bytes()[:-10])
    with FeatureFile(path, SIGHT, MAKING, 100) as file:
        assert file.get(make_record(7, 3), MARK) is None
        file.put(make_record(7, 5), MARK, pictures(5))
    with FeatureFile(path, SIGHT, MAKING, 100) as file:
        assert same(file.get(make_record(7, 5), MARK), pictures(5))
        assert same(file.get(make_record(7, 2), MARK), pictures(2))


def test_damaged_entry_is_left_out(path: Path, make_record: MakeRecord) -> None:
    """A flipped bit makes that entry unknown, and no other."""
    data = bytearray(path.read_bytes())
    data[HEAD_BYTES + 40] ^= 1
    path.write_bytes(data)
    with FeatureFile(path, SIGHT, MAKING, 100) as file:
        assert file.get(make_record(7, 0), MARK) is None
        assert same(file.get(make_record(7, 1), MARK), pictures(1))


def test_damage_is_never_taken_for_features(path: Path, make_record: MakeRecord) -> None:
    """Whatever happens to the file, what is found of a step is what was kept of that step, or nothing."""

    def read() -> bool:
        with FeatureFile(path, SIGHT, MAKING, 100) as file:
            found = {step: file.get(make_record(7, step), MARK) for step in range(8)}
        return all(kept is None or same(kept, pictures(step)) for step, kept in found.items())

    assert survey(path.read_bytes(), on_disk(path, read), LookupError).unharmed


@pytest.mark.parametrize(
    "change", [{"encoder": "other"}, {"shift": 2}, {"preprocessing": "{1}"}, {"seed": 1}]
)
def test_features_of_other_making_are_not_used(path: Path, make_record: MakeRecord, change: dict) -> None:
    """Another encoder, crop or shift makes other features, so the file is begun anew."""
    with FeatureFile(path, SIGHT, msgspec.structs.replace(MAKING, **change), 100) as file:
        assert file.get(make_record(7, 0), MARK) is None
    assert path.stat().st_size == HEAD_BYTES


def test_file_grows_no_further_than_the_replay(path: Path, make_record: MakeRecord) -> None:
    """Of entries more than there are rows the oldest are written over, also after a restart; the others are right."""
    with FeatureFile(path, SIGHT, MAKING, 5) as file:
        for step in range(4, 8):
            file.put(make_record(7, step), MARK, pictures(step))
        size = path.stat().st_size
        assert [step for step in range(8) if file.get(make_record(7, step), MARK)] == [3, 4, 5, 6, 7]
    with FeatureFile(path, SIGHT, MAKING, 5) as file:
        assert all(same(file.get(make_record(7, step), MARK), pictures(step)) for step in range(3, 8))
        file.put(make_record(8, 0), MARK, pictures(8))
        assert same(file.get(make_record(8, 0), MARK), pictures(8))
        assert path.stat().st_size == size
    with FeatureFile(path, SIGHT, MAKING, 2) as file:
        assert path.stat().st_size < size


def test_full_disk_takes_nothing_that_is_kept(path: Path, make_record: MakeRecord) -> None:
    """Where an entry cannot be written over the oldest, that one may be lost; the others are found as before."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with FeatureFile(path, SIGHT, MAKING, 4) as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (HEAD_BYTES + 50, hard))
        try:
            file.put(make_record(8, 0), MARK, pictures(8))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
        assert file.get(make_record(8, 0), MARK) is None
        assert file.get(make_record(7, 0), MARK) is None
        assert all(same(file.get(make_record(7, step), MARK), pictures(step)) for step in range(1, 4))
