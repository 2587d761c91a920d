"""That encoders learn to see what an episode was about, and that the job leaves a file that a policy can use."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from hilrt.policy.encoders.conv import Conv
from hilrt.policy.vision import Vision
from hilrt.pretrain.examples import Examples
from hilrt.pretrain.training import Pretraining
from hilrt.step.features import GRIPPER, Features, Image

SIZE = 32
TRAINED = Vision(encoder="conv", embeddings=2, latent=32)
VIEWS = (Image("front", SIZE, SIZE, 0),)
FEATURES = Features(10, ("",), ("arm.pos", "ee.x", "ee.y", "ee.z"), ("dx", "dy"), GRIPPER, VIEWS, VIEWS)


def seen(rng: np.random.Generator, episodes: int) -> Examples:
    """Episodes of one step each: a bright square somewhere, and the arm will go there; nothing else tells where."""
    place = rng.uniform(-1, 1, (episodes, 2))
    pictures = rng.integers(60, 90, (episodes, SIZE, SIZE, 3), dtype=np.uint8)
    for picture, (x, y) in zip(pictures, place, strict=True):
        row, column = (np.array([y, x]) * 12 + SIZE / 2).astype(int)
        picture[row - 2 : row + 3, column - 2 : column + 3] = (250, 30, 30)
    goal = np.zeros((episodes, 4))
    goal[:, 1:3] = 0.1 * place
    return Examples(
        state=rng.normal(size=(episodes, 4)).astype(np.float32),
        future=np.tile(goal, 5).astype(np.float32),
        left=np.ones((episodes, 1), np.float32),
        action=place.astype(np.float32),
        gripper=rng.integers(3, size=episodes),
        acted=np.ones(episodes, np.float32),
        commanded=np.ones(episodes, np.bool_),
        episode=np.arange(episodes),
        views=(pictures,),
    )


@pytest.fixture
def make() -> Callable[..., Pretraining]:
    """Encoders in the making on 200 pictures."""

    def make(steps: int, examples: Examples | None = None) -> Pretraining:
        torch.set_num_threads(1)
        shown = examples or seen(np.random.default_rng(0), 200)
        return Pretraining(FEATURES, shown, TRAINED, steps=steps, shift=1, seed=0, device=torch.device("cpu"))

    return make


def test_encoders_see_what_they_were_never_told(make: Callable[..., Pretraining]) -> None:
    """Where the square is can be told of pictures that were held out, and could not before training."""
    training = make(250)
    before = training.judge()
    losses = list(training.run())
    after = training.judge()
    assert before
    assert after
    assert before.explained < 0.1
    assert after.explained > 0.7
    assert after.grasp_mm is not None
    assert before.grasp_mm is not None
    assert after.grasp_mm < 0.5 * before.grasp_mm
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:20])


def test_no_steps_leave_random_weights(make: Callable[..., Pretraining]) -> None:
    """What pretraining is worth can be found out by leaving it out."""
    training, untouched = make(0), make(1)
    assert not list(training.run())
    one, other = training.encoders["front"].state_dict(), untouched.encoders["front"].state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_same_seed_same_encoders(make: Callable[..., Pretraining]) -> None:
    """Training is a function of examples and seed."""

    def weights() -> dict[str, torch.Tensor]:
        training = make(3)
        list(training.run())
        encoder = training.encoders["front"]
        assert isinstance(encoder, Conv)
        return encoder.state_dict()

    one, other = weights(), weights()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_few_episodes_are_all_trained_on(make: Callable[..., Pretraining]) -> None:
    """With four episodes none is held out, so nothing is claimed about others."""
    training = make(2, seen(np.random.default_rng(0), 4))
    assert len(list(training.run())) == 2
    assert training.judge() is None


@pytest.mark.parametrize("steps", [0, 1, 2, 19, 20, 21])
def test_any_number_of_steps(make: Callable[..., Pretraining], steps: int) -> None:
    """So many and no more are taken, at rates that rise and then fall."""
    training = make(steps, seen(np.random.default_rng(0), 8))
    assert len(list(training.run())) == steps
    rates = [training._share_of_rate(step) for step in range(steps)]
    assert all(0.0 < rate <= 1.0 for rate in rates)
    assert steps < 3 or rates[-1] < max(rates)
