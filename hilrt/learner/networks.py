"""The critics, stacked: one batched matrix product per layer for all of them; and the slow copies."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.policy.trunk import Trunk


class StackedLinear(nn.Module):
    """E independent linear layers: (E, B, a) to (E, B, b)."""

    def __init__(self, count: int, a: int, b: int) -> None:
        super().__init__()
        bound = a**-0.5
        self.weight = nn.Parameter(torch.empty(count, a, b).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(count, 1, b).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Apply each layer to its own slice."""
        return torch.baddbmm(self.bias, x, self.weight)


class StackedHead(StackedLinear):
    """The last of them: see `hilrt.policy.actor.Head`."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply each layer to its own slice, in float32."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class StackedNorm(nn.Module):
    """LayerNorm over the last axis; its affine map is left to the linear layers around it, which saves a tenth."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each row."""
        return F.layer_norm(x, x.shape[-1:])


class Critics(nn.Module):
    """Ensemble of E critics of two hidden layers with LayerNorm: latent (B, k) and action (B, d) to Q (E, B)."""

    def __init__(self, count: int, latent: int, action: int, hidden: int) -> None:
        super().__init__()
        self.count = count
        self.net = nn.Sequential(
            StackedLinear(count, latent + action, hidden),
            StackedNorm(),
            nn.ReLU(),
            StackedLinear(count, hidden, hidden),
            StackedNorm(),
            nn.ReLU(),
            StackedHead(count, hidden, 1),
        )

    def forward(self, latent: Tensor, action: Tensor) -> Tensor:
        """Q of every critic for every row."""
        x = torch.cat((latent, action), dim=-1).expand(self.count, -1, -1)
        out: Tensor = self.net(x)
        return out.squeeze(-1)


class Target(nn.Module):
    """Slow copies of critics and trunk, to bootstrap from."""

    def __init__(self, trunk: Trunk, critics: Critics) -> None:
        super().__init__()
        self.trunk = copy.deepcopy(trunk)
        self.critics = copy.deepcopy(critics)
        self.requires_grad_(False)
