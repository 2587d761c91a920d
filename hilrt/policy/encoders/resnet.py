"""Residual networks of ten and eighteen layers (He et al. 2016), frozen: pictures in, feature maps out.

Nothing in them changes, so their tensors are buffers that no `state_dict` has: they are neither trained, published nor
kept with a checkpoint, which has the file's hash instead. Batch normalisation is folded into the convolution before it.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.errors import EncoderWeightsError
from hilrt.policy.encoders.names import (
    HIL_SERL,
    HUGGING_FACE,
    TORCHVISION,
    WIDTHS,
    BlockParts,
    Part,
    naming_of,
)
from hilrt.policy.encoders.weights import read_weights

EPSILON = 1e-5
GROUPS = 4
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, from 0 to 1."""
KINDS = {"resnet10": (1, (HIL_SERL, HUGGING_FACE)), "resnet18": (2, (TORCHVISION, HUGGING_FACE))}
"""Blocks in each stage, and the kinds of file."""

Layer = Callable[[Part], nn.Module]


class Frozen(nn.Module):
    """A module of tensors that stay as they are; a copy of it is itself."""

    def keep(self, **tensors: Tensor) -> None:
        """Have these move between devices with the module; pictures come with their channels last, as these will."""
        for name, tensor in tensors.items():
            layout = torch.channels_last if tensor.dim() == 4 else torch.contiguous_format
            self.register_buffer(name, tensor.float().contiguous(memory_format=layout), persistent=False)

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Frozen":
        return self


class Folded(Frozen):
    """Convolution and batch normalisation in one, with its running statistics."""

    weight: Tensor
    bias: Tensor

    def __init__(self, part: Part, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._stride, self._padding = part.stride, part.kernel // 2
        gamma, beta, mean, variance = (
            tensors[f"{part.norm}.{name}"].double()
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / (variance + EPSILON).sqrt()
        weight = tensors[f"{part.conv}.weight"].double() * scale[:, None, None, None]
        self.keep(weight=weight, bias=beta - scale * mean)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, h, w) to (B, b, h / stride, w / stride)."""
        return F.conv2d(x, self.weight, self.bias, self._stride, self._padding)


class Grouped(Frozen):
    """Convolution and GroupNorm, padded as in JAX (see `pad_same`)."""

    kernel: Tensor
    gamma: Tensor
    beta: Tensor

    def __init__(self, part: Part, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._part = part
        gamma, beta = tensors[f"{part.norm}.weight"], tensors[f"{part.norm}.bias"]
        self.keep(kernel=tensors[f"{part.conv}.weight"], gamma=gamma, beta=beta)

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, h, w) to (B, b, h / stride, w / stride)."""
        size, stride = self._part.kernel, self._part.stride
        if size == 7:  # the stem is padded as everywhere else
            x = F.conv2d(x, self.kernel, None, stride, size // 2)
        else:
            x = F.conv2d(pad_same(x, size, stride), self.kernel, None, stride)
        return F.group_norm(x, GROUPS, self.gamma, self.beta, EPSILON)


def pad_same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Pad as JAX's "SAME": an odd pixel goes below and to the right."""
    pads = [max(0, (math.ceil(n / stride) - 1) * stride + kernel - n) for n in (x.shape[-1], x.shape[-2])]
    sides = [side for pad in pads for side in (pad // 2, pad - pad // 2)]
    return F.pad(x, sides, value=value) if any(sides) else x


class Block(Frozen):
    """Two convolutions, and a way around them."""

    def __init__(self, parts: BlockParts, layer: Layer) -> None:
        super().__init__()
        self.first, self.second = layer(parts.first), layer(parts.second)
        self.shortcut = layer(parts.shortcut) if parts.shortcut else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, a, h, w) to (B, b, h / stride, w / stride)."""
        y = self.second(F.relu(self.first(x), inplace=True))
        return F.relu(y.add_(self.shortcut(x)), inplace=True)


class ResNet(Frozen):
    """A frozen encoder: pictures, uint8 (B, H, W, 3) in RGB, to features, float (B, 512, H / 32, W / 32)."""

    mean: Tensor
    std: Tensor
    frozen = True
    channels = WIDTHS[-1]

    def __init__(
        self, kind: str, path: Path, weights: tuple[Mapping[str, Tensor], str] | None = None
    ) -> None:
        """Load `resnet10` or `resnet18` from a file; `digest` is the file's SHA-256.

        `weights`: both, where they have been read before.

        Raises:
            EncoderWeightsError: there is no such file, it cannot be read, or it is of another network.
        """
        super().__init__()
        tensors, self.digest = weights or read_weights(path, kind)
        tensors = {name.removeprefix("resnet."): tensor for name, tensor in tensors.items()}
        depth, candidates = KINDS[kind]
        naming = naming_of(tensors, candidates)
        if words := naming.misfit(tensors, depth):
            raise EncoderWeightsError(kind, str(path), f"is of another network: {words}")
        layer = partial(Grouped if naming.grouped else Folded, tensors=tensors)
        self._grouped = naming.grouped
        self.stem = layer(next(naming.parts(depth)))
        self.blocks = nn.Sequential(*(Block(parts, layer) for parts in naming.blocks(depth)))
        self.keep(
            mean=255.0 * torch.tensor(MEAN)[:, None, None], std=255.0 * torch.tensor(STD)[:, None, None]
        )

    def forward(self, views: Tensor) -> Tensor:
        """Features of pictures."""
        x = (views.permute(0, 3, 1, 2).float() - self.mean) / self.std
        x = F.relu(self.stem(x), inplace=True)
        x = F.max_pool2d(pad_same(x, 3, 2, -math.inf), 3, 2) if self._grouped else F.max_pool2d(x, 3, 2, 1)
        out: Tensor = self.blocks(x)
        return out
