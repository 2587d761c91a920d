"""Objects of another size and mass, and what befalls them."""

from pathlib import Path

import numpy as np
import pytest
from drive import Driver, attempt, grip_the_cube

from hilrt.config import SimArm, taskfile
from hilrt.errors import ConfigError
from hilrt.jobs.teleoperate import ENDLESS
from hilrt.sim.expert import Expert
from hilrt.sim.patch import CENTRE, Patch
from hilrt.sim.skills import CLOSE
from hilrt.sim.task import CUBE_REST
from hilrt.sim.tasks import TASKS
from hilrt.sim.thing import Thing, thing_of
from hilrt.sim.world import World

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"
NUDGE = Thing(nudge=0.02, nudged_s=(1.0, 2.0))
FAST = 0.05  # [m/s]


def slides(world, seed):
    """Where the object is before and after a push, each shape (3,), and when it set out, of one scene."""
    world.place(seed)
    before, began = world.object_pose()[:3], None
    for tick in range(300):
        world.step(0.01)
        if began is None and np.linalg.norm(world._cube_velocity[:2]) > FAST:
            began = 0.01 * tick
    return before, world.object_pose()[:3], began


@pytest.mark.parametrize("preset", ["so100", "stiff"])
@pytest.mark.parametrize("scale", [0.8, 1.3])
@pytest.mark.parametrize("task", ["pick_lift", "push", "place"])
def test_expert_succeeds_with_cubes_of_any_size(task, scale, preset):
    """The scripted person sees how large a cube is, and does the task with slips as she does with a usual one."""
    world = World(task, 0, nature=SimArm(preset=preset), thing=Thing(scale=scale))
    driver, expert = Driver(world), Expert(task, 10, scale)
    done = 0
    for seed in range(10):
        driver.go_home(seed)
        done += attempt(driver, expert, noise=0.1, seed=seed, seconds=15.0).success
    assert done >= 9


@pytest.mark.parametrize(("task", "scale"), [("pick_lift", 1.3), ("insert", 1.0)])
def test_the_object_is_as_large_and_heavy_as_told(task, scale):
    """It stands on the table as high as its size makes it, which carries as much as it weighs."""
    with World(task, 0, thing=Thing(scale=scale, mass=0.1)) as world:
        before = world.object_pose()[:3]
        world.step(1.0)
        np.testing.assert_allclose(world.object_pose()[:3], before, atol=1e-3)
        assert before[2] == pytest.approx(TASKS[task].rest * scale)
        carried = world._data.qfrc_constraint[world._model.joint("cube").dofadr[0] + 2]
        assert carried == pytest.approx(0.1 * 9.81, rel=1e-3)


def test_a_heavy_cube_can_be_lifted():
    """Ten times the usual mass is held by the same fingers."""
    driver = Driver(World("pick_lift", 0, thing=Thing(mass=0.2)))
    driver.go_home(0)
    assert attempt(driver, Expert("pick_lift", 10)).success


def test_a_nudge_moves_the_object_that_far():
    """It slides as far as told, within a sixth, on the table; when and where to is the scene's."""
    with World("pick_lift", 0, thing=NUDGE) as world:
        found = [slides(world, seed) for seed in range(6)]
        again = slides(world, 3)
    ways = np.array([after - before for before, after, _ in found])
    np.testing.assert_allclose(np.linalg.norm(ways[:, :2], axis=1), 0.02, rtol=1 / 6)
    np.testing.assert_allclose(ways[:, 2], 0.0, atol=1e-3)
    times = [began for *_, began in found]
    assert min(times) >= 0.98
    assert max(times) <= 2.02
    assert len(set(times)) > 3
    assert np.ptp(np.arctan2(ways[:, 1], ways[:, 0])) > 1.0
    np.testing.assert_array_equal(again[1], found[3][1])


@pytest.mark.parametrize("arms", [1, 2])
def test_a_nudge_keeps_the_object_in_its_patch(arms):
    """Wherever it lies and whichever arm's it is, it is pushed to another place of its patch, and off the ring."""
    with World("place", 0, arms, patch=Patch(0.12), thing=NUDGE._replace(nudge=0.03)) as world:
        x, y, radius = TASKS["place"].keep_off
        for seed in range(12):
            _, after, began = slides(world, seed)
            assert began is not None
            place = after[:2] - min(world._bases[:, :2], key=lambda b: np.linalg.norm(after[:2] - b - CENTRE))
            assert np.abs(place - CENTRE).max() < 0.06 + 0.004
            assert np.hypot(*(place - (x, y))) > radius - 0.004


def test_what_is_held_is_not_nudged():
    """An object between the fingers stays there; nor is it pushed later, once it is let go."""
    with World("pick_lift", 0, thing=NUDGE._replace(nudged_s=(20.0, 20.0))) as world:
        driver = grip_the_cube(world)
        for _ in range(5):
            driver.act((0.0, 0.0, -0.1), CLOSE)
        assert world._nudge.due(19.9) is False
        before = world.object_pose()[:3]
        world.step(25.0)
        np.testing.assert_allclose(world.object_pose()[:3], before, atol=2e-3)
        assert world.object_pose()[2] < CUBE_REST + 0.005


def test_the_task_file_says_what_the_object_is_like():
    """Nothing told is the usual; a nudge comes between a tenth and half of the time limit."""
    told = thing_of(taskfile.load(SIM))
    assert told._replace(nudged_s=(0.0, 0.0)) == Thing()
    keys = (
        "sim.object_scale=1.2",
        "sim.object_mass=0.05",
        "sim.nudge_mm=20",
        "processor.reset.control_time_s=20",
    )
    assert thing_of(taskfile.load(SIM, list(keys))) == Thing(1.2, 0.05, 0.02, (2.0, 10.0))


def test_a_nudge_comes_where_one_drives_by_hand_too():
    """There an episode may last a day, and a share of that is no time at which anybody waits for it."""
    assert thing_of(taskfile.load(SIM, ["sim.nudge_mm=20", ENDLESS])).nudged_s == (6.0, 30.0)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("sim.object_scale=1.2", r"sim.object_scale: is 1.2, and a peg fits its socket only at 1"),
        ("sim.nudge_mm=5", r"sim.nudge_mm: would tip the peg over"),
    ],
)
def test_what_a_peg_is_not(override, said):
    """The socket is made for one peg, which stands on its end."""
    with pytest.raises(ConfigError, match=said):
        taskfile.load(SIM, ["env.task=insert", override])
