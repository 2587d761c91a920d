"""Defects seen elsewhere that this learner must not have."""

from collections.abc import Callable

import pytest
import torch
from batches import batch_of

from hilrt.learner.batch import Batch
from hilrt.learner.replay import Replay, Tier
from hilrt.learner.sac import Sac
from hilrt.step.features import Features
from hilrt.step.record import GripperCommand, Mode, Record, Source, vector

MakeEpisode = Callable[..., list[Record]]
MakeSac = Callable[..., Sac]


def rows_of(batch: Batch, step: int) -> torch.Tensor:
    """Which rows are of that step; states are (episode, step, noise)."""
    return batch.state[:, 1] == step


@pytest.mark.parametrize("mode", [Mode.DEMO, Mode.TRAIN])
def test_time_limit_is_not_terminal(
    features: Features, make_episode: MakeEpisode, make_sac: MakeSac, mode: Mode
) -> None:
    """Defect: demonstrations (or online episodes) that treat time limits as terminal.

    The last step of an episode that ran out of time is drawn, and both critics' targets for it hold the value of the
    state after it; the last step of a success ends there.
    """
    sac = make_sac(clip_targets=False)
    for success in (False, True):
        replay = Replay(features, 1000, 64, 0)
        records = make_episode(0, 4, success=success, mode=mode, source=Source.HUMAN)
        assert records[3].truncated is not success
        for record in records:
            replay.add(record)
        (batch,) = replay.sample(1)
        last = rows_of(batch, 3)
        assert last.any()
        assert torch.equal(batch.terminated, last.float() * success)
        for y in (
            sac.bellman(batch, sac.generator),
            sac.gripper.bellman(batch._replace(change=0 * batch.change)),
        ):
            assert torch.equal(
                y[last] == batch.reward[last], torch.full_like(y[last], success, dtype=torch.bool)
            )


def test_critics_see_actions_in_one_scale(
    features: Features, make_episode: MakeEpisode, make_sac: MakeSac
) -> None:
    """Defect: actions not normalised for the critic.

    Whether an action was stored, drawn for a target or drawn for the actor's loss, the critics get it as the actor
    decides it and the journal has it, in [-1, 1], however far the policy's mean is out.
    """
    sac = make_sac()
    with torch.no_grad():
        for one in (sac.actor, sac.pupil):
            one.policy_net[-1].weight.mul_(1e4)  # far beyond the bounds before the tanh
    replay, acted = Replay(features, 1000, 64, 0), set()
    for record in make_episode(0, 20):
        if not record.final:
            state = vector(record.state).copy()
            record.action = sac.actor.act(state, deterministic=False)[0].tobytes()
            acted.add(record.action)
        replay.add(record)
    (batch,) = replay.sample(1)
    seen: dict[str, torch.Tensor] = {}
    for name, critics in (("now", sac.critics), ("next", sac.target.critics)):
        critics.register_forward_pre_hook(lambda _, inputs, name=name: seen.update({name: inputs[1]}))
    sac.critic_loss(batch)
    assert {action.numpy().tobytes() for action in seen["now"]} <= acted
    sac.policy_loss(sac.pupil.trunk(batch.state), batch, 0.0)
    for actions in seen.values():
        assert actions.shape == (64, 2)
        assert actions.abs().max() <= 1.0
        assert actions.abs().max() > 0.9


def changes_of(records: list[Record]) -> dict[tuple[int, int], float]:
    """By (episode, step): whether its gripper command differs from the last that was not `stay`."""
    told, found = {}, {}
    for record in records:
        last = told.get(record.episode, GripperCommand.STAY)
        change = record.gripper not in {GripperCommand.STAY, last}
        found[record.episode, record.step] = float(change)
        told[record.episode] = record.gripper if change else last
    return found


def test_gripper_penalty_is_in_every_tier(
    features: Features, make_episode: MakeEpisode, make_sac: MakeSac
) -> None:
    """Defect: penalties dropped on some updates, by the rows they are made of.

    Rows of demonstrations, interventions, unaided successes and all else online pay for exactly their own changes.
    """
    shown = make_episode(7, 30, success=True, mode=Mode.DEMO, source=Source.HUMAN)
    aided, alone = make_episode(0, 30, success=True), make_episode(1, 30, success=True)
    for record in aided[10:20]:
        record.source = Source.HUMAN
    records = [*shown, *aided, *alone, *make_episode(2, 30)]
    replay = Replay(features, 1000, 256, 0)
    for record in records:
        replay.add(record)
    (batch,) = replay.sample(1)
    expected = changes_of(records)
    change = torch.tensor([expected[int(e), int(s)] for e, s in batch.state[:, :2]])
    assert torch.equal(batch.change, change)
    for tier, part in zip(Tier, change.split(batch.counts), strict=True):
        assert 0 < part.sum() < len(part), tier
    gripper, batch = make_sac().gripper, batch._replace(steps_left=torch.full((256,), torch.inf))
    paid = gripper.bellman(batch) - gripper.bellman(batch._replace(change=torch.zeros(256)))
    assert torch.allclose(paid, -0.02 * change, atol=1e-6)


def gripper_after(sac: Sac, replay: Replay, update: str) -> torch.Tensor:
    """Its last bias after one update of a kind."""
    if update == "learner step":
        sac.learner_step([batch_of(32, change=torch.ones(32))] * 3, 0.0)
    else:
        for _ in sac.warm_start(replay):
            pass
    return sac.pupil.gripper_net[-1].bias.detach()


@pytest.mark.parametrize("update", ["learner step", "critic warm-up"])
def test_gripper_penalty_is_in_every_kind_of_update(
    features: Features, make_episode: MakeEpisode, make_sac: MakeSac, update: str
) -> None:
    """Defect: penalties dropped on some updates, by when they are made: each kind differs by the penalty alone."""
    ends = []
    for penalty in (-0.5, -0.5, 0.0):
        replay = Replay(features, 1000, 32, 0)
        for record in make_episode(0, 30, mode=Mode.DEMO):
            replay.add(record)
        sac = make_sac(gripper={"gripper_penalty": penalty}, warm_start_steps=0, critic_warmup_steps=1)
        ends.append(gripper_after(sac, replay, update))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_two_arms_pay_for_each_gripper(two_arms: Features, make_record: Callable[..., Record]) -> None:
    """Defect: penalties dropped where two arms share a command: each arm's change counts, against its own last one."""
    close, stay, open_ = GripperCommand
    told = [(stay, stay), (open_, close), (stay, open_), (open_, stay), (close, close), (close, open_)]
    replay = Replay(two_arms, 1000, 64, 0)
    for step, (left, right) in enumerate(told):
        replay.add(make_record(0, step, gripper=left + 3 * right))
    replay.add(make_record(0, len(told), final=True))
    (batch,) = replay.sample(1)
    by_step = dict(zip(batch.state[:, 1].tolist(), batch.change.tolist(), strict=True))
    assert by_step == {0: 0, 1: 2, 2: 1, 3: 0, 4: 2, 5: 1}
