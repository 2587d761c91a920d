"""That all that should learn does, and nothing else, and that it learns to tell classes apart."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from hilrt.classify.frames import Frames, Told
from hilrt.classify.training import Fit, Options
from hilrt.policy.encoders.conv import Conv, Pretrained
from hilrt.reward.about import Make
from hilrt.reward.network import Network
from hilrt.step.features import Image

VIEWS = (Image("front", 32, 48, 0), Image("wrist", 32, 32, 4608))
OPTIONS = Options(rate=1e-3, use_amp=False, shift=1)


def network_of(encoder: str, model: str, classes=2) -> Network:
    torch.manual_seed(0)
    made = [Conv() if encoder == "conv" else Pretrained(Conv().state_dict(), "d") for _ in VIEWS]
    names = tuple("abc"[:classes])
    return Network(
        Make(encoder=encoder, hidden=32, model=model, views=VIEWS, classes=names), nn.ModuleList(made), 0.1
    )


def frames_of(network: Network, classes=2, count=120) -> Frames:
    """A square whose place in the picture is its class."""
    rng = np.random.default_rng(0)
    truth = rng.integers(classes, size=count) * (rng.random(count) < 0.5)  # the first is the most frequent
    pictures = []
    for camera, view in enumerate(VIEWS):
        views = rng.integers(50, 90, (count, view.height, view.width, 3), np.uint8)
        for picture, c in zip(views, truth, strict=True):
            picture[12:20, 4 + 10 * c : 12 + 10 * c] = 220
        tensor = torch.from_numpy(views)
        with torch.no_grad():
            pictures.append((network.features(camera, tensor) if network.frozen else tensor)[:, None])
    told = tuple(
        Told(number=n, began_s=0.0, digest="", labels="", classes=(), shut_m=None) for n in range(count)
    )
    return Frames(tuple(pictures), truth, np.arange(count), np.zeros(count, np.int64), told)


@pytest.mark.parametrize("encoder", ["pretrained", "conv"])
@pytest.mark.parametrize("model", ["cnn", "transformer"])
def test_everything_that_should_learn_does(encoder: str, model: str) -> None:
    """Every parameter has a gradient and is changed by it; of a frozen encoder no tensor is."""
    network = network_of(encoder, model)
    frames = frames_of(network)
    before = {name: tensor.clone() for name, tensor in network.tensors().items()}
    parameters = dict(network.named_parameters())
    assert any(name.startswith("encoders") for name in parameters) == (encoder == "conv")
    pictures = [p[:, 0] for p in frames.pictures]
    seen = pictures if network.frozen else network.encode(pictures)
    F.cross_entropy(network(seen), torch.from_numpy(frames.classes)).backward()
    assert [name for name, p in parameters.items() if p.grad is None or not p.grad.abs().sum()] == []
    rows = np.arange(len(frames.classes))
    Fit(network, frames, OPTIONS, 0).run(rows[:90], rows[90:])
    same = {name for name, tensor in network.tensors().items() if torch.equal(tensor, before[name])}
    assert same == before.keys() - parameters.keys()


@pytest.mark.parametrize(
    ("encoder", "model", "classes"),
    [("pretrained", "cnn", 3), ("pretrained", "transformer", 2), ("conv", "cnn", 2)],
)
def test_it_learns_to_tell_them_apart(encoder: str, model: str, classes: int) -> None:
    """Held-out frames are told, rare classes as well; with the networks that did best on them."""
    network = network_of(encoder, model, classes)
    frames = frames_of(network, classes)
    rows = np.arange(len(frames.classes))
    fit = Fit(network, frames, OPTIONS, 0)
    losses = fit.run(rows[:80], rows[80:])
    guess = fit.told(rows[80:]).argmax(1).numpy()
    truth = frames.classes[80:]
    assert min((guess[truth == c] == c).mean() for c in range(classes)) > 0.9
    assert fit.loss(rows[80:]) == pytest.approx(min(held for _, held in losses))


def test_same_seed_same_classifier() -> None:
    """A training is a function of frames and seed."""

    def trained(seed: int) -> dict[str, torch.Tensor]:
        network = network_of("pretrained", "cnn")
        rows = np.arange(60)
        Fit(network, frames_of(network, count=60), OPTIONS, seed).run(rows[:40], rows[40:])
        return network.state_dict()

    one, same, other = trained(1), trained(1), trained(2)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_bfloat16_trains_too() -> None:
    """With `use_amp` losses fall as well."""
    network = network_of("pretrained", "cnn")
    frames = frames_of(network)
    rows = np.arange(120)
    losses = Fit(network, frames, OPTIONS._replace(use_amp=True), 0).run(rows[:80], rows[80:])
    assert losses[-1][0] < 0.5 * losses[0][0]
