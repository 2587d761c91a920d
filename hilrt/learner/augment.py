"""Pictures as they could have been: from a camera that was knocked a little (Yarats et al. 2021), in another light."""

import torch
from torch import Tensor

BRIGHTNESS, CONTRAST, COLOUR = 0.5, 0.4, 0.2
"""How far from 1 the factors of `relit` are at most, with jitter 1."""

Range = tuple[float, float]


def augmented(views: Tensor, shift: int, jitter: float, generator: torch.Generator) -> Tensor:
    """Views, uint8 (B, H, W, 3), as `policy.shift` and `policy.jitter` have them in training."""
    moved = shifted(views, shift, generator)
    if not jitter:
        return moved

    def around(most: float) -> Range:
        return 1.0 - jitter * most, 1.0 + jitter * most

    return relit(moved, around(BRIGHTNESS), around(CONTRAST), around(COLOUR), generator)


def shifted(views: Tensor, shift: int, generator: torch.Generator | None = None) -> Tensor:
    """Views (B, H, W, 3), each moved by up to `shift` pixels along both axes, its edges repeated."""
    count, height, width = views.shape[:3]
    device = views.device
    by = torch.randint(-shift, shift + 1, (2, count, 1), generator=generator, device=device)
    rows = (torch.arange(height, device=device) + by[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=device) + by[1]).clamp(0, width - 1)
    each = torch.arange(count, device=device)[:, None, None]
    return views[each, rows[:, :, None], columns[:, None, :]]


def relit(
    views: Tensor, brightness: Range, contrast: Range, colour: Range, generator: torch.Generator
) -> Tensor:
    """Views, uint8 (B, H, W, 3), each in another light, by factors drawn evenly from these ranges.

    Args:
        views: as they are.
        brightness: of the whole view.
        contrast: about the view's own mean.
        colour: of each of red, green and blue by itself, as lamps differ.
        generator: on the views' device.
    """
    count, _, width, channels = views.shape

    def drawn(between: Range, numbers: int = 1) -> Tensor:
        low, high = between
        share = torch.rand(count, 1, numbers, generator=generator, device=views.device)
        return low + (high - low) * share

    x = views.flatten(
        2
    ).float()  # by rows of pixels: factors along an axis of three take several times as long
    mean = x.mean(dim=(1, 2), keepdim=True)
    about = drawn(contrast)
    gain = drawn(brightness) * drawn(colour, channels).repeat(1, 1, width)
    x.mul_(about * gain).add_((1.0 - about) * mean * gain)
    return x.round_().clamp_(0.0, 255.0).to(torch.uint8).view_as(views)
