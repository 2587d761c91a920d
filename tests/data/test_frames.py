"""Pictures as they are kept on disk."""

import numpy as np
import pytest

from hilrt.data.pictures import decoded, encoded, packed, unpacked
from hilrt.errors import PictureError


@pytest.fixture
def scene():
    """A picture with edges and a gradient, no two channels alike."""
    y, x = np.mgrid[:48, :64]
    return np.stack((4 * x, 5 * y, 255 * (x > y)), axis=2).astype(np.uint8)


def test_png_is_exact(scene):
    """Every pixel and the order of the channels come back."""
    np.testing.assert_array_equal(decoded(encoded(scene, "png")), scene)


def test_jpeg_is_near_and_small():
    """A noisy picture comes back within a few grey levels, in a fraction of the room that PNG takes."""
    rng = np.random.default_rng(0)
    smooth = np.linspace(0, 200, 160)[:, None, None] + np.linspace(0, 40, 3)
    noisy = np.clip(smooth + rng.normal(0, 3, (160, 160, 3)), 0, 255).astype(np.uint8)
    file = encoded(noisy, "jpeg")
    assert np.abs(decoded(file).astype(int) - noisy).mean() < 4
    assert len(file) < len(encoded(noisy, "png")) / 3


def test_a_packed_step_has_each_camera_and_no_gap(features, make_frames):
    """Each camera's pixels come from its own place in the raw frames; bytes between them do not travel."""
    raw = make_frames(1)
    front, wrist = map(decoded, unpacked(packed(raw, features.images, "png")))
    assert front.tobytes() == raw[: 5 * 7 * 3]
    assert wrist.tobytes() == raw[128 : 128 + 8 * 8 * 3]


def test_a_step_without_frames_packs_to_nothing(features):
    """A record without pictures stays without."""
    assert packed(b"", features.images, "png") == b""
    assert unpacked(b"") == ()


@pytest.mark.parametrize("cut", [1, 4, 30, -1])
def test_a_cut_piece_is_refused(cut, features, make_frames):
    """Wherever it is cut, the message says so, and no half picture comes out."""
    whole = packed(make_frames(1), features.images, "png")
    with pytest.raises(PictureError, match="in the middle of one"):
        unpacked(whole[:cut])


@pytest.mark.parametrize("file", [b"", b"no picture at all"])
def test_what_is_no_picture_is_refused(file):
    """Anything but a picture is named as such."""
    with pytest.raises(PictureError, match="no picture"):
        decoded(file)
