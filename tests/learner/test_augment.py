"""Random shifts and jitter."""

import pytest
import torch

from hilrt.learner.augment import BRIGHTNESS, COLOUR, CONTRAST, augmented, shifted

GREY = torch.full((500, 8, 8, 3), 100, dtype=torch.uint8)


def test_a_shift_moves_the_picture_and_repeats_its_edges() -> None:
    """Each result is the picture seen through a window moved by whole pixels, the same for all colours."""
    torch.manual_seed(0)
    views = torch.randint(256, (40, 9, 12, 3), dtype=torch.uint8)
    moves = set()
    padded = torch.nn.functional.pad(views.permute(0, 3, 1, 2).float(), (2,) * 4, mode="replicate").to(
        torch.uint8
    )
    windows = {
        (y, x): padded[:, :, y : y + 9, x : x + 12].permute(0, 2, 3, 1) for y in range(5) for x in range(5)
    }
    for i, view in enumerate(shifted(views, 2)):
        fitting = [move for move, window in windows.items() if torch.equal(window[i], view)]
        assert len(fitting) == 1
        moves.add(fitting[0])
    assert len(moves) > 10


def test_same_generator_same_shifts() -> None:
    """Chance comes from the generator alone, so that a run can be resumed."""
    views = torch.randint(256, (8, 9, 12, 3), dtype=torch.uint8)
    one, other = (shifted(views, 2, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, other)


def test_without_jitter_views_are_only_shifted() -> None:
    """To the bit, and chance goes on from where shifts alone leave it: a run of before learns as it did."""
    views = torch.randint(256, (8, 9, 12, 3), dtype=torch.uint8)
    one, other = (torch.Generator().manual_seed(3) for _ in range(2))
    assert torch.equal(augmented(views, 2, 0.0, one), shifted(views, 2, other))
    assert torch.equal(one.get_state(), other.get_state())


@pytest.mark.parametrize("jitter", [1.0, 0.5])
def test_jitter_is_as_strong_as_told(jitter: float) -> None:
    """Brightness and colours use their ranges, each view its own; on average they are as they were."""
    seen = augmented(GREY, 4, jitter, torch.Generator().manual_seed(0)).float() / 100
    assert (seen == seen[:, :1, :1]).all(), "a grey picture has no contrast"
    light = seen[:, 0, 0].mean(dim=1)
    furthest = (1 + BRIGHTNESS * jitter) * (1 + COLOUR * jitter)
    assert 1 + 0.9 * BRIGHTNESS * jitter < light.max() <= furthest + 0.005
    assert 2 - furthest - 0.005 <= light.min() < 1 - 0.9 * BRIGHTNESS * jitter
    assert abs(light.mean() - 1) < 0.05
    red_to_blue = seen[:, 0, 0, 0] / seen[:, 0, 0, 2]
    most = (1 + COLOUR * jitter) / (1 - COLOUR * jitter)
    assert 0.85 * most < red_to_blue.max() <= most + 0.04


def test_jitter_changes_contrast_about_the_mean() -> None:
    """What is brighter than the rest stays so, by more or by less."""
    views = GREY.clone()
    views[:, :, 4:] = 140
    seen = augmented(views, 0, 1.0, torch.Generator().manual_seed(0)).float()
    left, right = seen[:, :, 0].mean((1, 2)), seen[:, :, -1].mean((1, 2))
    contrast = (right - left) / (right + left) * (240 / 40)
    assert 1 - CONTRAST - 0.05 < contrast.min() < 1 - 0.9 * CONTRAST
    assert 1 + 0.9 * CONTRAST < contrast.max() < 1 + CONTRAST + 0.05


def test_jitter_stays_within_a_byte() -> None:
    """White that is made brighter is white; no number wraps round."""
    white = torch.full((200, 4, 4, 3), 255, dtype=torch.uint8)
    seen = augmented(white, 0, 1.0, torch.Generator().manual_seed(0))
    assert seen.dtype == torch.uint8
    assert (seen == 255).all(dim=(1, 2, 3)).float().mean() > 0.2
    assert seen.min() > 255 * (1 - BRIGHTNESS) * (1 - COLOUR) - 1
