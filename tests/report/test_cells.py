"""Success by where the object lay."""

import io

import numpy as np
import pytest
from rich.console import Console

from hilrt.config import Area
from hilrt.data.episodes import EpisodeSummary
from hilrt.data.places import Coverage, Grid
from hilrt.report.cells import cells_of, cells_table, coverage_maps, maps, success_panel
from hilrt.step.record import Mode

GRID = Grid(Area(min=(0.17, -0.05), max=(0.27, 0.05)))
LEFT, RIGHT = (0.26, 0.04), (0.26, -0.04)


def episode(spot, *, success):
    """An evaluated one."""
    return EpisodeSummary(
        episode=0, mode=Mode.EVAL, steps=1, success=success, autonomous=success, human_steps=0,
        interventions=0, first_human_step=None, return_=0.0, terminated=True, truncated=False,
        discarded=False, wall_ns=0, duration_s=1.0, policy_version=0, online_steps=0, spot=spot,
    )  # fmt: skip


EPISODES = (
    [episode(LEFT, success=True)] * 4 + [episode(RIGHT, success=False)] * 3 + [episode((), success=True)]
)


def test_each_cell_has_its_own_episodes():
    """Those of unknown places are in none."""
    rates = [(cell.success.successes, cell.success.episodes) for cell in cells_of(GRID, EPISODES)]
    assert rates == [(4, 4), (0, 0), (0, 3)] + [(0, 0)] * 6


def test_the_table_says_it_in_words():
    """Cell, centre, episodes and interval, within 80 columns, though cells be numbered."""
    console = Console(file=io.StringIO(), width=80)
    console.print(cells_table(GRID, cells_of(GRID, EPISODES)))
    lines = console.file.getvalue().splitlines()
    assert lines[4].split("│")[1:-1] == [
        " left, far     ", " 25.3 cm ahead, 3.3 cm left  ", " 4/4 ", " 100% ", "   51% .. 100% "
    ]  # fmt: skip
    grid = Grid(Area(min=(-0.35, -0.35), max=(0.35, 0.35)), 9, 9)
    console.print(cells_table(grid, cells_of(grid, EPISODES)))
    assert "…" not in console.file.getvalue()


@pytest.fixture
def drawn():
    """The map's pixels, left of the middle and right of it, in the far row."""
    panel = success_panel("won", [cell.success for cell in cells_of(GRID, EPISODES)])
    picture = maps("a task", GRID, [panel], [EPISODES])
    height, width = picture.shape[:2]
    row = picture[round(0.16 * height) : round(0.24 * height)].reshape(-1, width, 3)
    return [
        np.median(part.reshape(-1, 3), axis=0)
        for part in (row[:, 100:160], row[:, width - 170 : width - 110])
    ]


def test_the_map_has_left_on_the_left(drawn):
    """Where all was won it is green, where nothing was it is red."""
    (red, green, _), (other_red, other_green, _) = drawn
    assert green > red + 50
    assert other_red > other_green + 50


def test_a_training_has_two_maps():
    """Starts beside successes; where nobody has been, the second is grey."""
    coverage = Coverage(GRID)
    for each in EPISODES:
        coverage.add(each.spot, won=each.success)
    picture = coverage_maps(coverage)
    assert picture.shape == (460, 1000, 3)
    near = picture[340:380, 690:720].reshape(-1, 3)
    assert np.ptp(np.median(near, axis=0)) < 3
