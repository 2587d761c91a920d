"""The contract between learner and algorithm; that the guide's example learns."""

import sys
from pathlib import Path

import pytest
import torch
from fromguide import save
from torch import nn
from toy import FEATURES, Command, Reach, clone, success_of

from hilrt.config import Config
from hilrt.errors import OwnCodeError
from hilrt.learner.algorithm import make_algorithm, name_of
from hilrt.learner.descent import Descent
from hilrt.learner.replay import Replay
from hilrt.learner.sac import Sac
from hilrt.policy.actor import Actor
from hilrt.step.record import Mode

CPU = torch.device("cpu")


class Odd(Sac):
    """Ours, with something put in another's place."""

    put: tuple[str, object] = ("", None)

    def __init__(self, actor: Actor, config: Config, device: torch.device) -> None:
        super().__init__(actor, config, device)
        name, value = self.put
        if value is None:
            delattr(self, name)
        else:
            setattr(self, name, value)


def test_ours_is_one(make_config) -> None:
    """The default is an algorithm like any other, known by its import path."""
    made = make_algorithm(Actor(FEATURES), make_config(), CPU)
    assert isinstance(made, Sac)
    assert name_of(made) == make_config().learner.algorithm


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("scalars", None, "has no `scalars`; hilrt/learner/algorithm.py says what an algorithm has"),
        (
            "descents",
            {"all": torch.optim.Adam([torch.zeros(1)])},
            "has in `descents` what is no Descent: all",
        ),
        ("generator", 3, "has a int as `generator`, not a Generator"),
        ("actor", Actor(FEATURES), "has another `actor` than the one it was given"),
    ],
)
def test_what_lacks_something_is_refused(make_config, monkeypatch, name, value, words) -> None:
    """The message says what, and where the contract is."""
    monkeypatch.setattr(Odd, "put", (name, value))
    with pytest.raises(OwnCodeError, match=f"learner.algorithm: test_algorithm:Odd {words}"):
        make_algorithm(Actor(FEATURES), make_config(algorithm="test_algorithm:Odd"), CPU)


def test_the_guides_example_learns(make_config, tmp_path: Path, monkeypatch) -> None:
    """From five clumsy demonstrations and some practice TD3 reaches more often than its first clone."""
    save("algorithm.md", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    config = make_config(algorithm="td3:Td3", learning_rate=1e-3, tau=0.02, warm_start_steps=100)
    torch.manual_seed(0)
    replay, world = Replay(FEATURES, 5000, 32, 0), Reach(0)
    made, generator = make_algorithm(Actor(FEATURES), config, CPU), torch.Generator().manual_seed(0)
    cloned = clone(made, replay, world)
    for _ in range(60):
        episode = world.episode(
            lambda s: Command(*made.actor.act(s, deterministic=False, epsilon=0.05, generator=generator)),
            Mode.TRAIN,
        )
        for record in episode:
            replay.add(record)
            for _ in range(2):
                made.learner_step(replay.sample(3), 0.3)
    assert cloned < 0.5 < success_of(made.actor)
    sys.modules.pop("td3")


def test_frozen_parameters_are_left_alone() -> None:
    """What wants no gradient gets none, and no optimiser."""
    layer = nn.Linear(2, 2)
    layer.bias.requires_grad_(requires_grad=False)
    before = layer.bias.clone()
    Descent(layer.parameters(), 1e-2).step(layer(torch.ones(2)).sum())
    assert torch.equal(layer.bias, before)
