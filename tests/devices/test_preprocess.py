"""Crop and resize, against results worked out by hand."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hilrt
from hilrt.config.processor import ImagePreprocessing
from hilrt.devices.preprocess import Preprocess
from hilrt.shm.pictures import Frame
from hilrt.step.features import Features, Image


def preprocess(height, width, **crops):
    """To views of that size, for cameras `front` and `wrist`."""
    views = tuple(Image(name, height, width, 0) for name in ("front", "wrist"))
    features = Features(10, ("",), (), ("dx",), (), (), views)
    return Preprocess(ImagePreprocessing(crop_params_dict=crops, resize_size=(height, width)), features)


def grey(rows):
    """A picture whose colours are v, v + 1 and v + 2."""
    return (np.array(rows)[..., None] + np.arange(3)).astype(np.uint8)


BLOCKS = grey([[0, 20, 100, 120], [40, 60, 140, 160], [200, 200, 10, 30], [200, 200, 50, 70]])
"""4x4, of 2x2 blocks whose means are 30, 130, 200 and 40; of all: 100."""


def test_pixels_are_averaged_by_area():
    """Halved, each pixel is the mean of four; halved again, of sixteen; colours do not mix."""
    np.testing.assert_array_equal(preprocess(2, 2).apply("front", BLOCKS), grey([[30, 130], [200, 40]]))
    np.testing.assert_array_equal(preprocess(1, 1).apply("front", BLOCKS), grey([[100]]))


def test_height_comes_before_width():
    """Sizes are (height, width): 4x8 becomes 2x4, and 8x4 becomes 4x2."""
    wide = np.hstack([BLOCKS, BLOCKS])
    np.testing.assert_array_equal(
        preprocess(2, 4).apply("front", wide), grey([[30, 130, 30, 130], [200, 40, 200, 40]])
    )
    tall = np.vstack([BLOCKS, BLOCKS])
    np.testing.assert_array_equal(
        preprocess(4, 2).apply("front", tall), grey([[30, 130], [200, 40], [30, 130], [200, 40]])
    )


def test_crop_is_top_left_height_width():
    """Only the named part is kept, before the resize, and a camera that is not named is not cropped."""
    image = np.full((10, 12, 3), 255, np.uint8)
    image[3:7, 5:9] = BLOCKS
    cropped = preprocess(2, 2, front=(3, 5, 4, 4))
    np.testing.assert_array_equal(cropped.apply("front", image), grey([[30, 130], [200, 40]]))
    assert (cropped.apply("wrist", image) != cropped.apply("front", image)).any()
    whole = preprocess(4, 4, front=(3, 5, 4, 4))
    np.testing.assert_array_equal(whole.apply("front", image), BLOCKS)


def test_views_lie_in_one_piece():
    """Whatever was done, a view's bytes can be taken as they lie."""
    image = np.zeros((20, 30, 3), np.uint8)
    for height, width, crop in ((8, 8, (1, 2, 8, 8)), (4, 4, (1, 2, 9, 9)), (5, 7, (0, 0, 20, 30))):
        view = preprocess(height, width, front=crop).apply("front", image)
        assert (view.shape, view.dtype) == ((height, width, 3), np.uint8)
        assert view.flags.c_contiguous


def test_nothing_to_do_gives_the_frame_itself():
    """A frame of the right size that is not cropped is not copied."""
    assert preprocess(4, 4).apply("front", BLOCKS) is BLOCKS


def test_smaller_frames_are_enlarged():
    """A frame below the size wanted keeps its range and its order."""
    view = preprocess(8, 8).apply("front", grey([[0, 100], [100, 200]]))
    assert view.shape == (8, 8, 3)
    assert (view[0, 0, 0], view[-1, -1, 0]) == (0, 200)
    assert (np.diff(view[:, :, 0].astype(int), axis=1) >= 0).all()


@pytest.mark.parametrize("size", [(480, 640), (400, 400), (399, 401), (200, 640), (1080, 1920)])
def test_any_ratio_is_close_to_the_true_means(size):
    """On a smooth picture each pixel is within a few of the exact area means, odd last rows and columns left out."""
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 256, (12, 16, 3), np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)
    even = image[: size[0] // 2 * 2, : size[1] // 2 * 2]
    true = cv2.resize(even.astype(np.float64), (128, 128), interpolation=cv2.INTER_AREA)
    error = preprocess(128, 128).apply("front", image) - true
    assert abs(error.mean()) < 0.5
    assert np.abs(error).mean() < 1.0
    assert np.abs(error).max() < 12


@given(st.tuples(*4 * [st.integers(1, 40)]), st.integers(0, 255))
def test_plain_pictures_stay_plain(sizes, value):
    """Any size to any other: the right shape, and no value that was not there."""
    height, width, h, w = sizes
    view = preprocess(height, width).apply("front", np.full((h, w, 3), value, np.uint8))
    assert view.shape == (height, width, 3)
    assert (view == value).all()


def test_a_frame_is_resized_once():
    """The same frame gives the same object, copied or not; a newer one, or another camera's, does not."""
    steps = preprocess(2, 2)
    first = steps.view("front", Frame(image=BLOCKS, monotonic_ns=1, sequence=0))
    assert steps.view("front", Frame(image=BLOCKS.copy(), monotonic_ns=1, sequence=0)) is first
    wrist = steps.view("wrist", Frame(image=255 - BLOCKS, monotonic_ns=1, sequence=0))
    assert (wrist != first).all()
    assert steps.view("front", Frame(image=BLOCKS, monotonic_ns=1, sequence=0)) is first
    newer = steps.view("front", Frame(image=255 - BLOCKS, monotonic_ns=2, sequence=1))
    np.testing.assert_array_equal(newer, wrist)
    assert (first == grey([[30, 130], [200, 40]])).all()


def test_opencv_is_loaded_only_for_cameras():
    """Without views cv2 is not imported."""
    code = (
        "import sys\nfrom hilrt.devices.preprocess import Preprocess\n"
        "from hilrt.config.processor import ImagePreprocessing\nfrom hilrt.step.features import Features\n"
        "Preprocess(ImagePreprocessing(), Features(10, ('',), (), (), (), (), ()))\n"
        "sys.exit('cv2' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(hilrt.__file__).parents[1])
