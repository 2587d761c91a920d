"""The losses do what their equations say, each gradient goes where it should, and the whole learns."""

import copy
import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
import torch
from batches import batch_of

from hilrt.config import Config
from hilrt.learner.replay import Replay, Tier
from hilrt.learner.sac import Sac
from hilrt.policy.actor import Actor
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record, Source

CPU = torch.device("cpu")


def weights_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return copy.deepcopy(module.state_dict())


def changed(before: dict[str, torch.Tensor], module: torch.nn.Module) -> set[str]:
    return {name for name, value in module.state_dict().items() if not torch.equal(value, before[name])}


def test_critics_find_the_value_of_a_chain(
    features: Features, make_config: Callable, make_record: Callable[..., Record]
) -> None:
    """On a chain of four states with a reward at its end, Q is gamma to the number of steps left."""
    replay = Replay(features, 1000, 64, 0)
    for step in range(4):
        end = {"reward": 1.0, "terminated": True} if step == 3 else {}
        state = np.float32([0, step, 0]).tobytes()
        replay.add(make_record(0, step, state=state, mode=Mode.DEMO, **end))
    replay.add(make_record(0, 4, state=np.float32([0, 9, 0]).tobytes(), mode=Mode.DEMO, final=True))
    torch.manual_seed(0)
    sac = Sac(Actor(features), make_config(learning_rate=1e-3, tau=0.05), CPU)
    sac.normalise_by(replay.states(Tier.DEMONSTRATIONS))
    for _ in range(400):
        sac.update_critics(replay.sample(1)[0])
    (batch,) = replay.sample(1)
    with torch.no_grad():
        q = sac.critics(sac.critic_trunk(batch.state), batch.action).mean(dim=0)
    expected = 0.97 ** (3.0 - batch.state[:, 1])
    assert torch.allclose(q, expected, atol=0.03)


def test_time_limit_bootstraps_and_success_does_not(make_sac: Callable[..., Sac]) -> None:
    """The target of a terminated row is its reward; that of any other row adds the next state's value."""
    sac = make_sac(clip_targets=False)
    half = torch.tensor([1.0, 0.0]).repeat_interleave(8)
    y = sac.bellman(batch_of(16, reward=torch.full((16,), 0.25), terminated=half), sac.generator)
    assert torch.equal(y[:8], torch.full((8,), 0.25))
    assert (y[8:] != 0.25).all()


def test_target_takes_the_lesser_critic_and_no_entropy(make_sac: Callable[..., Sac]) -> None:
    """With a fixed draw, y is gamma times the minimum over the target critics, whatever the temperature."""
    sac = make_sac(clip_targets=False, temperature_init=5.0)
    batch = batch_of(8)
    generator = torch.Generator().manual_seed(3)
    y = sac.bellman(batch, generator)
    with torch.no_grad():
        latent = sac.actor.trunk(batch.next_state)
        action, _ = sac.actor.policy(latent).sample(torch.Generator().manual_seed(3))
        q = sac.target.critics(sac.target.trunk(batch.next_state), action)
    assert torch.allclose(y, 0.97 * q.min(dim=0).values)


def test_ensemble_bootstraps_on_a_random_pair(make_sac: Callable[..., Sac]) -> None:
    """With more than two critics each target is the lesser of two of them, and different draws differ."""
    sac = make_sac(clip_targets=False, num_critics=10)
    batch = batch_of(8)
    draws = [sac.bellman(batch, torch.Generator().manual_seed(s)) for s in range(4)]
    with torch.no_grad():
        policy = sac.actor.policy(sac.actor.trunk(batch.next_state))
        latent = sac.target.trunk(batch.next_state)
        actions = [policy.sample(torch.Generator().manual_seed(s))[0] for s in range(4)]
        least = [0.97 * sac.target.critics(latent, action).amin(dim=0) for action in actions]
    assert all((y >= lowest - 1e-6).all() for y, lowest in zip(draws, least, strict=True))
    assert any((y > lowest + 1e-6).any() for y, lowest in zip(draws, least, strict=True))
    assert len({d.numpy().tobytes() for d in draws}) == 4


@pytest.mark.parametrize(("clip", "expected"), [(True, [0.0, 0.5, 1.0]), (False, [-0.2, 0.5, 1.3])])
def test_clip_keeps_targets_between_zero_and_one(
    make_sac: Callable[..., Sac], clip: bool, expected: list[float]
) -> None:
    """What a 0/1 reward cannot be worth is cut off, and the share of such targets is told; the flag turns it off."""
    y, share = make_sac(clip_targets=clip).clipped(torch.tensor([-0.2, 0.5, 1.3]))
    assert torch.allclose(y, torch.tensor(expected))
    assert share.item() == pytest.approx(2 / 3 if clip else 0.0)


def test_success_that_goes_on_is_worth_more_than_one(
    features: Features, make_config: Callable[..., Config]
) -> None:
    """With `terminate_on_success = false` every further step may be rewarded: targets reach 1 / (1 - gamma)."""
    config = make_config()
    reset = msgspec.structs.replace(config.processor.reset, terminate_on_success=False)
    config = msgspec.structs.replace(config, processor=msgspec.structs.replace(config.processor, reset=reset))
    y, share = Sac(Actor(features), config, CPU).clipped(torch.tensor([-0.2, 20.0, 40.0]))
    assert torch.allclose(y, torch.tensor([0.0, 20.0, 1 / 0.03]))
    assert share.item() == pytest.approx(2 / 3)


def test_only_shown_gripper_commands_are_cloned(make_sac: Callable[..., Sac]) -> None:
    """Rows whose command nobody showed move the policy in cloning, and not the gripper's critic."""
    sac = make_sac()
    batch = batch_of(16, shown=torch.ones(16))
    everything = [*sac.pupil.parameters()]
    gradients = torch.autograd.grad(
        sac.clone_loss(sac.pupil.trunk(batch.state), batch), everything, allow_unused=True
    )
    moved = {
        name
        for (name, _), g in zip(sac.pupil.named_parameters(), gradients, strict=True)
        if g is not None and g.any()
    }
    assert any(name.startswith("policy_net") for name in moved)
    assert not any(name.startswith("gripper_net") for name in moved)


def test_each_trains_its_own(make_sac: Callable[..., Sac]) -> None:
    """A critic update moves critics, their trunk and the slow copies; an actor update the pupil, and the actor."""
    sac = make_sac()
    batch = batch_of(32, shown=torch.ones(32))
    before = weights_of(sac)
    sac.update_critics(batch)
    moved = {name for name in changed(before, sac) if not name.startswith("target")}
    assert all(name.startswith(("critics.", "critic_trunk.state.")) for name in moved)
    assert len(moved) == 4 + 6

    before = weights_of(sac)
    sac.update_actor(batch, 1.0)
    moved = changed(before, sac)
    assert all(name.startswith(("pupil.", "actor.", "log_alpha")) for name in moved)
    for who in ("pupil", "actor"):
        last = {f"{who}.{part}.weight" for part in ("trunk.state.0", "policy_net.6", "gripper_net.6")}
        assert {"log_alpha", *last} <= moved


def test_the_actor_follows_the_pupil(make_sac: Callable[..., Sac]) -> None:
    """After an update what acts has gone a hundredth of the way to what learns."""
    sac = make_sac()
    before = weights_of(sac.actor)
    sac.update_actor(batch_of(32, shown=torch.ones(32)), 1.0)
    for name, value in sac.pupil.state_dict().items():
        there = before[name] + 0.01 * (value - before[name])
        assert torch.allclose(sac.actor.state_dict()[name], there, atol=1e-7)


def test_what_was_had_can_be_had(make_sac: Callable[..., Sac]) -> None:
    """Three steps before a reward the target is at least gamma cubed; where none came, it is what the critics say."""
    sac = make_sac(clip_targets=False)
    left = torch.tensor([3.0, torch.inf]).repeat(8)
    batch = batch_of(16)
    plain = sac.bellman(batch, torch.Generator().manual_seed(3))
    y = sac.bellman(batch._replace(steps_left=left), torch.Generator().manual_seed(3))
    assert (plain < 0.5).all()
    assert torch.allclose(y[::2], torch.full((8,), 0.97**3))
    assert torch.equal(y[1::2], plain[1::2])


def test_targets_follow_slowly(make_sac: Callable[..., Sac]) -> None:
    """After an update each target weight has gone tau of the way to its source."""
    sac = make_sac(tau=0.25)
    old = weights_of(sac.target.critics)
    sac.update_critics(batch_of(16))
    for name, value in sac.target.critics.state_dict().items():
        source = sac.critics.state_dict()[name]
        assert torch.allclose(value, old[name] + 0.25 * (source - old[name]), atol=1e-6)


def test_temperature_rises_when_entropy_is_short(make_sac: Callable[..., Sac]) -> None:
    """The gradient on alpha has the sign that brings the entropy to -d."""
    sac = make_sac()
    for log_pi, sign in ((torch.full((4,), 3.0), -1), (torch.full((4,), -3.0), 1)):
        (gradient,) = torch.autograd.grad(sac.temperature_loss(log_pi), [sac.log_alpha])
        assert math.copysign(1, gradient.item()) == sign


def test_imitation_pulls_on_human_rows_only(make_sac: Callable[..., Sac]) -> None:
    """The loss grows with the distance to human actions, and does not know other rows' actions."""
    sac = make_sac()
    human = torch.tensor([1.0, 0.0]).repeat(8)

    def loss(action: torch.Tensor) -> float:
        sac.generator.manual_seed(0)
        batch = batch_of(16, shown=human, action=action)
        return sac.policy_loss(sac.pupil.trunk(batch.state), batch, 1.0)[0].item()

    rest, pulled, others = (
        torch.zeros(16, 2),
        human[:, None].expand(16, 2),
        (1 - human)[:, None].expand(16, 2),
    )
    assert loss(pulled) > loss(rest)
    assert loss(others.contiguous()) == loss(rest)


def test_qfilter_drops_rows_worse_than_the_policy(make_sac: Callable[..., Sac]) -> None:
    """With `qfilter` exactly the human rows with Q(o, a) >= Q(o, pi(o)) are imitated; `plain` takes all."""
    sac, batch = make_sac(bc="qfilter"), batch_of(64, shown=torch.ones(64))
    with torch.no_grad():
        latent, seen = sac.pupil.trunk(batch.state), sac.critic_trunk(batch.state)
        own = sac.critics(seen, sac.pupil.policy(latent).mean.tanh()).mean(dim=0)
        shown = sac.critics(seen, batch.action).mean(dim=0)
    kept = sac._imitated(latent, batch, batch.shown)
    assert torch.equal(kept, (shown >= own).float())
    assert 0 < kept.sum() < 64
    assert make_sac(bc="plain")._imitated(latent, batch, batch.shown).all()


def test_warm_start_copies_what_was_shown(
    features: Features, make_config: Callable, make_record: Callable[..., Record]
) -> None:
    """After cloning, action and gripper command on demonstrated states are the demonstrator's."""
    replay = Replay(features, 1000, 32, 0)
    rng = np.random.default_rng(0)
    for step in range(80):
        side = float(rng.choice([-1, 1]))
        state, action = np.float32([side, rng.normal(), 0]), np.float32([0.6 * side, -0.3])
        record = make_record(0, step, state=state.tobytes(), action=action.tobytes(), mode=Mode.DEMO)
        record.gripper = type(record.gripper)(1 + int(side))
        record.source = Source.HUMAN
        replay.add(record)
    replay.add(make_record(0, 80, mode=Mode.DEMO, final=True, success=True))
    torch.manual_seed(0)
    config = make_config(learning_rate=1e-3, warm_start_steps=200, critic_warmup_steps=50)
    sac = Sac(Actor(features), config, CPU)
    sac.normalise_by(replay.states(Tier.DEMONSTRATIONS))
    for _ in sac.warm_start(replay):
        pass
    for side in (-1.0, 1.0):
        action, command = sac.actor.act(np.float32([side, 0.1, 0]), deterministic=True)
        assert np.allclose(action, [0.6 * side, -0.3], atol=0.15)
        assert command == 1 + side


def test_looking_does_not_change_what_is_learned(make_sac: Callable[..., Sac]) -> None:
    """Diagnosing between updates leaves the next losses as they were."""
    losses = []
    for look in (False, True):
        sac = make_sac()
        for _ in range(3):
            sac.learner_step([batch_of(16)] * 3, 1.0)
            if look:
                assert sac.diagnose(batch_of(16))["td_p99"] > 0
        losses.append(sac.scalars.read())
    assert losses[0] == losses[1]


def test_states_are_blurred_and_nothing_else(make_sac: Callable[..., Sac]) -> None:
    """Learning sees states off by a tenth of their demonstrated spread, anew each time, and the rest as it was."""
    sac, batch = make_sac(), batch_of(4096)
    sac.actor.trunk.std.copy_(torch.linspace(0.5, 2.0, sac.actor.trunk.std.numel()))
    once, again = sac.blurred(batch), sac.blurred(batch)
    for before, after in ((batch.state, once.state), (batch.next_state, once.next_state)):
        assert torch.allclose((after - before).std(dim=0), 0.1 * sac.actor.trunk.std, rtol=0.1)
    assert not torch.equal(once.state, again.state)
    assert torch.equal(once.action, batch.action)
    assert torch.equal(once.reward, batch.reward)


def test_actor_trusts_the_lesser_critic(make_sac: Callable[..., Sac]) -> None:
    """Raising one critic everywhere does not change what the policy is drawn to."""
    sac, batch = make_sac(), batch_of(16)
    latent = sac.pupil.trunk(batch.state).detach()

    def loss() -> float:
        sac.generator.manual_seed(0)
        return sac.policy_loss(latent, batch, 0.0)[0].item()

    before = loss()
    with torch.no_grad():
        sac.critics.net[-1].bias[0] += 10.0
    raised_one = loss()
    with torch.no_grad():
        sac.critics.net[-1].bias[1] += 10.0
    assert abs(raised_one - before) < 5.0
    assert loss() < before - 9.0
