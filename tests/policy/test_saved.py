"""A saved policy acts on the features that it was trained on, and on no others."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
import xxhash
from mutations import on_disk, survey
from safetensors.numpy import save

from hilrt.errors import CheckpointError, PolicyFeaturesError
from hilrt.policy.actor import Actor
from hilrt.policy.saved import FORMAT, PART_BYTES, Meta, load_actor_for, load_arrays, load_meta, require_whole
from hilrt.step.features import GRIPPER, Features, Image
from hilrt.step.sealed import sealed

FEATURES = Features(
    10,
    ("",),
    ("joint", "gripper.current"),
    ("dx", "dy"),
    GRIPPER,
    (Image("front", 48, 64, 0),),
    (Image("front", 8, 8, 0),),
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint's folder with nothing in it but the actor."""
    torch.manual_seed(0)
    data = save({name: np.ascontiguousarray(array) for name, array in Actor(FEATURES).to_arrays().items()})
    (tmp_path / "actor.safetensors").write_bytes(data)
    meta = Meta(
        features=FEATURES, config="", online_steps=0, updates=0, credit=0.0, random="",
        digests={"actor.safetensors": xxhash.xxh3_64_hexdigest(data)},
    )  # fmt: skip
    (tmp_path / "meta.json").write_bytes(sealed(meta, FORMAT))
    return tmp_path


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"state": ("joint", "object.x")},
            r"its state lacks object\.x and has gripper\.current\. Use the config",
        ),
        ({"fps": 20}, r"its rate is 10 Hz, not 20 Hz\. Use"),
        ({"gripper": ()}, r"its gripper has close, stay, open\. Use"),
        ({"views": (Image("front", 9, 9, 0),)}, r"its view lacks front 9x9 and has front 8x8\. Use"),
        (
            {"views": (Image("front", 8, 8, 0, region=(4, 8, 40, 40, 48, 64)),)},
            r"its view lacks front 8x8 \(crop \[4, 8, 40, 40\] of 64x48\) and has front 8x8\. Use",
        ),
        ({"sides": ("left", "right")}, r"it is of one arm, not of arms left, right\. Use"),
    ],
)
def test_policy_refuses_features_it_was_not_trained_on(checkpoint: Path, fields: dict, told: str) -> None:
    """The error names the checkpoint and, in words, what differs and what to do."""
    other = msgspec.structs.replace(FEATURES, **fields)
    with pytest.raises(
        PolicyFeaturesError, match=rf"the policy in {checkpoint} was trained on other.*{told}"
    ):
        load_actor_for(checkpoint, other)


def test_size_of_recorded_frames_is_not_the_policys_business(checkpoint: Path) -> None:
    """Cameras at another resolution give the policy the same views, so it acts."""
    other = msgspec.structs.replace(FEATURES, images=(Image("front", 480, 640, 0),))
    assert load_actor_for(checkpoint, other).act(np.zeros(2, np.float32), deterministic=True)[1] in {0, 1, 2}


def test_checkpoint_of_another_version_is_told_from_a_damaged_one(checkpoint: Path) -> None:
    """One of format 1 lacks fields that this format has, and is still refused by its format's name."""
    (checkpoint / "meta.json").write_text('{"format": 1, "features": {"fps": 10}}')
    with pytest.raises(CheckpointError, match=rf"has format 1; this hilrt reads {FORMAT}"):
        load_actor_for(checkpoint, FEATURES)


def test_damaged_checkpoint_is_never_taken_for_another(checkpoint: Path) -> None:
    """Whatever happens to a byte or a value of meta.json, or to the weights, it is read right or refused as damaged."""
    meta = load_meta(checkpoint)
    file = checkpoint / "meta.json"
    whole = file.read_bytes()
    assert survey(whole, on_disk(file, lambda: load_meta(checkpoint)), CheckpointError).refused
    file.write_bytes(whole)
    weights = checkpoint / "actor.safetensors"
    arrays = on_disk(
        weights, lambda: {n: a.tobytes() for n, a in load_arrays(checkpoint, meta, weights.name).items()}
    )
    assert survey(weights.read_bytes(), arrays, CheckpointError).refused


def test_a_large_file_is_looked_at_in_parts(checkpoint):
    """A bit that is wrong in any of them is noticed, and so is a file that is too short, too long or not there."""
    data = np.random.default_rng(0).bytes(2 * PART_BYTES + 100)
    file = checkpoint / "learner.safetensors"
    digests = {file.name: xxhash.xxh3_64_hexdigest(data)}
    meta = msgspec.structs.replace(load_meta(checkpoint), digests=digests)
    file.write_bytes(data)
    require_whole(checkpoint, meta, file.name)
    places = (0, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES, len(data) - 1)
    flipped = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in places]
    for damaged in (*flipped, data[:-1], data + b"\0", b""):
        file.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="is damaged"):
            require_whole(checkpoint, meta, file.name)
    file.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        require_whole(checkpoint, meta, file.name)
