"""Going down a loss, and following: what every part of the learner does with its parameters."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

GRADIENT_NORM = 10.0


class Descent:
    """Adam on some parameters, gradient norm clipped at 10; nothing else gets a gradient."""

    def __init__(self, parameters: Iterable[nn.Parameter], rate: float) -> None:
        self.parameters = list(parameters)
        on_gpu = self.parameters[0].is_cuda
        self.adam = torch.optim.Adam(self.parameters, lr=rate, fused=True, capturable=on_gpu)

    def step(self, loss: Tensor) -> Tensor:
        """Go one step down; returns the gradient's norm before clipping."""
        with torch.autocast(loss.device.type, enabled=False):  # gradients have the types of what they are of
            gradients = torch.autograd.grad(loss, self.parameters)
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        norm = nn.utils.clip_grad_norm_(self.parameters, GRADIENT_NORM, foreach=True)
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
