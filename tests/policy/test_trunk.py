"""The trunk: pictures come into the latent, and a frozen encoder is neither learned nor published."""

import copy
from pathlib import Path

import msgspec
import numpy as np
import torch
from policy.pictures import FEATURES, TRAINED, VIEWS, views, vision

from hilrt.policy.actor import Actor
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.policy.trunk import Glance, Trunk
from hilrt.policy.vision import Vision


def test_latent_has_a_part_for_each_camera() -> None:
    """64 numbers of the state, then those of each camera; each part depends on its own camera alone."""
    torch.manual_seed(0)
    trunk, state, (front, wrist) = Trunk(FEATURES, TRAINED), torch.randn(5, 3), views()
    latent = trunk(state, (front, wrist))
    assert latent.shape == (5, trunk.size) == (5, 64 + 2 * 16)
    changed = trunk(state, (front, 255 - wrist))
    assert torch.equal(latent[:, :80], changed[:, :80])
    assert not torch.allclose(latent[:, 80:], changed[:, 80:])


def test_frozen_encoder_is_no_part_of_what_is_trained_or_published(tmp_path: Path) -> None:
    """Its tensors are in neither `parameters` nor `to_arrays`; a trained one's are in both."""
    torch.manual_seed(0)
    frozen, trained = Actor(FEATURES, vision(tmp_path)), Actor(FEATURES, TRAINED)
    assert not any("encoders" in name for name in frozen.to_arrays())
    assert not any("encoders" in name for name, _ in frozen.named_parameters())
    assert any("encoders" in name for name in trained.to_arrays())
    assert any("encoders" in name for name, _ in trained.named_parameters())
    assert copy.deepcopy(frozen).trunk.encoders[0] is frozen.trunk.encoders[0]


def test_features_stand_for_their_pictures(tmp_path: Path) -> None:
    """The latent of kept features is that of the views themselves, but for the rounding to bfloat16."""
    torch.manual_seed(0)
    trunk, state, seen = Trunk(FEATURES, vision(tmp_path)), torch.randn(5, 3), views()
    one_by_one = [trunk.features([view[i] for view in seen]) for i in range(5)]
    kept = tuple(torch.stack(camera) for camera in zip(*one_by_one, strict=True))
    assert [f.dtype for f in kept] == [torch.bfloat16] * 2
    assert [f.shape for f in kept] == [(5, 128, 2, 3), (5, 128, 2, 2)]
    exact = trunk.encode(seen)
    assert all(torch.allclose(a, b.float(), rtol=2**-8, atol=1e-6) for a, b in zip(exact, kept, strict=True))
    assert torch.allclose(trunk(state, seen), trunk(state, kept), atol=0.02)


def test_embeddings_are_weighted_sums_over_the_picture() -> None:
    """Each channel's sums are with that channel's weights, as the formula says."""
    torch.manual_seed(0)
    glance, features = Glance((4, 2, 3), 5, 7), torch.randn(6, 4, 2, 3)
    sums = torch.einsum("bcp,ckp->bck", features.flatten(2), glance.embeddings)
    assert torch.allclose(glance(features), glance.out(sums.flatten(1)), atol=1e-6)
    assert torch.allclose(glance(features)[2], glance(features[2]), atol=1e-6)


def test_actor_acts_on_pictures(tmp_path: Path) -> None:
    """What it does depends on what it sees; views and their features make it do the same."""
    torch.manual_seed(0)
    actor, state = Actor(FEATURES, vision(tmp_path)), np.zeros(3, np.float32)
    with torch.no_grad():
        actor.policy_net[-1].weight.mul_(100.0)
    one = [view[0] for view in views()]
    other = [255 - view for view in one]
    action, _ = actor.act(state, deterministic=True, pictures=one)
    again, _ = actor.act(state, deterministic=True, pictures=actor.trunk.features(one))
    elsewhere, _ = actor.act(state, deterministic=True, pictures=other)
    assert np.allclose(action, again, atol=0.02)
    assert not np.allclose(action, elsewhere, atol=0.02)


def test_glances_begin_where_pretraining_left_them(tmp_path: Path) -> None:
    """What was trained on top of an encoder is taken over where it is of this size; else begins afresh, and says so."""
    torch.manual_seed(0)
    trained = Trunk(FEATURES, TRAINED)
    path = tmp_path / "e.safetensors"
    names = [view.name for view in VIEWS]
    glances = dict(zip(names, trained.glances, strict=True))
    write_encoders(path, dict(zip(names, trained.encoders, strict=True)), VIEWS, {}, glances)
    same = Vision(encoder="pretrained", weights=str(path), embeddings=2, latent=16)
    other = Vision(encoder="pretrained", weights=str(path), embeddings=3, latent=16)
    state, seen = torch.zeros(5, 3), views()
    begun = Trunk(FEATURES, same)
    assert torch.allclose(begun(state, seen)[:, 64:], trained(state, seen)[:, 64:], atol=1e-6)
    assert all(p.requires_grad for p in begun.glances.parameters())
    assert not begun.begun_anew
    assert Trunk(FEATURES, other).begun_anew
    assert not torch.allclose(Trunk(FEATURES, other)(state, seen)[:, 64:], trained(state, seen)[:, 64:])


def test_small_errors_of_the_setpoint_are_seen_and_not_blurred_away() -> None:
    """An error that varies by half a millimetre in demonstrations counts in centimetres, and its blur is a tenth.

    So that of a softer arm, some millimetres more, is seen and saturates nothing.
    """
    names = ("setpoint_error.z", "left.setpoint_error.gripper", "elbow_flex.pos", "mine", "constant")
    features = msgspec.structs.replace(FEATURES, state=names)
    trunk = Trunk(features)
    states = np.random.default_rng(0).normal(0, 1, (1000, 5)) * [5e-4, 1e-3, 0.3, 2e-5, 0] + [0, 0, 0, 0, 0.3]
    trunk.normalise_by(states.astype(np.float32))
    assert np.allclose(trunk.std, [1e-2, 0.05, 0.3, 2e-5, 1.0], rtol=0.1)
    still, pushing = torch.zeros(5), torch.tensor([2e-2, 0, 0, 0, 0])
    assert not torch.allclose(trunk(still), trunk(pushing), atol=1e-2)
    assert not torch.allclose(trunk(pushing), trunk(2 * pushing), atol=1e-2)
    assert torch.equal(trunk(10 * pushing), trunk(100 * pushing)), "clipped far outside"
