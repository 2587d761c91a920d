"""Learning from pictures: values are found in them alone, and gradients go into the encoder where they should."""

import copy
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pytest
import torch
from batches import batch_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hilrt.config import Config
from hilrt.learner.album import Album
from hilrt.learner.batch import Batch
from hilrt.learner.replay import Replay, Tier
from hilrt.learner.sac import Sac
from hilrt.policy.actor import Actor
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.policy.vision import Plane, Sight, Vision
from hilrt.step.features import Features, Image
from hilrt.step.record import Mode, Record

CPU = torch.device("cpu")
VIEWS = (Image("front", 16, 16, 0),)
SIGHT = Sight((Plane("front", "view", (16, 16, 3), 0),))
CONV = Vision(encoder="conv", embeddings=2, latent=16)


@pytest.fixture
def seeing(features: Features) -> Features:
    """One camera beside the three numbers."""
    return msgspec.structs.replace(features, images=VIEWS, views=VIEWS)


@pytest.fixture
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Vision:
    """An encoder that is not trained."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "e.safetensors"
    write_encoders(path, {"front": Conv()}, VIEWS, {})
    return Vision(encoder="pretrained", weights=str(path), embeddings=2, latent=16)


@pytest.fixture
def make(seeing: Features, make_config: Callable[..., Config]) -> Callable[..., Sac]:
    """A learner that sees; keywords go to the config."""

    def make(vision: Vision, **options: object) -> Sac:
        torch.manual_seed(0)
        return Sac(Actor(seeing, vision), make_config(**options), CPU)

    return make


def picture(step: int) -> torch.Tensor:
    """A bright bar, further down at each step."""
    view = torch.full((16, 16, 3), 40, dtype=torch.uint8)
    view[3 * step : 3 * step + 3] = 220
    return view


def chain(seeing: Features, make_record: Callable[..., Record]) -> Replay:
    """Four steps that only the picture tells apart, with a reward at the end, done in twenty ways."""
    replay = Replay(seeing, 1000, 64, 0, Album(SIGHT, 1000, 100, CPU))
    for episode in range(20):
        for step in range(5):
            end = {"reward": 1.0, "terminated": True} if step == 3 else {}
            state = np.zeros(3, np.float32).tobytes()
            record = make_record(episode, step, state=state, mode=Mode.DEMO, final=step == 4, **end)
            replay.add(record, (picture(step),))
    return replay


def step_of(batch: Batch) -> torch.Tensor:
    """Which step each row is of."""
    return (batch.pictures[0][:, :, 0, 0] == 220).float().argmax(dim=1) // 3


@pytest.mark.parametrize("encoder", ["conv", "frozen"])
def test_critics_find_the_value_of_a_chain_in_its_pictures(
    make: Callable[..., Sac],
    seeing: Features,
    frozen: Vision,
    make_record: Callable[..., Record],
    encoder: str,
) -> None:
    """The states are all alike, so Q = gamma to the number of steps left can come from the camera alone."""
    replay = chain(seeing, make_record)
    sac = make(CONV if encoder == "conv" else frozen, learning_rate=1e-3, tau=0.05)
    for _ in range(300):
        sac.update_critics(replay.sample(1)[0])
    (batch,) = replay.sample(1)
    with torch.no_grad():
        q = sac.critics(sac.critic_trunk(*batch.now), batch.action).mean(dim=0)
    assert torch.allclose(q, 0.97 ** (3.0 - step_of(batch)), atol=0.05)


def weights_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(dict(module.named_parameters()) | dict(module.named_buffers()))


def changed(before: dict[str, torch.Tensor], module: torch.nn.Module) -> Iterator[str]:
    now = dict(module.named_parameters()) | dict(module.named_buffers())
    return (name for name, value in now.items() if not torch.equal(value, before[name]))


def seen_batch(rows: int = 16) -> Batch:
    generator = torch.Generator().manual_seed(0)
    now, then = torch.randint(256, (2, rows, 16, 16, 3), dtype=torch.uint8, generator=generator)
    return batch_of(rows, pictures=(now,), next_pictures=(then,), shown=torch.ones(rows))


def test_critics_and_policy_each_train_an_encoder(make: Callable[..., Sac]) -> None:
    """Each update moves every layer of its own encoder and embeddings, and no number of the other's."""
    sac, batch = make(CONV), seen_batch()
    policy, critics = weights_of(sac.pupil.trunk), weights_of(sac.critic_trunk)
    sac.update_critics(batch)
    names = {name for name, _ in sac.pupil.trunk.named_parameters()}
    assert set(changed(critics, sac.critic_trunk)) == names
    assert set(changed(policy, sac.pupil.trunk)) == set()
    critics = weights_of(sac.critic_trunk)
    sac.update_actor(batch, 1.0)
    assert set(changed(critics, sac.critic_trunk)) == set()
    assert set(changed(policy, sac.pupil.trunk)) == names
    assert any("encoders.0.layers" in name for name in names)


def test_targets_have_their_own_copy_of_what_is_trained(make: Callable[..., Sac], frozen: Vision) -> None:
    """The slow trunk follows by tau; a frozen encoder is shared, for there is nothing to follow."""
    sac = make(CONV, tau=0.25)
    slow, fast = weights_of(sac.target.trunk), sac.critic_trunk
    assert sac.target.trunk.encoders[0] is not fast.encoders[0]
    sac.update_critics(seen_batch())
    for name, value in sac.target.trunk.named_parameters():
        assert torch.allclose(value, slow[name].lerp(dict(fast.named_parameters())[name], 0.25), atol=1e-7)
    still = make(frozen)
    assert still.target.trunk.encoders[0] is still.actor.trunk.encoders[0]
    assert not any("encoders" in name for name in still.state_dict())


def test_frozen_encoder_stays_while_its_embeddings_learn(make: Callable[..., Sac], frozen: Vision) -> None:
    """Whole learner steps change embeddings and layers above, and no number of the encoder."""
    sac = make(frozen)
    encoder, trunk = weights_of(sac.actor.trunk.encoders), weights_of(sac.actor.trunk)
    for _ in range(3):
        sac.learner_step([seen_batch()] * 3, 1.0)
    assert set(changed(encoder, sac.actor.trunk.encoders)) == set()
    assert {"glances.0.embeddings", "glances.0.out.0.weight"} <= set(changed(trunk, sac.actor.trunk))


def test_pictures_are_seen_anew_at_every_draw(make: Callable[..., Sac]) -> None:
    """Views from a slightly other place; each channel of features a fifth stronger or weaker, all over the picture."""
    sac, batch = make(CONV), seen_batch()
    one, other = sac.blurred(batch), sac.blurred(batch)
    assert not torch.equal(one.pictures[0], batch.pictures[0])
    assert not torch.equal(one.pictures[0], other.pictures[0])
    assert not torch.equal(one.next_pictures[0], batch.next_pictures[0])
    features = torch.ones(64, 128, 2, 3).bfloat16()
    seen = sac.blurred(batch_of(64, pictures=(features,), next_pictures=(features,)))
    gains = seen.pictures[0].float()
    assert seen.pictures[0].dtype == torch.bfloat16
    assert (gains == gains[:, :, :1, :1]).all()
    assert abs(gains[:, :, 0, 0].std() - 0.2) < 0.01
    assert abs(gains.mean() - 1.0) < 0.01
    assert not torch.equal(gains, seen.next_pictures[0].float())
    as_they_are = make(CONV, constants={"feature_noise": 0.0}).blurred(batch_of(64, pictures=(features,)))
    assert torch.equal(as_they_are.pictures[0], features)


def test_light_is_drawn_anew_at_every_draw(make: Callable[..., Sac], frozen: Vision) -> None:
    """Of pictures and of those after them, for an encoder that is trained, and for one that sees views afresh."""
    policy = {"encoder": "conv", "shift": 0, "jitter": 1.0}
    batch = seen_batch()
    sac = make(CONV, policy=policy)
    seen = [p for b in (sac.blurred(batch), sac.blurred(batch)) for p in (b.pictures[0], b.next_pictures[0])]
    for n, one in enumerate(seen):
        assert one.dtype == torch.uint8
        assert not any(
            torch.equal(one, other) for other in (*seen[:n], *batch.pictures, *batch.next_pictures)
        )
    still = {"policy": policy | {"jitter": 0.0}, "constants": {"feature_noise": 0.0}}
    assert torch.equal(make(CONV, **still).blurred(batch).pictures[0], batch.pictures[0])
    plain = make(frozen, **still)
    as_they_are, relit = plain.blurred(batch), make(frozen, **still | {"policy": policy}).blurred(batch)
    assert torch.equal(as_they_are.pictures[0], plain.actor.trunk.encode(batch.pictures)[0])
    assert not torch.equal(relit.pictures[0], as_they_are.pictures[0])


def test_frozen_encoder_sees_each_view_once(make: Callable[..., Sac], frozen: Vision) -> None:
    """In a critic update online and slow trunk share what the encoder made of views: it runs once on either side."""
    sac, seen = make(frozen), []
    sac.actor.trunk.encoders[0].register_forward_hook(lambda *call: seen.append(call[1][0].shape))
    sac.update_critics(sac.blurred(seen_batch()))
    assert seen == [(16, 16, 16, 3)] * 2


FIXTURES = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FIXTURES
@given(
    lengths=st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.booleans()), min_size=4, max_size=30),
    lost=st.sets(st.integers(0, 250)),
)
def test_pictures_stay_with_their_states_through_gaps_and_wraps(
    seeing: Features,
    make_episode: Callable[..., list[Record]],
    lengths: list[tuple[int, bool, bool]],
    lost: set[int],
) -> None:
    """Whatever is lost or overwritten, a row has its own picture, and its next is of the same episode's next step."""
    tiny = Sight((Plane("front", "view", (1, 2, 3), 0),))
    replay = Replay(seeing, 60, 16, 0, Album(tiny, 60, 4, CPU))
    records: list[Record] = []
    for episode, (steps, success, shown) in enumerate(lengths):
        mode = Mode.DEMO if shown else Mode.TRAIN
        records += make_episode(episode, steps, success=success, mode=mode)
    for position, record in enumerate(records):
        if position not in lost:
            label = torch.tensor([record.episode, record.step], dtype=torch.uint8)
            replay.add(record, (label[None, :, None].expand(1, 2, 3),))
    if not any(len(replay.tiers[tier]) for tier in (Tier.ONLINE, Tier.DEMONSTRATIONS)):
        return
    for batch in replay.sample(3):
        now, then = batch.pictures[0][:, 0, :, 0], batch.next_pictures[0][:, 0, :, 0]
        assert torch.equal(now.float(), batch.state[:, :2])
        assert torch.equal(then.float(), batch.next_state[:, :2])
        assert torch.equal(then[:, 0], now[:, 0])
        assert torch.equal(then[:, 1], now[:, 1] + 1)
