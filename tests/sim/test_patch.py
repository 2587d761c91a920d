"""Where the object of a task is put."""

import numpy as np
import pytest

from hilrt.config import Area, Sim
from hilrt.errors import NoRoomError
from hilrt.sim.layout import bases
from hilrt.sim.patch import CENTRE, Patch, patch_of
from hilrt.sim.tasks import TASKS


def drawn(patch, task="pick_lift", count=300):
    rng = np.random.default_rng(0)
    return np.array([patch.draw(rng, bases(1), TASKS[task].keep_off) for _ in range(count)])


@pytest.mark.parametrize("side", [0.10, 0.20])
def test_fills_the_patch(side):
    """Objects lie all over the square, as large as the task file has it, and never outside."""
    away = np.abs(drawn(Patch(side))[:, :2] - CENTRE)
    assert away.max() <= side / 2
    assert (away.max(axis=0) > 0.48 * side).all()


@pytest.mark.parametrize(("limit", "least"), [(45.0, 44.0), (10.0, 9.5), (0.0, 0.0)])
def test_turns_the_object_so_far(limit, least):
    """Its yaw is within the limit to either side, and comes near it."""
    yaws = np.degrees(drawn(Patch(yaw_deg=limit))[:, 2])
    assert np.abs(yaws).max() <= limit
    assert yaws.min() <= -least
    assert yaws.max() >= least


@pytest.mark.parametrize("task", ["push", "place", "insert"])
def test_never_puts_it_where_it_belongs(task):
    """However wide the patch, no episode begins with the object at its goal, or in the socket's walls."""
    x, y, radius = TASKS[task].keep_off
    places = drawn(Patch(0.20), task)
    assert np.hypot(places[:, 0] - x, places[:, 1] - y).min() >= radius


def test_the_usual_patch_is_as_task_files_have_it():
    """A world that is told nothing of the patch has that of an empty [sim] table."""
    assert patch_of(Sim()) == Patch()


def test_puts_it_where_it_is_told():
    """All over a part of the table, whatever the patch, and still not where it belongs."""
    rng, within = np.random.default_rng(0), Area(min=(0.25, 0.04), max=(0.30, 0.08))
    keep_off = TASKS["push"].keep_off
    places = np.array([Patch().draw(rng, bases(1), keep_off, within)[:2] for _ in range(300)])
    assert (places >= within.min).all()
    assert (places <= within.max).all()
    assert (np.ptp(places, axis=0) > 0.9 * np.subtract(within.max, within.min)).all()
    assert np.hypot(*(places - keep_off[:2]).T).min() >= keep_off[2]
    first, other = np.array(Patch(0.12).draw_pair(rng, bases(1), 0.07, within))[:, :2]
    assert (first >= within.min).all()
    assert np.hypot(*(first - other)) >= 0.07


def test_says_where_it_cannot_lie():
    """In a cell that is all goal, and beside an object that leaves no room."""
    goal = Area(min=(0.21, 0.09), max=(0.23, 0.11))
    with pytest.raises(NoRoomError, match="where the task has its goal"):
        Patch().draw(np.random.default_rng(0), bases(1), TASKS["push"].keep_off, goal)
    with pytest.raises(NoRoomError, match="no place for another"):
        Patch(0.05).draw_pair(np.random.default_rng(0), bases(1), 0.2)
