"""The small convolutional encoder: trained with the policy (`Conv`), or beforehand and then frozen (`Pretrained`)."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.policy.encoders.resnet import Frozen

WIDTHS = (16, 32, 64, 128)
"""Channels of each layer; every layer halves height and width."""
KERNELS = (5, 3, 3, 3)


class Conv(nn.Module):
    """Pictures, uint8 (B, H, W, 3), to features, float (B, 128, H / 16, W / 16)."""

    frozen = False
    channels = WIDTHS[-1]
    digest = ""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *WIDTHS[:-1])
        layers: list[nn.Module] = []
        for a, b, kernel in zip(inputs, WIDTHS, KERNELS, strict=True):
            layer = nn.Conv2d(a, b, kernel, stride=2, padding=kernel // 2)
            nn.init.kaiming_normal_(
                layer.weight, nonlinearity="relu"
            )  # else signals fade from layer to layer
            layers += [layer, nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, views: Tensor) -> Tensor:
        """Features of pictures."""
        out: Tensor = self.layers(_centred(views))
        return out


class Pretrained(Frozen):
    """The same with weights that stay as they are; `digest` is their file's SHA-256."""

    frozen = True
    channels = WIDTHS[-1]

    def __init__(
        self, tensors: Mapping[str, Tensor], digest: str, glance: Mapping[str, Tensor] | None = None
    ) -> None:
        """`tensors`: the `state_dict` of a `Conv`; `glance`: that of a `Glance` which was trained on top of it."""
        super().__init__()
        self.digest = digest
        self.glance = dict(glance or {})
        self._numbers = range(0, 2 * len(WIDTHS), 2)  # a ReLU follows each
        for i in self._numbers:
            weight, bias = tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]
            self.keep(**{f"weight{i}": weight, f"bias{i}": bias})

    def forward(self, views: Tensor) -> Tensor:
        """Features of pictures."""
        x = _centred(views)
        for i in self._numbers:
            weight, bias = self.get_buffer(f"weight{i}"), self.get_buffer(f"bias{i}")
            x = F.relu(F.conv2d(x, weight, bias, stride=2, padding=weight.shape[-1] // 2))
        return x


def _centred(views: Tensor) -> Tensor:
    """(B, 3, H, W) from -0.5 to 0.5."""
    return views.permute(0, 3, 1, 2).float() / 255.0 - 0.5
