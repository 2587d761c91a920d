"""Random shifts of pictures: what a camera that was knocked a little would have seen (Yarats et al. 2021)."""

import torch
from torch import Tensor


def shifted(views: Tensor, shift: int, generator: torch.Generator | None = None) -> Tensor:
    """Views (B, H, W, 3), each moved by up to `shift` pixels along both axes, its edges repeated."""
    count, height, width = views.shape[:3]
    device = views.device
    by = torch.randint(-shift, shift + 1, (2, count, 1), generator=generator, device=device)
    rows = (torch.arange(height, device=device) + by[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=device) + by[1]).clamp(0, width - 1)
    each = torch.arange(count, device=device)[:, None, None]
    return views[each, rows[:, :, None], columns[:, None, :]]
