"""How the scripted person does her task in one episode."""

import numpy as np
import pytest
from drive import Driver, attempt

from hilrt.config import SimArm
from hilrt.sim.expert import Expert
from hilrt.sim.manner import USUAL, draw_manner
from hilrt.sim.tasks import TASKS
from hilrt.sim.world import World


def drawn(seed, variety=1.0):
    return draw_manner(np.random.default_rng(seed), variety)


def flat(manner):
    return np.hstack([np.atleast_1d(value) for value in manner])


def test_no_variety_is_the_usual_manner():
    """Without variety every episode is done as before there was any, to the bit."""
    for seed in range(5):
        np.testing.assert_array_equal(flat(drawn(seed, 0.0)), flat(USUAL))


def test_everything_varies_by_the_seed_alone():
    """Two seeds differ in every number, one seed never does; half the variety is half as far from the usual."""
    assert (flat(drawn(1)) != flat(drawn(2))).all()
    np.testing.assert_array_equal(flat(drawn(1)), flat(drawn(1)))
    half, whole = flat(drawn(3, 0.5)) - flat(USUAL), flat(drawn(3)) - flat(USUAL)
    np.testing.assert_allclose(2 * half, whole, atol=1e-12)


@pytest.mark.parametrize("preset", ["so100", "stiff"])
@pytest.mark.parametrize("task", TASKS)
def test_succeeds_in_any_manner(task, preset):
    """The expert does its task whatever manner is drawn, and takes other ways to it."""
    driver, expert = Driver(World(task, 0, nature=SimArm(preset=preset))), Expert(task, 10)
    done, progress = 0, []
    for seed in range(10):
        expert.manner = drawn(seed)
        driver.go_home(0)
        outcome = attempt(driver, expert, noise=0.1, seed=0)  # equal slips: what differs is the manner
        done += outcome.success
        progress.append(outcome.progress[6:18])
    assert done >= (8 if task == "insert" else 9)  # a peg that was knocked over is lost
    assert np.ptp(progress, axis=0).max() > 0.05


def test_never_faster_than_its_manner():
    """No action is longer along an axis than the manner's speed."""
    expert, rng = Expert("pick_lift", 10), np.random.default_rng(0)
    expert.manner = USUAL._replace(speed=0.6)
    for _ in range(50):
        action = expert.act(rng.uniform(0.1, 0.3, 3), 0.6, rng.uniform(-0.3, 0.3, 3))
        assert np.abs(action.delta).max() <= 0.6
