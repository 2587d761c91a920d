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
MAKING = Making("abc", SIGHT.kept, "{}", 4, 0.0, 0, 100)
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
    with FeatureFile(tmp_path / "f", SIGHT, MAKING) as file:
        for step in range(4):
            file.put(make_record(7, step), MARK, pictures(step), row=step)
    return tmp_path / "f"


def test_what_was_kept_is_found_again(path: Path, make_record: MakeRecord) -> None:
    """By mode, episode, step and mark, after the file was closed; the first that was put is the one that is kept."""
    with FeatureFile(path, SIGHT, MAKING) as file:
        assert all(same(file.get(make_record(7, step), MARK), pictures(step)) for step in range(4))
        assert file.get(make_record(7, 1, mode=Mode.DEMO), MARK) is None
        assert file.get(make_record(8, 1), MARK) is None
        assert file.get(make_record(7, 1), MARK - 1) is None
        file.put(make_record(7, 1), MARK, pictures(99))
        assert same(file.get(make_record(7, 1), MARK), pictures(1))


def test_torn_entry_is_cut_off(path: Path, make_record: MakeRecord) -> None:
    """What a crash left of a last entry is gone, and the file goes on behind the one before."""
    path.write_bytes(path.read_bytes()[:-10])
    with FeatureFile(path, SIGHT, MAKING) as file:
        assert file.get(make_record(7, 3), MARK) is None
        file.put(make_record(7, 5), MARK, pictures(5))
    with FeatureFile(path, SIGHT, MAKING) as file:
        assert same(file.get(make_record(7, 5), MARK), pictures(5))
        assert same(file.get(make_record(7, 2), MARK), pictures(2))


def test_damaged_entry_is_left_out(path: Path, make_record: MakeRecord) -> None:
    """A flipped bit makes that entry unknown, and no other."""
    data = bytearray(path.read_bytes())
    data[HEAD_BYTES + 40] ^= 1
    path.write_bytes(data)
    with FeatureFile(path, SIGHT, MAKING) as file:
        assert file.get(make_record(7, 0), MARK) is None
        assert same(file.get(make_record(7, 1), MARK), pictures(1))


def test_damage_is_never_taken_for_features(path: Path, make_record: MakeRecord) -> None:
    """Whatever happens to the file, what is found of a step is what was kept of that step, or nothing."""

    def read() -> bool:
        with FeatureFile(path, SIGHT, MAKING) as file:
            found = {step: file.get(make_record(7, step), MARK) for step in range(8)}
        return all(kept is None or same(kept, pictures(step)) for step, kept in found.items())

    assert survey(path.read_bytes(), on_disk(path, read), LookupError).unharmed


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": "other"},
        {"shift": 2},
        {"jitter": 0.5},
        {"preprocessing": "{1}"},
        {"seed": 1},
        {"capacity": 9},
    ],
)
def test_features_of_other_making_are_not_used(path: Path, make_record: MakeRecord, change: dict) -> None:
    """Another encoder, crop, shift or light makes other features, another replay other rows: the file is begun anew."""
    with FeatureFile(path, SIGHT, msgspec.structs.replace(MAKING, **change)) as file:
        assert file.get(make_record(7, 0), MARK) is None
    assert path.stat().st_size == HEAD_BYTES


def found_of(file: FeatureFile, make_record: MakeRecord, steps: range) -> list[int]:
    """Steps whose features are there, each the right ones."""
    found = {step: file.get(make_record(7, step), MARK) for step in steps}
    assert all(same(kept, pictures(step)) for step, kept in found.items() if kept is not None)
    return [step for step, kept in found.items() if kept is not None]


def test_file_has_what_the_replay_has(tmp_path: Path, make_record: MakeRecord) -> None:
    """Whatever takes a row takes the place of what had it, so an old row that is protected stays; demonstrations do."""
    with FeatureFile(tmp_path / "f", SIGHT, MAKING) as file:
        file.put(make_record(0, 0, mode=Mode.DEMO), MARK, pictures(50))
        for step, row in enumerate([0, 1, 2, 3, 0, 2, 3, 0]):  # row 1 is protected
            file.put(make_record(7, step), MARK, pictures(step), row)
        size = (tmp_path / "f").stat().st_size
        assert found_of(file, make_record, range(9)) == [1, 5, 6, 7]
    with FeatureFile(tmp_path / "f", SIGHT, MAKING) as file:
        file.put(make_record(7, 8), MARK, pictures(8), 2)
        assert found_of(file, make_record, range(9)) == [1, 6, 7, 8]
        assert same(file.get(make_record(0, 0, mode=Mode.DEMO), MARK), pictures(50))
    assert (tmp_path / "f").stat().st_size == size


def test_journal_that_is_read_again_costs_nothing_that_is_kept(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    """A learner that starts meets the run's first steps first; they have had the rows that later ones have now."""
    rows = [step % 4 for step in range(11)]
    for _ in range(2):
        with FeatureFile(tmp_path / "f", SIGHT, MAKING) as file:
            for step, row in enumerate(rows):
                file.put(make_record(7, step), MARK, pictures(step), row)
            assert found_of(file, make_record, range(11)) == [7, 8, 9, 10]
            before = found_of(file, make_record, range(11))
            file.put(make_record(7, 0), MARK, pictures(0), 0)
            assert found_of(file, make_record, range(11)) == before


def test_full_disk_takes_nothing_that_is_kept(path: Path, make_record: MakeRecord) -> None:
    """Where an entry cannot be written over another, that one may be lost; the others are found as before."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with FeatureFile(path, SIGHT, MAKING) as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (HEAD_BYTES + 50, hard))
        try:
            file.put(make_record(8, 0), MARK, pictures(8), row=0)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
        assert file.get(make_record(8, 0), MARK) is None
        assert file.get(make_record(7, 0), MARK) is None
        assert all(same(file.get(make_record(7, step), MARK), pictures(step)) for step in range(1, 4))
