"""When the tasks are done: by the cube or peg in the world, and by numbers alone."""

import numpy as np
import pytest
from drive import Driver, attempt, put_cube

from hilrt.sim.expert import Expert
from hilrt.sim.insert import PEG_HEIGHT, RIM
from hilrt.sim.layout import bases
from hilrt.sim.skills import CLOSE, OPEN
from hilrt.sim.task import CUBE_REST, Scene
from hilrt.sim.tasks import TASKS
from hilrt.sim.world import World

PLACE, INSERT = TASKS["place"], TASKS["insert"]
PLACED = Scene(
    np.array([*PLACE.target, CUBE_REST]), cube_speed=0.0, upright=1.0, held=False, touched=False, lifted=True
)


@pytest.mark.parametrize(
    "change",
    [
        {"touched": True},
        {"lifted": False},
        {"cube_speed": 0.05},
        {"cube": np.array([0.22, 0.12, CUBE_REST])},
        {"cube": np.array([*PLACE.target, CUBE_REST + 0.01])},
    ],
    ids=["touched", "pushed there", "sliding", "on the ring", "in the air"],
)
def test_what_is_not_placed(change):
    """Placed is a cube that was lifted, lies inside the ring, at rest, and is let go; none of these may lack."""
    assert PLACE.achieved(PLACED)
    assert not PLACE.achieved(PLACED._replace(**change))


def test_a_cube_that_is_put_down_counts_once_it_is_let_go():
    """Carried to the ring and lowered it is no success while it is held; half a second after it is let go it is."""
    with World("place", 0) as world:
        driver, expert = Driver(world), Expert("place", 10)
        driver.go_home(0)
        gripper = CLOSE
        while gripper is not OPEN or not PLACE.lies_inside(driver.cube):
            delta, gripper = expert.act(driver.ee, driver.opening, driver.cube)
            driver.act(delta, gripper)
        for _ in range(5):
            driver.act(np.zeros(3), CLOSE)
        world.step(2.0)
        assert not world.success()
        assert attempt(driver, expert).success


def test_a_cube_that_lay_in_the_ring_is_not_placed():
    """What was never in the air has not been placed; a new scene forgets that the last one's cube had been."""
    with World("place", 0) as world:
        put_cube(world, (*PLACE.target, CUBE_REST))
        world.step(1.0)
        assert not world.success()
        put_cube(world, (*PLACE.target, CUBE_REST + 0.03))
        world.step(2.0)
        assert world.success()
        world.place(1)
        put_cube(world, (*PLACE.target, CUBE_REST))
        world.step(1.0)
        assert not world.success()


@pytest.mark.parametrize("arms", [1, 2])
def test_a_peg_over_the_hole_goes_in(arms):
    """Dropped off the middle by up to twice what the hole has room for, it is in; beside the socket it is not."""
    with World("insert", 0, arms) as world:
        x, y = INSERT.target + bases(arms)[-1, :2]
        for offset in (0.0, 0.0009, 0.002):
            world.place(0)
            put_cube(world, (x + offset, y, INSERT.rest + RIM + 0.002))
            world.step(1.5)
            assert world.success()
            assert world.object_pose()[2] == pytest.approx(INSERT.rest, abs=2e-3)
        world.place(0)
        put_cube(world, (x + 0.04, y, INSERT.rest))
        world.step(1.5)
        assert not world.success()


def test_a_peg_on_the_rim_is_not_in():
    """Standing on the socket, or lying across it, is no success, though its centre is right above the hole."""
    inside = PLACED._replace(cube=np.array([*INSERT.target, INSERT.rest]), held=True, touched=True)
    assert INSERT.achieved(inside)
    assert not INSERT.achieved(inside._replace(cube=np.array([*INSERT.target, INSERT.rest + RIM])))
    assert not INSERT.achieved(inside._replace(upright=0.1))


def test_the_peg_stands_by_itself():
    """Put into the patch it stays upright where it is put."""
    with World("insert", 0) as world:
        before = world.object_pose()[:3]
        world.step(3.0)
        np.testing.assert_allclose(world.object_pose()[:3], before, atol=1e-3)
        assert before[2] == pytest.approx(PEG_HEIGHT / 2)
