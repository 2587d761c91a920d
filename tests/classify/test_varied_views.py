"""Views in other lights: how far they are changed, and that what is in them stays."""

import pytest
import torch
from torch import Tensor

from hilrt.classify.augment import BRIGHTNESS, COLOUR, CONTRAST, varied

DARK, BRIGHT = 80, 120
DRAWN = 400


def halves() -> tuple[Tensor, Tensor]:
    """Of many varied views of the same picture its dark and its bright half, (B, 3) each."""
    views = torch.full((DRAWN, 8, 8, 3), DARK, dtype=torch.uint8)
    views[:, 4:] = BRIGHT
    seen = varied(views, 0, torch.Generator().manual_seed(0)).float()
    return seen[:, :4].mean((1, 2)), seen[:, 4:].mean((1, 2))


def uses(found: Tensor, low: float, high: float, rounding: float) -> None:
    """All lie in the range, and its ends are come close to."""
    near = (high - low) / 20
    assert low - rounding <= float(found.min()) <= low + near
    assert high - near <= float(found.max()) <= high + rounding


def test_contrast_uses_its_range() -> None:
    """About the picture's own mean, in all colours alike."""
    dark, bright = halves()
    contrast = (bright - dark) / (bright + dark) * (BRIGHT + DARK) / (BRIGHT - DARK)
    uses(contrast.mean(1), *CONTRAST, rounding=0.02)
    assert (contrast.max(1).values - contrast.min(1).values).max() < 0.1, "which is what rounding makes of it"


def test_colours_use_their_range() -> None:
    """Each by itself: the furthest that two are apart is the one at its least, the other at its most."""
    dark, bright = halves()
    red, green, blue = ((dark + bright) / (DARK + BRIGHT)).unbind(1)
    low, high = COLOUR
    for one, other in ((red, green), (green, blue), (blue, red)):
        share = one / other
        assert low / high - 0.02 <= share.min() < 0.86
        assert 1.16 < share.max() <= high / low + 0.02


def test_brightness_uses_its_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the whole picture, all colours alike."""
    monkeypatch.setattr("hilrt.classify.augment.COLOUR", (1.0, 1.0))
    dark, bright = halves()
    light = (dark + bright) / (DARK + BRIGHT)
    uses(light.mean(1), *BRIGHTNESS, rounding=0.01)
    assert (light.max(1).values - light.min(1).values).max() == 0


def test_other_lights_keep_what_is_in_the_picture() -> None:
    """Means spread over the range that is promised, and dark stays darker than bright."""
    views = torch.full((400, 8, 8, 3), 60, dtype=torch.uint8)
    views[:, 2:6, 2:6] = 140
    seen = varied(views, 1, torch.Generator().manual_seed(0)).float()
    share = seen.mean((1, 2, 3)) / views.float().mean((1, 2, 3))
    assert 0.6 < share.min() < 0.75
    assert 1.25 < share.max() < 1.45
    assert (seen[:, 3:5, 3:5].mean((1, 2, 3)) > seen[:, 0].mean((1, 2))).all()
