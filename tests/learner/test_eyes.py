"""What is kept of a step's pictures is the same whichever way they came: through the ring or from disk."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from hilrt.config import Config
from hilrt.control.policy import Policy
from hilrt.data.journal import Episode, FileHeader
from hilrt.data.pictures import packed
from hilrt.devices.preprocess import Preprocess
from hilrt.learner.eyes import Eyes
from hilrt.policy.actor import Actor
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.policy.vision import sight_of, vision_of
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Record

CAMERAS = {
    "id": "sim",
    "cameras": {name: {"type": "sim", "width": 40, "height": 24} for name in ("front", "wrist")},
}


@pytest.fixture
def config_with(tmp_path: Path, make_config: Callable[..., Config]) -> Callable[..., Config]:
    """Two cameras; keywords go to [policy]."""

    def make(**policy: object) -> Config:
        if policy["encoder"] == "pretrained":
            policy["weights"] = str(tmp_path / "e.safetensors")
            views = from_config(make_config(robot=CAMERAS)).views
            torch.manual_seed(1)
            write_encoders(tmp_path / "e.safetensors", {view.name: Conv() for view in views}, views, {})
        return make_config(robot=CAMERAS, policy=policy)

    return make


@pytest.mark.parametrize(
    "policy",
    [
        {"encoder": "conv"},
        {"encoder": "pretrained"},
        {"encoder": "pretrained", "cached_variants": 3},
        {"encoder": "pretrained", "cached_variants": 3, "jitter": 1.0},
        {"encoder": "pretrained", "cached_variants": 0},
        {"encoder": "none"},
    ],
    ids=["conv", "cached", "variants", "jittered", "uncached", "none"],
)
def test_control_sends_what_the_learner_would_see_itself(
    config_with: Callable[..., Config], make_record: Callable[..., Record], policy: dict
) -> None:
    """A step's part in the ring and its recorded frames come to the same pictures, to the bit."""
    config = config_with(**policy)
    features, rng = from_config(config), np.random.default_rng(0)
    sight, actor = sight_of(config, features), Actor(features, vision_of(config))
    raw = rng.bytes(features.frame_bytes)
    record = make_record(3, 5)
    header = FileHeader(episode=3, mode=Mode.TRAIN, task="t", features=features)
    episode = Episode(
        header=header, records=[record], frames=[packed(raw, features.images, "png")], torn=None
    )
    preprocess = Preprocess(config.processor.image_preprocessing, features)
    views = tuple(preprocess.apply(name, frame) for name, frame in episode.images(0).items())
    ring = bytearray(sight.nbytes)
    for plane, array in zip(sight.planes, Policy(actor, None, sight).look(views), strict=True):
        ring[plane.offset : plane.offset + plane.nbytes] = array.tobytes()
    eyes = Eyes(config, features, actor.trunk, sight)
    came, read = eyes.of_ring(record, memoryview(ring)), eyes.of_disk(episode, 0)
    assert tuple(tuple(p.shape) for p in came) == sight.kept
    assert all(torch.equal(a, b) for a, b in zip(came, read, strict=True))
    for variants in came if policy.get("cached_variants") == 3 else ():
        assert not torch.equal(variants[0], variants[1])
        assert not torch.equal(variants[1], variants[2])


def test_evaluations_are_not_looked_at(
    config_with: Callable[..., Config], make_record: Callable[..., Record]
) -> None:
    """Nobody learns from them."""
    config = config_with(encoder="conv")
    features = from_config(config)
    eyes = Eyes(config, features, Actor(features, vision_of(config)).trunk, sight_of(config, features))
    assert eyes.of_ring(msgspec.structs.replace(make_record(0, 0), mode=Mode.EVAL), b"") == ()


def test_jittered_versions_are_of_the_same_scene_in_other_light(
    config_with: Callable[..., Config], make_record: Callable[..., Record]
) -> None:
    """The first is of the frame as it is; the others differ from it and each other, and on average much less."""

    def kept(**policy: object) -> torch.Tensor:
        config = config_with(encoder="pretrained", cached_variants=16, shift=0, **policy)
        features = from_config(config)
        actor = Actor(features, vision_of(config))
        view = np.linspace(40, 180, 128 * 128 * 3).astype(np.uint8).reshape(128, 128, 3)
        eyes = Eyes(config, features, actor.trunk, sight_of(config, features))
        return eyes.of_views(make_record(3, 5), {"front": view, "wrist": view})[0].float()

    plain, seen = kept(), kept(jitter=0.3)
    assert torch.equal(plain, plain[:1].expand_as(plain)), "without shift and jitter all are the same"
    assert torch.equal(seen[0], plain[0])
    away = (seen[1:] - plain[0]).flatten(1).norm(dim=1)
    assert away.min() > 0
    assert len({version.numpy().tobytes() for version in seen}) == 16
    assert (seen[1:].mean(dim=0) - plain[0]).norm() < 0.5 * away.mean()
