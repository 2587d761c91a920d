"""Pictures of the simulated cameras."""

import numpy as np
import pytest

from hilrt.errors import UnknownNameError
from hilrt.sim.model import CAMERAS
from hilrt.sim.world import World


@pytest.fixture(scope="module")
def world():
    """One world, and so one rendering context, for all."""
    with World("pick_lift", 0) as world:
        yield world


def cube_pixels(picture: np.ndarray) -> np.ndarray:
    """Mask of the pixels that are as red as nothing but the cube."""
    red, green, blue = np.moveaxis(picture.astype(int), 2, 0)
    return (red > 60) & (red > 3 * green) & (red > 3 * blue)


@pytest.mark.parametrize("camera", CAMERAS)
def test_cube_is_seen_anywhere_in_the_patch(world, camera):
    """Each camera sees the cube, from the start pose, wherever it is placed, at the size asked for."""
    for seed in range(6):
        world.place(seed)
        picture = world.render(camera, 96, 128)
        assert picture.shape == (96, 128, 3)
        assert picture.dtype == np.uint8
        assert cube_pixels(picture).sum() >= 10


def test_front_camera_sees_the_cube_before_either_arm():
    """With two arms the front camera sees the cube in both patches, on the side of the arm it lies before."""
    with World("pick_lift", 0, arms=2) as world:
        for seed in range(8):
            world.place(seed)
            columns = np.argwhere(cube_pixels(world.render("front", 96, 128)))[:, 1]
            assert len(columns) >= 10
            assert (columns.mean() > 64) == (world.object_pose()[1] > 0)


def test_cube_pixels_follow_the_cube(world):
    """The front camera sees a cube at larger y further to the right."""
    columns = {}
    for seed in range(6):
        world.place(seed)
        columns[world.object_pose()[1]] = np.argwhere(cube_pixels(world.render("front", 96, 128)))[
            :, 1
        ].mean()
    left, right = columns[min(columns)], columns[max(columns)]
    assert right - left > 10


def test_mirror_shows_the_other_world(world):
    """A mirrored world renders the very picture of the one it mirrors."""
    with World("pick_lift", 1) as copy:
        world.place(5)
        assert (copy.render("front", 96, 128) != world.render("front", 96, 128)).any()
        copy.mirror(world)
        np.testing.assert_array_equal(copy.render("front", 96, 128), world.render("front", 96, 128))


def test_unknown_camera_lists_known(world):
    """A camera that does not exist is refused with the names of those that do."""
    with pytest.raises(UnknownNameError, match="no simulated camera 'top'; there are: front, wrist"):
        world.render("top", 10, 10)


def test_forgotten_world_warns():
    """A world that rendered and was not closed says so; closing twice is fine."""
    world = World("push", 0)
    world.render("front", 8, 8)
    with pytest.warns(ResourceWarning, match="not closed"):
        world.__del__()
    world.close()
    world.close()
