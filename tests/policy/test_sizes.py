"""What the machine decided at a run's first start holds for all later ones."""

from pathlib import Path

import msgspec
import pytest
from mutations import on_disk, survey

from hilrt.config.taskfile import load
from hilrt.errors import RunFolderError
from hilrt.policy.sizes import FORMAT, SIZES, Sizes, sizes_for, with_sizes
from hilrt.policy.vision import sight_of, vision_of
from hilrt.step.features import from_config
from hilrt.step.sealed import sealed

PIXELS = Path(__file__).parents[2] / "configs" / "sim_so100_pixels.toml"


def test_run_keeps_its_networks_on_another_machine(tmp_path: Path) -> None:
    """A run that began on a GPU has ten critics and wide heads on a CPU, too; what the task file gives goes first."""
    began = with_sizes(load(PIXELS, ["learner.device=cuda"]), tmp_path)
    assert began.learner.num_critics == 10
    moved = with_sizes(load(PIXELS, ["learner.device=cpu"]), tmp_path)
    assert (moved.policy, moved.learner.num_critics) == (began.policy, 10)
    assert (vision_of(moved).embeddings, vision_of(moved).latent) == (8, 256)
    assert sight_of(moved, from_config(moved)).variants == 4
    given = with_sizes(load(PIXELS, ["learner.device=cpu", "learner.num_critics=5"]), tmp_path)
    assert given.learner.num_critics == 5


def test_first_to_write_decides(tmp_path: Path) -> None:
    """Control and learner start side by side; both go by the file that is there."""
    theirs = Sizes(num_critics=3, embeddings=5, latent=7, cached_variants=2)
    (tmp_path / SIZES).write_bytes(sealed(theirs, FORMAT))
    config = with_sizes(load(PIXELS, ["learner.device=cpu"]), tmp_path)
    assert (config.learner.num_critics, config.policy.embeddings, config.policy.cached_variants) == (3, 5, 2)
    assert [file.name for file in tmp_path.iterdir()] == [SIZES]


def test_damaged_sizes_are_an_error_of_the_run(tmp_path: Path) -> None:
    """What is not what was written is refused, with the file's name."""
    config, file = load(PIXELS, ["learner.device=cpu"]), tmp_path / SIZES
    with_sizes(config, tmp_path)
    read = on_disk(file, lambda: msgspec.structs.astuple(with_sizes(config, tmp_path)))
    assert survey(file.read_bytes(), read, RunFolderError).refused
    file.write_text("{")
    with pytest.raises(RunFolderError, match=r"sizes\.json: is damaged"):
        with_sizes(config, tmp_path)


def test_jitter_has_its_versions_whatever_the_run_began_with(tmp_path: Path) -> None:
    """A run that goes on from one without jitter has that one's sizes, and one version there: no room for any."""
    begun, now = (load(PIXELS, ["learner.device=cpu", f"policy.jitter={jitter}"]) for jitter in (0, 1))
    assert [with_sizes(each, tmp_path).policy.cached_variants for each in (begun, now)] == [1, 2]
    given = load(PIXELS, ["learner.device=cpu", "policy.jitter=1", "policy.cached_variants=0"])
    assert with_sizes(given, tmp_path).policy.cached_variants == 0


def test_a_trained_encoder_keeps_no_features(tmp_path: Path) -> None:
    """Versions of features are for frozen encoders alone."""
    config = load(PIXELS, ["policy.encoder=conv", "policy.weights=", "learner.device=cpu"])
    assert with_sizes(config, tmp_path).policy.cached_variants is None
    assert sizes_for(gpu=False).cached_variants == 1
