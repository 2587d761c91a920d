"""The network of a reward classifier: an encoder for each camera, and what tells a frame's class of their features."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from hilrt.policy.encoders.conv import Conv, Pretrained
from hilrt.policy.encoders.names import HIL_SERL, HUGGING_FACE
from hilrt.policy.encoders.resnet import KINDS, ResNet
from hilrt.policy.encoders.shapes import FROZEN, feature_shape
from hilrt.policy.trunk import Glance, Pictures
from hilrt.reward.about import Make

EMBEDDINGS = 8
HEADS = 4

Shape = tuple[int, int, int]


class Places(nn.Module):
    """Features of all cameras, (B, C, h, w) each, to (B, size): a transformer whose words are their places."""

    def __init__(self, shapes: Sequence[Shape], hidden: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.ModuleList(nn.Linear(channels, hidden) for channels, *_ in shapes)
        count = sum(height * width for _, height, width in shapes)
        self.where = nn.Parameter(torch.randn(count, hidden) * 0.02)
        heads = HEADS if hidden % HEADS == 0 else 1
        self.attend = nn.TransformerEncoderLayer(hidden, heads, 2 * hidden, dropout, batch_first=True)
        self.size: int = hidden

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Their mean, once each has looked at the others."""
        pairs = zip(self.project, features, strict=True)
        words = torch.cat([project(f.float().flatten(2).transpose(1, 2)) for project, f in pairs], dim=1)
        out: Tensor = self.attend(words + self.where).mean(dim=1)
        return out


class Glances(nn.Module):
    """The same by spatial learned embeddings, as a policy's trunk has them."""

    def __init__(self, shapes: Sequence[Shape], hidden: int, dropout: float) -> None:
        super().__init__()
        self.glances = nn.ModuleList(Glance(shape, EMBEDDINGS, hidden) for shape in shapes)
        self.dropout = nn.Dropout(dropout)
        self.size: int = hidden * len(shapes)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Of all cameras, side by side."""
        seen = [glance(f) for glance, f in zip(self.glances, features, strict=True)]
        out: Tensor = self.dropout(torch.cat(seen, dim=-1))
        return out


class Head(nn.Module):
    """Features of all cameras to the logits of classes."""

    def __init__(self, make: Make, shapes: Sequence[Shape], dropout: float) -> None:
        super().__init__()
        kind = Glances if make.model == "cnn" else Places
        self.look: Glances | Places = kind(shapes, make.hidden, dropout)
        self.tell = nn.Sequential(
            nn.Linear(self.look.size, make.hidden),
            nn.LayerNorm(make.hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(make.hidden, len(make.classes)),
        )

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Shape (B, classes)."""
        out: Tensor = self.tell(self.look(features))
        return out


class Network(nn.Module):
    """Views to the logits of classes.

    A frozen encoder's features are rounded to bfloat16, as a policy keeps them, so that either may have the other's.
    Several heads, each of which has learned from other episodes, are asked for the mean of their log-probabilities: of
    what none of them has seen they seldom all think the same.
    """

    def __init__(self, make: Make, encoders: nn.ModuleList, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoders = encoders
        self.frozen = make.encoder in FROZEN
        """Whether the encoders stay as they are."""
        self.cameras = tuple(view.name for view in make.views)
        shapes = [feature_shape(make.encoder, view.height, view.width) for view in make.views]
        self.heads = nn.ModuleList(Head(make, shapes, dropout) for _ in range(make.heads))

    @property
    def device(self) -> torch.device:
        """What it computes on."""
        return next(self.parameters()).device

    def features(self, camera: int, views: Tensor) -> Tensor:
        """Of one camera's views, uint8 (B, H, W, 3): (B, C, h, w)."""
        features: Tensor = self.encoders[camera](views)
        return features.bfloat16() if self.frozen else features

    def encode(self, views: Sequence[Tensor]) -> Pictures:
        """Of all cameras' views."""
        return tuple(self.features(camera, view) for camera, view in enumerate(views))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Logits (B, classes) of the features of all cameras."""
        told = torch.stack([head(features).float().log_softmax(-1) for head in self.heads])
        return told.mean(dim=0)

    def tensors(self) -> dict[str, Tensor]:
        """All weights by name, those of frozen encoders, too."""
        return dict(self._all())

    def _all(self) -> Iterator[tuple[str, Tensor]]:
        yield from self.named_parameters()
        yield from self.named_buffers()


def blank(make: Make, found: Mapping[str, Tensor]) -> Network:
    """A network of that make whose weights are still to be filled in; `found` are its file's."""
    return Network(make, nn.ModuleList(_encoders(make, found)))


def _encoders(make: Make, found: Mapping[str, Tensor]) -> list[nn.Module]:
    if make.encoder == "conv":
        return [Conv() for _ in make.views]
    if make.encoder == "pretrained":
        return [Pretrained(Conv().state_dict(), make.encoder_digest) for _ in make.views]
    grouped = any(name.endswith("stem.gamma") for name in found)
    naming, (depth, _) = HIL_SERL if grouped else HUGGING_FACE, KINDS[make.encoder]
    zeros = {name: torch.zeros(shape) for part in naming.parts(depth) for name, shape in naming.shapes(part)}
    return [ResNet(make.encoder, Path(), (zeros, make.encoder_digest))] * len(make.views)
