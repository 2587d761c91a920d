"""Random shifts."""

import torch

from hilrt.learner.augment import shifted


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
