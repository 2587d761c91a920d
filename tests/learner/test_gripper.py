"""The gripper's critic: its target, the margin, two arms, and the absence of a gripper."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from batches import batch_of

from hilrt.learner.gripper import margin
from hilrt.learner.replay import Replay
from hilrt.learner.sac import Sac
from hilrt.step.features import Features
from hilrt.step.record import GripperCommand, Mode, Record, gripper_index

MakeSac = Callable[..., Sac]
CLOSE, STAY, OPEN = GripperCommand


@pytest.mark.parametrize("commands", [3, 9])
def test_target_is_double_and_pays_for_changes(
    make_sac: MakeSac, features: Features, two_arms: Features, commands: int
) -> None:
    """The loss is Huber against r + rho + gamma Q'(o', argmax Q(o', .)), rho for each change; terminated rows end."""
    sac = make_sac(features if commands == 3 else two_arms)
    change = torch.tensor([1.0, 0.0, 2.0, 0.0]).repeat(4)
    done = (torch.arange(16) < 8).float()
    batch = batch_of(16, commands, change=change, terminated=done, reward=torch.full((16,), 0.25))
    net, slow_net = sac.pupil.gripper_net, sac.actor.gripper_net
    with torch.no_grad():
        slow_net[-1].bias.copy_(torch.linspace(0.1, 0.9, commands))
        q = net(sac.pupil.trunk(batch.state))
        best = net(sac.pupil.trunk(batch.next_state)).argmax(dim=-1)
        slow = slow_net(sac.actor.trunk(batch.next_state))
        y = 0.25 - 0.02 * change + 0.97 * (1 - done) * slow[range(16), best]
        expected = torch.nn.functional.huber_loss(q[range(16), batch.gripper], y)
        assert torch.allclose(sac.gripper.loss(q, batch), expected)
    assert not torch.allclose(
        slow[range(16), best], slow.amax(dim=-1)
    )  # double: the slow net does not choose


def test_what_was_had_can_be_had(make_sac: MakeSac) -> None:
    """Two steps and two changes before a reward the target is at least gamma squared less both penalties."""
    sac = make_sac()
    left = {
        "steps_left": torch.tensor([2.0, torch.inf]).repeat(8),
        "changes_left": torch.tensor([2.0, torch.inf]).repeat(8),
    }
    plain, y = sac.gripper.bellman(batch_of(16)), sac.gripper.bellman(batch_of(16, **left))
    assert (plain < 0.5).all()
    assert torch.allclose(y[::2], torch.full((8,), 0.97**2 - 0.04))
    assert torch.equal(y[1::2], plain[1::2])


def test_margin_is_zero_once_the_shown_command_leads() -> None:
    """Large-margin imitation is satisfied by a lead of 0.05 and costs what is missing to it."""
    q = torch.tensor([[0.5, 0.4, 0.3], [0.5, 0.48, 0.3], [0.1, 0.4, 0.3]])
    assert torch.allclose(
        margin(q, torch.tensor([0, 0, 0]), 0.05), torch.tensor([0.0, 0.03, 0.35]), atol=1e-6
    )


def test_one_critic_learns_what_two_grippers_were_shown(
    make_sac: MakeSac, two_arms: Features, make_record: Callable[..., Record]
) -> None:
    """After cloning, each of two arms gets the command that was demonstrated to it."""
    shown = {-1.0: (CLOSE, OPEN), 1.0: (STAY, CLOSE)}
    replay, rng = Replay(two_arms, 1000, 32, 0), np.random.default_rng(0)
    for step in range(80):
        side = float(rng.choice([-1, 1]))
        state = np.float32([side, rng.normal(), 0]).tobytes()
        replay.add(make_record(0, step, state=state, gripper=gripper_index(shown[side]), mode=Mode.DEMO))
    replay.add(make_record(0, 80, mode=Mode.DEMO, final=True, success=True))
    sac = make_sac(two_arms, learning_rate=1e-3, warm_start_steps=200, critic_warmup_steps=20)
    for _ in sac.warm_start(replay):
        pass
    for side, commands in shown.items():
        _, told = sac.actor.act(np.float32([side, 0.1, 0]), deterministic=True)
        assert told == gripper_index(commands)


def test_without_a_gripper_the_rest_learns_and_nothing_speaks_of_one(
    make_sac: MakeSac,
    gripperless: Features,
    make_episode: Callable[..., list[Record]],
    make_record: Callable[..., Record],
) -> None:
    """Warm start and learner steps move the policy; no weight, optimiser or figure is the gripper's."""
    replay = Replay(gripperless, 1000, 32, 0)
    for record in (*make_episode(0, 20, mode=Mode.DEMO, success=True), *make_episode(1, 20)):
        record.gripper = STAY
        replay.add(record)
    sac = make_sac(gripperless, warm_start_steps=3, critic_warmup_steps=3)
    before = [parameter.clone() for parameter in sac.actor.policy_net.parameters()]
    for _ in sac.warm_start(replay):
        pass
    for _ in range(3):
        sac.learner_step(replay.sample(3), 1.0)
    figures = sac.scalars.read() | sac.diagnose(replay.sample(1)[0])
    names = [*figures, *sac.state_dict(), *sac.descents]
    assert "bc_loss" in names
    assert not [name for name in names if "gripper" in name]
    after = list(sac.actor.policy_net.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert sac.actor.act(np.zeros(3, np.float32), deterministic=False, epsilon=1.0)[1] == STAY
