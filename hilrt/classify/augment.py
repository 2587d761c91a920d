"""Views as the camera could have shown them: in another light, with other colours, from a slightly other place."""

import torch
from torch import Tensor

from hilrt.learner.augment import relit, shifted

BRIGHTNESS = (0.7, 1.3)
CONTRAST = (0.8, 1.25)
COLOUR = (0.9, 1.1)


def varied(views: Tensor, shift: int, generator: torch.Generator) -> Tensor:
    """Views, uint8 (B, H, W, 3), each changed at random and moved by up to `shift` pixels."""
    return relit(shifted(views, shift, generator), BRIGHTNESS, CONTRAST, COLOUR, generator)
