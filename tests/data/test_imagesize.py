"""The size of a picture by its file's first bytes."""

import struct

import cv2
import numpy as np
import pytest

from hilrt.data.imagesize import size_of
from hilrt.data.pictures import decoded
from hilrt.errors import PictureError

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
OPTIONS = {
    "png": [],
    "bmp": [],
    "jpg": [],
    "progressive jpg": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "jpg with restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
}


def file_of(kind):
    """The picture as such a file."""
    return cv2.imencode(f".{kind.split()[-1] if 'with' not in kind else 'jpg'}", PICTURE, OPTIONS[kind])[
        1
    ].tobytes()


@pytest.mark.parametrize("kind", OPTIONS)
def test_size_is_what_the_picture_has(kind):
    """Width and height, whatever stands before them."""
    assert size_of(file_of(kind)) == (64, 48)


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_cut_or_damaged_file_has_none_or_some(kind):
    """Wherever it is cut, and whatever byte of its head is wrong, there is an answer and no exception."""
    whole = file_of(kind)
    for end in range(min(len(whole), 700)):
        assert size_of(whole[:end]) in {None, (64, 48)}
    for at in range(min(len(whole), 700)):
        size_of(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])


def enlarged(kind):
    """The file of a picture whose head says 60000 x 60000."""
    file = bytearray(file_of(kind))
    if kind == "png":
        struct.pack_into(">II", file, 16, 60_000, 60_000)
    else:
        at = file.index(struct.pack(">HH", 48, 64))
        struct.pack_into(">HH", file, at, 60_000, 60_000)
    return bytes(file)


@pytest.mark.parametrize("kind", ["png", "jpg", "progressive jpg"])
def test_a_picture_that_no_memory_holds_is_not_decoded(kind):
    """A head that announces gigabytes is an error that says how much, before any of it is asked for."""
    with pytest.raises(PictureError, match="60000x60000 pixels in a file of"):
        decoded(enlarged(kind))


def test_a_head_alone_is_no_picture():
    """74 bytes that announce a picture are none."""
    with pytest.raises(PictureError, match="60000x60000 pixels in a file of 74 bytes"):
        decoded(enlarged("png")[:74])
    with pytest.raises(PictureError, match="no picture"):
        decoded(file_of("png")[:74])


def test_other_formats_are_not_taken():
    """What is neither PNG, JPEG nor BMP is not even looked at."""
    with pytest.raises(PictureError, match="no picture"):
        decoded(cv2.imencode(".webp", PICTURE)[1].tobytes())
