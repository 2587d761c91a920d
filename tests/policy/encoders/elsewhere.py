"""Residual networks as others build them, to compare with and to take weights files from."""

import importlib.util
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

PICTURES = torch.randint(
    0, 256, (3, 128, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)
WIDTHS = (64, 64, 128, 256, 512)


def normalised(pictures: Tensor) -> Tensor:
    """As torchvision's reference transforms give pictures to a network."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return ((pictures / 255.0 - mean) / std).permute(0, 3, 1, 2)


def trained(net: nn.Module) -> nn.Module:
    """With the parameters and statistics of every norm away from their first values."""
    generator = torch.Generator().manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(generator=generator)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    return net.eval()


def torchvision_resnet18() -> nn.Module:
    """The network of torchvision, whose wheel declares no operators beside a CPU-only torch."""
    if not importlib.util.find_spec("torchvision"):
        pytest.skip("torchvision is not installed (pip install -e '.[dev]')")
    try:
        from torchvision.models import resnet18  # noqa: PLC0415
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
        from torchvision.models import resnet18  # noqa: PLC0415
    return trained(resnet18())


def torchvision_features(net: nn.Module, x: Tensor) -> Tensor:
    """What its classifier gets, before the average over the picture."""
    return nn.Sequential(*list(net.children())[:-2])(x)


# --- the Hugging Face `resnet` model: names, and batch normalisation ------------------------------


class HfLayer(nn.Module):
    """Convolution, norm, activation."""

    def __init__(self, a: int, b: int, kernel: int, stride: int, activation: nn.Module) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(a, b, kernel, stride, kernel // 2, bias=False)
        self.normalization = nn.BatchNorm2d(b)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.normalization(self.convolution(x)))


class HfBlock(nn.Module):
    """A basic layer."""

    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        if a != b:
            self.shortcut = HfLayer(a, b, 1, stride, nn.Identity())
        self.layer = nn.Sequential(HfLayer(a, b, 3, stride, nn.ReLU()), HfLayer(b, b, 3, 1, nn.Identity()))

    def forward(self, x: Tensor) -> Tensor:
        around = self.shortcut(x) if hasattr(self, "shortcut") else x
        return (self.layer(x) + around).relu()


def hf_resnet(depth: int) -> nn.Module:
    """Its modules by their names; with a classifier, as hubs have it."""
    net, stages = nn.Module(), []
    net.embedder = nn.Module()
    net.embedder.embedder = HfLayer(3, 64, 7, 2, nn.ReLU())
    for stage, (a, b) in enumerate(pairwise(WIDTHS)):
        layers = [HfBlock(a if i == 0 else b, b, 2 if stage and i == 0 else 1) for i in range(depth)]
        stages.append(nn.Module())
        stages[-1].layers = nn.Sequential(*layers)
    net.encoder = nn.Module()
    net.encoder.stages = nn.ModuleList(stages)
    whole = nn.Module()
    whole.resnet, whole.classifier = net, nn.Sequential(nn.Flatten(), nn.Linear(512, 10))
    return trained(whole)


def hf_features(whole: nn.Module, x: Tensor) -> Tensor:
    """Its last hidden state."""
    x = F.max_pool2d(whole.resnet.embedder.embedder(x), 3, 2, 1)
    for stage in whole.resnet.encoder.stages:
        x = stage.layers(x)
    return x


# --- the reference workflow's resnet10: names, GroupNorm, JAX's padding ---------------------------


class Within(nn.Module):
    """A module that is an attribute of another, for its name."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


def serl_resnet10() -> nn.Module:
    """Its modules by their names."""

    def conv(a: int, b: int, kernel: int, stride: int) -> nn.Module:
        return Within(conv=nn.Conv2d(a, b, kernel, stride, bias=False))

    def norm(b: int) -> nn.Module:
        return Within(group_norm=nn.GroupNorm(4, b, 1e-5))

    stages = []
    for stage, (a, b) in enumerate(pairwise(WIDTHS)):
        stride = 2 if stage else 1
        block = Within(conv1=conv(a, b, 3, stride), norm1=norm(b), conv2=conv(b, b, 3, 1), norm2=norm(b))
        if stage:
            block.shortcut = nn.Sequential(conv(a, b, 1, stride), norm(b))
        stages.append(block)
    net = Within(encoder=Within(stages=nn.ModuleList(stages)))
    net.embedder = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), norm(64))
    return trained(net)


def serl_features(net: nn.Module, x: Tensor) -> Tensor:
    """Of pictures whose sides divide by 32: there JAX's "SAME" puts the one missing pixel below and to the right."""
    x = net.embedder[1].group_norm(net.embedder[0](x)).relu()
    x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-torch.inf), 3, 2)
    for stage, block in enumerate(net.encoder.stages):
        y = block.conv1.conv(F.pad(x, (0, 1, 0, 1) if stage else (1, 1, 1, 1)))
        y = block.conv2.conv(F.pad(block.norm1.group_norm(y).relu(), (1, 1, 1, 1)))
        if stage:
            x = block.shortcut[1].group_norm(block.shortcut[0].conv(x))
        x = (block.norm2.group_norm(y) + x).relu()
    return x
