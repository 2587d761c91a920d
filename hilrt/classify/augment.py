"""Views as the camera could have shown them: in another light, with other colours, from a slightly other place."""

import torch
from torch import Tensor

from hilrt.learner.augment import shifted

BRIGHTNESS = (0.7, 1.3)
CONTRAST = (0.8, 1.25)
"""About the view's own mean."""
COLOUR = (0.9, 1.1)
"""Of each of red, green and blue by itself."""


def varied(views: Tensor, shift: int, generator: torch.Generator) -> Tensor:
    """Views, uint8 (B, H, W, 3), each changed at random and moved by up to `shift` pixels."""
    count, device = len(views), views.device

    def drawn(between: tuple[float, float], channels: int = 1) -> Tensor:
        low, high = between
        share = torch.rand(count, 1, 1, channels, generator=generator, device=device)
        return low + (high - low) * share

    x = shifted(views, shift, generator).float()
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - mean) * drawn(CONTRAST) + mean
    return (x * drawn(BRIGHTNESS) * drawn(COLOUR, 3)).round().clamp(0.0, 255.0).to(torch.uint8)
