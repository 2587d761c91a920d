"""Every number of [learner.constants] and [policy.networks] is read: with another one, something else is learned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rundir import Run

from hilrt.config import Config
from hilrt.config.constants import Constants, Networks
from hilrt.control.policy import Policy
from hilrt.errors import ConfigError
from hilrt.learner.replay import Replay, Tier
from hilrt.learner.schedule import bc_weight
from hilrt.policy.actor import Actor
from hilrt.policy.saved import load_actor, newest_checkpoint
from hilrt.policy.vision import Sight
from hilrt.step.features import Features
from hilrt.step.record import Mode, Source

LEARNED = {
    "state_noise": 0.3,
    "actor_tau": 0.5,
    "temperature_rate": 1.0,
    "target_entropy": -3.0,
    "gripper_margin": 0.3,
    "gradient_norm": 0.01,
    "shares": (0.5, 0.0, 0.0),
}
ELSEWHERE = {"feature_noise", "imitated_until", "epsilon", "protected_rows", "window"}
"""Told by a test of their own, here or beside what reads them."""
MADE = {
    "state_latent": 32,
    "hidden": 64,
    "gripper_hidden": 32,
    "state_clip": 0.5,
    "std_max": 0.05,
    "std_initial": 0.02,
}


@pytest.fixture
def learned(tmp_path: Path, make_config: Callable[..., Config]) -> Callable[..., Run]:
    """A run that has learned from demonstrations, corrections and a success of its own, and saved what it learned."""

    def learn(policy: dict | None = None, **learner: object) -> Run:
        run = Run(
            tmp_path / str(len(list(tmp_path.iterdir()))),
            make_config(online_step_before_learning=0, policy=policy, **learner),
        )
        run.demonstrate(run.episode(0, Mode.DEMO), run.episode(1, Mode.DEMO))
        training = run.training()
        training.load()
        corrected, alone = run.episode(0, Mode.TRAIN), run.episode(1, Mode.TRAIN)
        for record in corrected[2:5]:
            record.source = Source.HUMAN
        for record in (*corrected, *alone):
            training.take(record)
        for _ in range(4):
            training.step()
        training.save()
        return run

    return learn


def actor_of(run: Run) -> Actor:
    checkpoint = newest_checkpoint(run.folder)
    assert checkpoint is not None
    return load_actor(checkpoint)


def weights(run: Run) -> list[bytes]:
    return [value.tobytes() for value in actor_of(run).to_arrays().values()]


def test_each_is_told_of_here() -> None:
    """A new one has to say who reads it."""
    assert {*LEARNED, *ELSEWHERE} == {*Constants.__struct_fields__}
    assert {*MADE} == {*Networks.__struct_fields__}


def test_each_constant_is_learned_by(learned: Callable[..., Run]) -> None:
    """The policy is another with another value of any, and the same with the same."""
    first = weights(learned())
    assert weights(learned()) == first
    same = [name for name, value in LEARNED.items() if weights(learned(constants={name: value})) == first]
    assert same == []


def test_networks_come_back_from_a_checkpoint(learned: Callable[..., Run]) -> None:
    """Evaluation loads networks of the sizes that the task file asked for, which decide as the learner's do."""
    run = learned(policy={"networks": MADE})
    actor, ours = actor_of(run), run.trainings[0].algorithm.actor
    assert actor.networks == Networks(**MADE)
    state = np.random.default_rng(0).normal(size=len(run.features.state)).astype(np.float32)
    action, command = actor.act(state, deterministic=True)
    assert np.array_equal(action, ours.act(state, deterministic=True)[0])
    assert command == ours.act(state, deterministic=True)[1]
    shapes = {name: value.shape for name, value in actor.to_arrays().items()}
    assert shapes["trunk.state.0.weight"][0] == MADE["state_latent"]
    assert shapes["policy_net.0.weight"] == (MADE["hidden"], MADE["state_latent"])
    assert actor.gripper_net is not None
    assert actor.gripper_net[0].out_features == MADE["gripper_hidden"]


@pytest.mark.parametrize("name", ["state_clip", "std_max", "std_initial"])
def test_each_bound_of_the_networks_is_learned_by(learned: Callable[..., Run], name: str) -> None:
    """Those that change no size change what is learned."""
    others = {"std_initial": 0.0499, "std_max": 0.1} if name == "std_max" else {}  # so near that it is met
    bounded = learned(policy={"networks": others | {name: MADE[name]}})
    assert weights(bounded) != weights(learned(policy={"networks": others}))


@pytest.mark.parametrize("most", [0.05, 0.1])
def test_noise_that_could_not_be_learned_is_refused(make_config: Callable[..., Config], most: float) -> None:
    """At its bound it has no gradient."""
    with pytest.raises(ConfigError, match=rf"std_initial = 0.1 is not below std_max = {most}"):
        make_config(policy={"networks": {"std_max": most}})


def test_random_gripper_commands_come_as_often_as_told(features: Features) -> None:
    """With `epsilon` 1 every command is drawn, with 0 none."""
    actor, state = Actor(features), np.zeros(len(features.state), np.float32)
    drawn = [
        {Policy(actor, None, Sight(), epsilon).act(state, deterministic=False)[1] for _ in range(50)}
        for epsilon in (0.0, 1.0)
    ]
    assert [len(commands) for commands in drawn] == [1, 3]


def test_imitation_fades_where_told(make_config: Callable[..., Config]) -> None:
    """`imitated_until` is the success at which the final weight is reached."""
    learner = make_config(bc_weight=1.0, bc_weight_final=0.0, constants={"imitated_until": 0.5}).learner
    assert [bc_weight(learner, rate) for rate in (0.0, 0.25, 0.5, 1.0)] == [1.0, 0.5, 0.0, 0.0]


def test_as_many_rows_are_protected_as_told(learned: Callable[..., Run]) -> None:
    """The newest episodes that fit into `protected_rows` stay in the tier of successes."""
    run = learned()
    replay = Replay(run.features, 1000, 8, 0, constants=Constants(protected_rows=20))
    for number in range(5):
        for record in run.episode(number, Mode.TRAIN):
            replay.add(record)
    assert len(replay.tiers[Tier.SUCCESSES]) == 2 * 8
