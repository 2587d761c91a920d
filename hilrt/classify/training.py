"""Trains one network on some episodes, for as long as it gets better on others."""

import copy
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.classify.augment import varied
from hilrt.classify.frames import Frames, Ints
from hilrt.policy.trunk import Pictures
from hilrt.reward.network import Network

BATCH = 32
EPOCHS = 40
"""At most."""
PATIENCE = 6
"""Epochs without a better loss on held-out episodes, after which it is enough."""
WEIGHT_DECAY = 1e-3
TOGETHER = 256


class Options(NamedTuple):
    """How it is trained."""

    rate: float
    use_amp: bool
    shift: int
    """Of views that are shown to an encoder that is trained [pixels]."""


Losses = list[tuple[float, float]]
"""After each epoch: of what was shown in it, and of what was held out."""


class Fit:
    """The training of one network; every class is shown as often as every other."""

    def __init__(self, network: Network, frames: Frames, options: Options, seed: int) -> None:
        self.network, self._frames, self._options = network, frames, options
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._classes = torch.from_numpy(frames.classes)

    def run(self, shown: Ints, held: Ints) -> Losses:
        """Train on frames of these numbers; the network is then as it was when its loss on `held` was least."""
        trained = [p for p in self.network.parameters() if p.requires_grad]
        adam = torch.optim.AdamW(trained, self._options.rate, weight_decay=WEIGHT_DECAY)
        best, kept, since = self.loss(held), copy.deepcopy(self.network.state_dict()), 0
        losses: Losses = []
        for _ in range(EPOCHS):
            losses.append((self._epoch(adam, shown), loss := self.loss(held)))
            since += 1
            if loss < best:
                best, kept, since = loss, copy.deepcopy(self.network.state_dict()), 0
            if since >= PATIENCE:
                break
        self.network.load_state_dict(kept)
        self.network.eval()
        return losses

    @torch.no_grad()
    def told(self, rows: Ints, variant: int = 0) -> Tensor:
        """Logits (n, classes) of frames of these numbers."""
        self.network.eval()
        parts = np.array_split(rows, max(1, -(-len(rows) // TOGETHER)))
        return torch.cat(
            [self.network(self._seen(part, np.full(len(part), variant))).cpu() for part in parts]
        )

    def loss(self, rows: Ints) -> float:
        """Of held-out frames as they are and in another light, every class counted alike."""
        variants = min(2, self._frames.pictures[0].shape[1])
        truth = self._classes[torch.from_numpy(rows)]
        told = [self.told(rows, variant).float() for variant in range(variants)]
        weight = 1.0 / torch.bincount(truth, minlength=told[0].shape[1]).clamp(min=1)
        losses = [F.cross_entropy(logits, truth, weight=weight) for logits in told]
        return float(torch.stack(losses).mean())

    def _epoch(self, adam: torch.optim.Optimizer, shown: Ints) -> float:
        self.network.train()
        losses = []
        chance = _evenly(self._frames.classes[shown])
        variants = self._frames.pictures[0].shape[1]
        for _ in range(-(-len(shown) // BATCH)):
            rows = self._rng.choice(shown, BATCH, p=chance)
            with torch.autocast(self.network.device.type, torch.bfloat16, enabled=self._options.use_amp):
                logits = self.network(self._seen(rows, self._rng.integers(variants, size=BATCH), vary=True))
                loss = F.cross_entropy(logits.float(), self._classes[rows].to(logits.device))
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            adam.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def _seen(self, rows: Ints, variants: Ints, *, vary: bool = False) -> Pictures:
        """Features of the frames' variants, as they were kept, or made of views now."""
        at, of = torch.from_numpy(rows), torch.from_numpy(variants)
        kept = [pictures[at, of] for pictures in self._frames.pictures]
        if self.network.frozen:
            return tuple(picture.to(self.network.device) for picture in kept)
        if vary:
            kept = [varied(views, self._options.shift, self._generator) for views in kept]
        return self.network.encode([views.to(self.network.device) for views in kept])


def _evenly(classes: Ints) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Chance of each frame to be drawn, so that every class is as often."""
    weight = 1.0 / np.bincount(classes)[classes]
    chance: np.ndarray[tuple[int], np.dtype[np.float64]] = weight / weight.sum()
    return chance
