"""Pictures in a video file."""

import numpy as np
import pytest

from hilrt.data.lerobot import video
from hilrt.data.lerobot.video import Film, FilmReader, looked_at
from hilrt.errors import DatasetDamagedError


@pytest.fixture
def film(tmp_path):
    """Three pictures, brighter and brighter."""
    path = tmp_path / "film.mp4"
    with Film(path, 10) as film:
        for number in range(3):
            film.add(np.full((48, 64, 3), 50 + 50 * number, np.uint8))
    return path


def test_pictures_come_back_by_number(film):
    """In any order."""
    with FilmReader(film, 0.0, 10) as reader:
        means = [reader.picture(index).mean() for index in (2, 0, 1)]
    assert means == pytest.approx([150, 50, 100], abs=4)
    assert looked_at(film) == (pytest.approx([0.0, 0.1, 0.2]), (48, 64))


def test_a_film_larger_than_any_picture_is_not_decoded(film, monkeypatch):
    """Libav is told how many pixels may be asked for; here fewer than it has."""
    monkeypatch.setitem(video.LIMITS, "max_pixels", "1000")
    with FilmReader(film, 0.0, 10) as reader, pytest.raises(DatasetDamagedError, match="max_pixels"):
        reader.picture(0)
    with pytest.raises(DatasetDamagedError, match="max_pixels"):
        looked_at(film)
