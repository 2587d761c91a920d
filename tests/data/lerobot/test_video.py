"""Pictures in a video file."""

import os
from pathlib import Path

import numpy as np
import pytest
from mutations import on_disk, survey

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


def test_damaged_film_is_refused_or_what_it_was(film):
    """Whatever happens to a video, it is refused by name, but where only the box with its digest is hurt."""

    def read():
        looked_at(film)
        with FilmReader(film, 0.0, 10) as reader:
            return [reader.picture(index).tobytes() for index in range(3)]

    assert survey(film.read_bytes(), on_disk(film, read), DatasetDamagedError).refused


def test_a_film_of_another_program_has_no_digest(film):
    """What follows is decoded as it is; of one that it has joined or cut, too."""
    foreign = film.with_name("foreign.mp4")
    foreign.write_bytes(film.read_bytes()[:-24])
    assert looked_at(foreign) == looked_at(film)
    with FilmReader(foreign, 0.0, 10) as theirs, FilmReader(film, 0.0, 10) as ours:
        assert (theirs.picture(2) == ours.picture(2)).all()


def test_a_disk_that_fails_is_named(tmp_path):
    """A video that opens well and then cannot be read, at its beginning or behind it, is an error of its file."""
    broken, film = tmp_path / "broken.mp4", tmp_path / "film.mp4"
    broken.symlink_to("/proc/self/mem")  # of which no process can read the first page
    with pytest.raises(DatasetDamagedError, match=r"broken.mp4 is damaged: no video: .*Input/output error"):
        FilmReader(broken, 0.0, 10)
    noise = np.random.default_rng(0).integers(0, 256, (40, 96, 128, 3), np.uint8)
    with Film(film, 10) as writer:
        for picture in noise:
            writer.add(picture)
    with FilmReader(film, 0.0, 10) as reader, broken.open("rb") as other:
        (fd,) = (fd for fd in Path("/proc/self/fd").iterdir() if fd.exists() and fd.resolve() == film)
        os.dup2(other.fileno(), int(fd.name))
        with pytest.raises(DatasetDamagedError, match=r"film.mp4 is damaged: picture 20: "):
            reader.picture(20)
