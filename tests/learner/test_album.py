"""Pictures in the replay: what is put is drawn, memory is told, and too much is refused."""

import numpy as np
import pytest
import torch

from hilrt.errors import ReplayMemoryError
from hilrt.learner.album import Album
from hilrt.policy.vision import Plane, Sight

CPU = torch.device("cpu")
VIEWS = Sight((Plane("front", "view", (4, 6, 3), 0), Plane("wrist", "view", (2, 2, 3), 128)))
FEATURES = Sight((Plane("front", "features", (5, 2, 2), 0),), 3)


def test_rows_are_drawn_as_they_were_put() -> None:
    """Each row's pictures, whatever the order and however often, also after the album has grown."""
    album, rng = Album(VIEWS, 6, 2, CPU), np.random.default_rng(0)
    put = [
        tuple(torch.from_numpy(rng.integers(256, size=shape, dtype=np.uint8)) for shape in VIEWS.kept)
        for _ in range(12)
    ]
    for row in range(8):
        album.put(row, put[row])
    album.grow(4)
    for row in range(8, 12):
        album.put(row, put[row])
    rows = np.array([3, 11, 0, 3, 9])
    for camera, drawn in enumerate(album.draw(rows, None)):
        assert drawn.dtype == torch.uint8
        assert torch.equal(drawn, torch.stack([put[row][camera] for row in rows]))


def test_the_wanted_variant_is_drawn() -> None:
    """Features are kept in bfloat16, in as many versions as told."""
    album = Album(FEATURES, 4, 1, CPU)
    for row in range(5):
        album.put(row, (torch.arange(3)[:, None, None, None] + 10.0 * row + torch.zeros(3, 5, 2, 2),))
    (drawn,) = album.draw(np.array([4, 0, 2]), np.array([1, 2, 0]))
    assert drawn.dtype == torch.bfloat16
    assert drawn[:, 0, 0, 0].tolist() == [41.0, 2.0, 20.0]


def test_memory_is_told_before_anything_is_learned() -> None:
    """Steps and bytes, of online rows and demonstrations."""
    kept = Sight((Plane("front", "view", (128, 128, 3), 0), Plane("wrist", "view", (128, 128, 3), 1)))
    assert str(Album(kept, 1000, 100, CPU)) == (
        "pictures: online 1,000 steps = 98.3 MB, demonstrations 100 steps = 9.8 MB, on cpu"
    )


def test_what_cannot_fit_is_refused_with_what_would() -> None:
    """A capacity beyond the machine's memory ends before the first step, and the message has one that fits."""
    with pytest.raises(
        ReplayMemoryError, match=r"online 1,000,000,000 steps = .* GB.*online_buffer_capacity to "
    ) as e:
        Album(VIEWS, 1_000_000_000, 10, CPU)
    fitting = int(str(e.value).split("capacity to ")[1].split(" ")[0].replace(",", ""))
    Album(VIEWS, fitting // 2, 10, CPU)
