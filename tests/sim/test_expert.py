"""The scripted operator's skill, on the simulated arm."""

import numpy as np
import pytest
from drive import BOX, Driver, attempt

from hilrt.config import SimArm
from hilrt.errors import UnknownNameError
from hilrt.sim.expert import Expert
from hilrt.sim.skills import CLOSE, STAY, Tool
from hilrt.sim.tasks import TASKS
from hilrt.sim.world import START_POSE_DEG, World

LEAST = {"pick_lift": 9, "push": 9, "place": 9, "insert": 8, "pick_of_two": 9}
"""Of ten attempts with slips; a peg that was knocked over is lost."""


@pytest.mark.parametrize(("noise", "fps"), [(0.0, 10), (0.1, 10), (0.1, 30)])
@pytest.mark.parametrize("preset", ["so100", "stiff"])
@pytest.mark.parametrize("task", TASKS)
def test_expert_succeeds(task, preset, noise, fps):
    """The expert does its task from random placements, at 10 and 30 Hz, with and without noise, however stiff the arm.

    Without noise only a stiff one always does: from a soft one's fingers a cube may slip, and out of the box.
    """
    driver, expert = Driver(World(task, 0, nature=SimArm(preset=preset)), fps), Expert(task, fps)
    done = 0
    for seed in range(10):
        driver.go_home(seed)
        done += attempt(driver, expert, noise, seed).success
    assert done == 10 if noise == 0.0 and preset == "stiff" else done >= LEAST[task]


@pytest.mark.parametrize("task", ["pick_lift", "push"])
def test_either_of_two_arms_succeeds(task):
    """With two arms on the table, the one that the cube lies in front of does the task; which one is up to the seed."""
    world, expert = World(task, 0, arms=2), Expert(task, 10)
    drivers = [Driver(world, arm=arm, arms=2) for arm in (0, 1)]
    done = [0, 0]
    for seed in range(10):
        for driver in drivers:
            driver.go_home(seed)
        driver = min(drivers, key=lambda driver: np.linalg.norm(driver.cube))
        done[driver.arm] += attempt(driver, expert, noise=0.1, seed=seed).success
    assert sum(done) >= 9
    assert min(done) >= 2


@pytest.mark.parametrize("preset", ["so100", "stiff"])
@pytest.mark.parametrize("task", TASKS)
def test_expert_takes_over_anywhere(task, preset):
    """After forty steps of blind wandering, gripper included, the expert still does its task."""
    driver, expert = Driver(World(task, 0, nature=SimArm(preset=preset))), Expert(task, 10)
    done = 0
    for seed in range(10):
        driver.go_home(seed)
        rng = np.random.default_rng(seed)
        for _ in range(10):
            drift, gripper = rng.uniform(-1, 1, 3), int(rng.integers(3))
            for _ in range(4):
                driver.act(drift, gripper)
        done += attempt(driver, expert, seconds=15.0).success
    assert done >= LEAST[task] - 1


def test_expert_rises_before_it_moves_beside_the_cube():
    """Low beside the cube with the jaw shut, the expert goes up first and does not knock the cube."""
    driver, expert = Driver(World("pick_lift", 0)), Expert("pick_lift", 10)
    driver.go_home(0)
    x, y = driver.world.object_pose()[:2]
    side = 0.06 if y < 0 else -0.06
    while np.abs(driver.ee - (x, y + side, 0.01)).max() > 0.004:
        driver.act(((x, y + side, 0.01) - driver.ee) / 0.02, CLOSE)
    before = driver.world.object_pose()
    while driver.ee[2] < 0.035:
        scene = (driver.ee, driver.opening, driver.world.object_pose())
        action = expert.act(*scene)
        assert action.delta[2] > 0.0
        np.testing.assert_allclose(action.delta[:2], 0.0)
        driver.act(action.delta, action.gripper)
    np.testing.assert_allclose(driver.world.object_pose(), before, atol=1e-3)
    assert attempt(driver, expert).success


@pytest.mark.parametrize(("roll", "floor"), [(90.35, -1.0), (-130.0, -1.0), (-84.7, 0.02), (90.35, 0.02)])
def test_expert_grips_with_a_turned_tool_and_above_a_floor(monkeypatch, roll, floor):
    """Its jaw may open to any side, and a box may end above the depth at which it would grip; the cube is lifted."""
    home = (*START_POSE_DEG[:4], roll, START_POSE_DEG[5])
    monkeypatch.setattr("drive.START_POSE_DEG", home)
    monkeypatch.setattr("drive.BOX", ((0.15, -0.15, floor), (0.31, 0.17, 0.12)))
    driver, expert = Driver(World("pick_lift", 0)), Expert("pick_lift", 10)
    tool = Tool(np.radians(roll - START_POSE_DEG[4]), floor)
    done = 0
    for seed in range(5):
        driver.go_home(seed)
        done += attempt(driver, expert, seed=seed, tool=tool).success
    assert done == 5


def test_progress_rises_to_success():
    """Along an undisturbed episode progress rises, and never falls as far as a mistake would make it."""
    for task in TASKS:
        driver = Driver(World(task, 0))
        driver.go_home(2)
        outcome = attempt(driver, Expert(task, 10))
        assert outcome.success
        best = np.maximum.accumulate(outcome.progress)
        assert (best - outcome.progress).max() < 0.12
        assert outcome.progress[-1] > outcome.progress[0] + 0.2


def test_progress_falls_when_the_gripper_shuts_on_nothing():
    """A gripper shut empty at the cube is further from the goal than an open one."""
    expert = Expert("pick_lift", 10)
    ee, cube = (0.2, 0.02, 0.01), (0.2, 0.0, 0.0125)
    assert expert.progress(ee, 0.0, cube) < expert.progress(ee, 0.5, cube) - 0.15


def test_actions_are_normalised():
    """Wherever arm and cube are, an action is in [-1, 1] and its gripper command is one of three."""
    rng = np.random.default_rng(0)
    for task in TASKS:
        expert = Expert(task, 10)
        for _ in range(200):
            action = expert.act(rng.uniform(*BOX), rng.uniform(), rng.uniform(-0.3, 0.3, 3))
            assert np.abs(action.delta).max() <= 1.0
            assert action.gripper in {CLOSE, STAY, 2}


def test_unknown_task_lists_known():
    """An expert of an unknown task is refused with the names of those there are."""
    with pytest.raises(UnknownNameError, match="pick_lift, push, place, insert"):
        Expert("stack", 10)
