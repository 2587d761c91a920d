"""The actor: bounds, determinism, density, and what it takes for its weights."""

import subprocess
import sys
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
import torch

from hilrt.errors import ActorMismatchError
from hilrt.policy.actor import Actor, Policy
from hilrt.step.features import GRIPPER, Features


def features_of(state: int, action: int = 3) -> Features:
    """So many numbers of state and action."""
    names = tuple(f"s{i}" for i in range(state)), tuple(f"a{i}" for i in range(action))
    return Features(10, ("",), *names, GRIPPER, (), ())


@pytest.fixture
def actor() -> Actor:
    """Weights far from their small start."""
    torch.manual_seed(0)
    actor = Actor(features_of(5))
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.mul_(3.0)
    return actor


def test_actions_stay_within_bounds(actor: Actor) -> None:
    """Whatever the state, actions lie in [-1, 1], are finite, and are float32 of the action's size."""
    rng = np.random.default_rng(0)
    for scale in (0.0, 1.0, 1e3, 1e9):
        for deterministic in (True, False):
            state = (scale * rng.normal(size=5)).astype(np.float32)
            action, command = actor.act(state, deterministic)
            assert action.shape == (3,)
            assert action.dtype == np.float32
            assert np.isfinite(action).all()
            assert np.abs(action).max() <= 1.0
            assert command in {0, 1, 2}


def test_deterministic_action_is_the_mode_and_samples_spread_around_it(actor: Actor) -> None:
    """Same state, same action; samples differ, and with equal generators are equal."""
    state = np.ones(5, np.float32)
    assert np.array_equal(actor.act(state, True)[0], actor.act(state, True)[0])
    draws = [actor.act(state, False, generator=torch.Generator().manual_seed(s))[0] for s in (1, 1, 2)]
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_epsilon_explores_all_gripper_commands(actor: Actor) -> None:
    """With epsilon 1 every command comes up; with 0 the best one alone."""
    state, generator = np.ones(5, np.float32), torch.Generator().manual_seed(0)
    assert {actor.act(state, True, 1.0, generator)[1] for _ in range(60)} == {0, 1, 2}
    assert len({actor.act(state, True, 0.0, generator)[1] for _ in range(60)}) == 1


@pytest.mark.parametrize(("gripper", "told"), [(9, set(range(9))), (0, {4})])
def test_two_arms_share_one_command(gripper: int, told: set[int]) -> None:
    """Exploration draws from all nine combinations alike; grippers that are not the policy's are told to stay."""
    names = tuple(f"command{i}" for i in range(gripper))
    both = msgspec.structs.replace(features_of(5), sides=("left", "right"), gripper=names)
    actor, generator = Actor(both), torch.Generator().manual_seed(0)
    commands = [actor.act(np.ones(5, np.float32), True, 1.0, generator)[1] for _ in range(900)]
    assert set(commands) == told
    assert min(commands.count(command) for command in told) > 60


def test_log_density_integrates_to_one() -> None:
    """exp(log pi) is the density of the squashed action: its integral over (-1, 1) is 1."""
    mean, std = torch.full((200_000, 1), 0.4), torch.full((200_000, 1), 0.7)
    action, log_pi = Policy(mean, std).sample(torch.Generator().manual_seed(0))
    counts, edges = np.histogram(action.numpy(), bins=20, range=(-0.95, 0.95))
    middle = (edges[1:] + edges[:-1]) / 2
    order = np.argsort(action.numpy()[:, 0])
    density = np.interp(middle, action.numpy()[order, 0], log_pi.exp().numpy()[order])
    assert np.allclose(counts / 200_000 / (edges[1] - edges[0]), density, rtol=0.08)


def test_normalisation_keeps_entries_that_never_varied_in_their_unit(actor: Actor) -> None:
    """Varied entries get mean 0 and deviation 1; a constant one is only shifted."""
    states = np.random.default_rng(0).normal(3.0, 2.0, (500, 5)).astype(np.float32)
    states[:, 4] = 7.0
    actor.trunk.normalise_by(states)
    normal = (states - actor.trunk.mean.numpy()) / actor.trunk.std.numpy()
    assert np.allclose(normal[:, :4].std(axis=0), 1.0, atol=1e-3)
    assert actor.trunk.std[4] == 1.0


def test_arrays_round_trip(actor: Actor) -> None:
    """Another actor with the same arrays decides the same."""
    other = Actor(features_of(5))
    other.load_arrays({name: array.copy() for name, array in actor.to_arrays().items()})
    state = np.ones(5, np.float32)
    assert np.array_equal(actor.act(state, True)[0], other.act(state, True)[0])


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda arrays: arrays.pop("trunk.mean"), r"trunk\.mean: absent, expected \(5,\)"),
        (lambda arrays: arrays.update(extra=np.zeros(1)), r"extra: \(1,\), expected none"),
        (lambda arrays: arrays.update({"trunk.std": np.ones(6)}), r"trunk\.std: \(6,\), expected \(5,\)"),
    ],
)
def test_foreign_arrays_change_nothing(actor: Actor, spoil: Callable[[dict], object], named: str) -> None:
    """Missing, extra and misshapen arrays are refused by name, before any is copied."""
    arrays = {name: array.copy() + 1 for name, array in actor.to_arrays().items()}
    spoil(arrays)
    before = {name: array.copy() for name, array in actor.to_arrays().items()}
    with pytest.raises(ActorMismatchError, match=named):
        actor.load_arrays(arrays)
    assert all(np.array_equal(before[name], array) for name, array in actor.to_arrays().items())


def test_acting_imports_nothing_of_the_learner() -> None:
    """Control imports the policy package, and with it no learner code."""
    code = "import sys, hilrt.policy.saved; print([m for m in sys.modules if m.startswith('hilrt.learner')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
