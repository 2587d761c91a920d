"""Going down a loss, and following: what every part of the learner does with its parameters."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class Descent:
    """Adam on those parameters that want a gradient, its norm clipped; nothing else gets one."""

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float, norm: float = 10.0) -> None:
        self.norm = norm
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        on_gpu = self.parameters[0].is_cuda
        self.adam = torch.optim.Adam(self.parameters, lr=rate, fused=True, capturable=on_gpu)

    def step(self, loss: Tensor) -> Tensor:
        """Go one step down; returns the gradient's norm before clipping."""
        with torch.autocast(loss.device.type, enabled=False):  # gradients have the types of what they are of
            gradients = torch.autograd.grad(loss, self.parameters)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        norm = nn.utils.clip_grad_norm_(self.parameters, self.norm, foreach=True)
        self.adam.step()
        return norm


@torch.no_grad()
def follow(target: nn.Module, source: nn.Module, tau: float) -> None:
    """Move a slow copy by `tau` of the way; buffers too."""
    for slow, fast in zip(target.state_dict().values(), source.state_dict().values(), strict=True):
        slow.lerp_(fast, tau)


def mean_over(rows: Tensor, values: Tensor) -> Tensor:
    """Mean of values weighted by rows (0 or 1); 0 where there are none."""
    return (rows * values).sum() / rows.sum().clamp(min=1.0)
