"""Two cubes, of which one is meant."""

from pathlib import Path

import numpy as np
import pytest
from drive import Driver, attempt

from hilrt.config import TWO_APART, Area, taskfile
from hilrt.errors import ConfigError
from hilrt.sim.expert import Expert
from hilrt.sim.layout import bases
from hilrt.sim.patch import CENTRE, Patch
from hilrt.sim.thing import Thing
from hilrt.sim.world import World

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"
TOUCHED = 1e-3  # [m]


@pytest.fixture(scope="module")
def world():
    """Two cubes before one arm."""
    with World("pick_of_two", 0) as world:
        yield world


@pytest.mark.parametrize(("arms", "scale"), [(1, 1.0), (2, 1.0), (1, 1.3)])
def test_both_lie_in_one_patch_and_apart(arms, scale):
    """Wherever they are drawn, the gripper has room between them; and neither moves by itself."""
    with World("pick_of_two", 0, arms, patch=Patch(0.12), thing=Thing(scale=scale)) as world:
        found = []
        for seed in range(30):
            world.place(seed)
            pair = np.stack((world.object_pose()[:2], world.other_position()[:2]))
            base = min(bases(arms)[:, :2], key=lambda base: np.linalg.norm(pair[0] - base - CENTRE))
            assert np.abs(pair - base - CENTRE).max() <= 0.06
            assert np.linalg.norm(pair[0] - pair[1]) >= TWO_APART * scale
            found.append(pair)
        assert np.ptp(found, axis=0).min() > 0.08
        world.step(1.0)
        np.testing.assert_allclose(world.other_position(), [*pair[1], 0.0125 * scale], atol=TOUCHED)


def test_she_takes_the_one_that_is_meant_and_leaves_the_other(world):
    """With slips and all, the scripted person lifts the meant cube, and hardly ever touches the other."""
    driver, expert = Driver(world), Expert("pick_of_two", 10)
    done = untouched = 0
    for seed in range(10):
        driver.go_home(seed)
        before = world.other_position()
        done += attempt(driver, expert, noise=0.1, seed=seed).success
        untouched += bool(np.linalg.norm(world.other_position() - before) < TOUCHED)
    assert done >= 9
    assert untouched >= 9


def test_lifting_the_other_is_no_success(world):
    """Held at the height at which the meant one would be a success, for two seconds, it is none."""
    driver, expert = Driver(world), Expert("pick_of_two", 10)
    driver.go_home(1)
    while world.other_position()[2] < 0.0125 + 0.055:
        delta, gripper = expert.act(driver.ee, driver.opening, world.other_position())
        driver.act(delta, gripper)
    world.step(2.0)
    assert world.other_position()[2] > 0.0125 + 0.05
    assert not world.success()


def test_the_meant_one_is_not_nudged_into_the_other():
    """As far as it goes, a push leaves the other cube where it is."""
    with World("pick_of_two", 0, thing=Thing(nudge=0.04, nudged_s=(0.1, 0.2))) as world:
        for seed in range(12):
            world.place(seed)
            pair = world.object_pose()[:3], world.other_position()
            world.step(1.0)
            assert np.linalg.norm(world.object_pose()[:3] - pair[0]) > 0.03
            assert np.linalg.norm(world.other_position() - pair[1]) < TOUCHED


def test_a_patch_has_room_for_two():
    """One that is narrower than the cubes are apart is refused."""
    with pytest.raises(ConfigError, match=r"sim.patch_m: is 0.05; two cubes that lie 0.07 m apart"):
        taskfile.load(SIM, ["env.task=pick_of_two", "sim.patch_m=0.05"])


@pytest.mark.parametrize("scale", [1.05, 1.2, 1.234])
def test_as_much_as_is_told_suffices(scale):
    """Whoever takes the least that the message names is not refused again."""
    task = ["env.task=pick_of_two", f"sim.object_scale={scale}"]
    with pytest.raises(ConfigError) as refused:
        taskfile.load(SIM, [*task, "sim.patch_m=0.05"])
    least = str(refused.value).split("that lie ")[1].split(" m apart")[0]
    taskfile.load(SIM, [*task, f"sim.patch_m={least}"])


def test_a_cell_that_leaves_no_room_for_two_ends_nothing(caplog):
    """In the middle of a patch no wider than they are apart the second would be nowhere: they go elsewhere in it."""
    middle = Area(min=(0.215, -0.005), max=(0.225, 0.005))
    with World("pick_of_two", 0, patch=Patch(TWO_APART)) as world:
        world.place(1, middle)
        pair = world.object_pose()[:3], world.other_position()
    assert np.linalg.norm(pair[0] - pair[1]) >= TWO_APART
    assert np.abs(pair[0][:2] - CENTRE).max() <= TWO_APART / 2
    assert "This time it goes anywhere in the patch." in caplog.text
