"""What travels of a step's pictures, and what it costs."""

from collections.abc import Callable

import msgspec
import pytest

from hilrt.config import Config
from hilrt.config.taskfile import from_tree
from hilrt.errors import ConfigError
from hilrt.policy.vision import frozen_weights, sight_of, vision_of
from hilrt.step.features import from_config


@pytest.fixture
def config_with() -> Callable[..., Config]:
    """Two cameras of 128x128; keywords go to [policy]."""

    def make(device: str = "cpu", **policy: object) -> Config:
        box = {"end_effector_bounds": {"min": [0.0, 0.0, 0.0], "max": [1.0, 1.0, 1.0]}}
        camera = {"type": "sim", "width": 128, "height": 128}
        tree = {
            "env": {"task": "pick_lift"},
            "sim": {},
            "robot": {"id": "sim", "cameras": {"front": camera, "wrist": camera}},
            "dataset": {"root": "datasets/cubes"},
            "processor": {"reset": {"fixed_reset_joint_positions": [0] * 6}, "inverse_kinematics": box},
            "policy": policy,
            "learner": {"device": device},
        }
        return from_tree(msgspec.json.decode(msgspec.json.encode(tree)), "test")

    return make


@pytest.mark.parametrize(
    ("policy", "kinds", "kept", "limit"),
    [
        ({}, ["features"] * 2, [(1, 128, 8, 8)] * 2, 34_000),
        ({"cached_variants": 2}, ["features"] * 2 + ["view"] * 2, [(2, 128, 8, 8)] * 2, 68_000),
        ({"jitter": 0.5}, ["features"] * 2 + ["view"] * 2, [(2, 128, 8, 8)] * 2, 68_000),
        ({"cached_variants": 0}, ["view"] * 2, [(128, 128, 3)] * 2, 100_000),
        ({"encoder": "conv"}, ["view"] * 2, [(128, 128, 3)] * 2, 100_000),
        ({"encoder": "resnet18"}, ["features"] * 2, [(1, 512, 4, 4)] * 2, 34_000),
        ({"encoder": "none"}, [], [], 0),
    ],
)
def test_a_step_costs_no_more_than_it_must(
    config_with: Callable[..., Config], policy: dict, kinds: list[str], kept: list, limit: int
) -> None:
    """Two cameras of 128x128: 34 kB a step where features are kept, 100 kB where views are; nothing travels twice."""
    config = config_with(**policy)
    sight = sight_of(config, from_config(config))
    assert [plane.kind for plane in sight.planes] == kinds
    assert list(sight.kept) == kept
    assert sight.kept_bytes <= limit
    ends = [plane.offset + plane.nbytes for plane in sight.planes]
    assert all(plane.offset >= end for plane, end in zip(sight.planes[1:], ends, strict=False))
    assert sight.nbytes >= max(ends, default=0)
    assert sight_of(config, from_config(config), gpu=True).nbytes >= sight.nbytes


def test_the_machine_decides_what_the_config_leaves_open(config_with: Callable[..., Config]) -> None:
    """4 embeddings, 128 numbers and one variant on a CPU, twice and four times that on a GPU; what is given holds.

    With jitter there are two at least: the first is always of the frame as it is.
    """
    for device, embeddings, latent, variants, jitter in (
        ("cpu", 4, 128, 1, 0),
        ("cuda:0", 8, 256, 4, 0),
        ("cpu", 4, 128, 2, 1),
        ("cuda:0", 8, 256, 4, 1),
    ):
        config = config_with(device, jitter=jitter)
        vision = vision_of(config)
        assert vision
        assert (vision.embeddings, vision.latent) == (embeddings, latent)
        assert sight_of(config, from_config(config)).variants == variants
    given = vision_of(config_with("cuda", embeddings=3, latent=10))
    assert given
    assert (given.embeddings, given.latent) == (3, 10)


def test_weights_lie_beside_the_demonstrations_unless_told(config_with: Callable[..., Config]) -> None:
    """So `hilrt pretrain CONFIG` and `hilrt train CONFIG` need not be told of each other."""
    assert str(frozen_weights(config_with())) == "datasets/cubes.encoder.safetensors"
    assert str(frozen_weights(config_with(weights="w/e"))) == "w/e"
    assert str(frozen_weights(config_with(encoder="resnet18"))) == "weights/resnet18/model.safetensors"
    assert frozen_weights(config_with(encoder="conv")) is None


@pytest.mark.parametrize("option", [{"weights": "w"}, {"cached_variants": 2}])
def test_options_of_frozen_encoders_are_refused_with_others(
    config_with: Callable[..., Config], option: dict
) -> None:
    """An option that would be ignored is an error."""
    with pytest.raises(ConfigError, match=r'\$\.policy\.\w+: .*policy\.encoder is "conv"'):
        config_with(encoder="conv", **option)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"jitter": 1.5}, r"\$\.policy\.jitter: expected .* <= 1\.0"),
        ({"jitter": -0.1}, r"\$\.policy\.jitter: expected .* >= 0\.0"),
        ({"jitter": 0.5, "cached_variants": 1}, r"\$\.policy\.cached_variants: is 1, the frame as it is"),
        ({"jitter": 0.5, "encoder": "none"}, r'\$\.policy\.jitter: .*policy\.encoder is "none"'),
    ],
)
def test_jitter_that_cannot_be_is_refused(
    config_with: Callable[..., Config], policy: dict, message: str
) -> None:
    """Beyond its bounds, and where it would change nothing."""
    with pytest.raises(ConfigError, match=message):
        config_with(**policy)
    assert config_with(jitter=1).policy.jitter == 1.0
    assert config_with().policy.jitter == 0.0
