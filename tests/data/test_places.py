"""Cells in which objects are put, and where the next one goes."""

from pathlib import Path

import numpy as np
import pytest

from hilrt.config import Area, taskfile
from hilrt.data.episodes import EpisodeSummary
from hilrt.data.places import ADVISED, RECENT, Coverage, Grid, area_of, grid_of
from hilrt.errors import GridError
from hilrt.step.record import Mode

AREA = Area(min=(0.17, -0.05), max=(0.27, 0.05))
GRID = Grid(AREA)
CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture
def config():
    """Loads a shipped task file with overrides."""

    def load(*overrides, name="sim_so100.toml", by_joint=False):
        tree = taskfile.document(CONFIGS / name, overrides).unwrap()
        if by_joint:
            del tree["processor"]["inverse_kinematics"]
        return taskfile.from_tree(tree, name)

    return load


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (1, 1), (2, 3), (5, 4)])
def test_cells_fill_the_area(rows, columns):
    """Whatever the number, each place is in one cell, each cell knows its own places, and none is outside."""
    grid, rng = Grid(AREA, rows, columns), np.random.default_rng(0)
    cells = [grid.cell(number) for number in range(len(grid))]
    for spot in rng.uniform(AREA.min, AREA.max, (200, 2)):
        around = [n for n, c in enumerate(cells) if (spot >= c.min).all() and (spot < c.max).all()]
        assert around == [grid.find(spot.tolist())]
    assert [grid.find(grid.centre(number)) for number in range(len(grid))] == [*range(len(grid))]


def test_what_is_nowhere_is_in_no_cell():
    """Beside the area, and where nobody knows; its edges belong to it."""
    assert [GRID.find(spot) for spot in ((), (0.28, 0.0), (0.16, 0.0), (0.2, 0.06), (0.2, -0.06))] == [
        None
    ] * 5
    assert (GRID.find(AREA.max), GRID.find(AREA.min)) == (0, 8)


def test_cells_are_named_as_the_arm_sees_them():
    """Left and right by its own hand, far and near from its base; more than three are numbered."""
    assert [GRID.name(number) for number in range(9)] == [
        "left, far", "middle, far", "right, far", "left, middle", "middle", "right, middle",
        "left, near", "middle, near", "right, near",
    ]  # fmt: skip
    assert GRID.where(0) == "25.3 cm ahead, 3.3 cm left"
    assert GRID.where(8) == "18.7 cm ahead, 3.3 cm right"
    assert GRID.where(4) == "22.0 cm ahead"
    assert [Grid(AREA, 1, 2).name(number) for number in range(2)] == ["left", "right"]
    assert Grid(AREA, 2, 4).name(5) == "row 2, column 2"


def test_the_area_is_the_task_files(config):
    """Its own, else the simulated patch, else the end effector's box; without any of them there are no cells."""
    assert area_of(config("sim.patch_m=0.2")) == Area(min=(0.12, -0.1), max=(0.32, 0.1))
    own = config("processor.reset.area={min = [0.2, 0.0], max = [0.3, 0.1]}")
    assert area_of(own) == Area(min=(0.2, 0.0), max=(0.3, 0.1))
    box = area_of(config(name="so100.toml"))
    bounds = config(name="so100.toml").processor.inverse_kinematics.end_effector_bounds
    assert (box.min, box.max) == (bounds.min[:2], bounds.max[:2])
    with pytest.raises(GridError, match="two arms"):
        grid_of(config(name="sim_bimanual.toml"))
    with pytest.raises(GridError, match=r"joint control has no box.*processor\.reset\.area"):
        grid_of(config(name="so100.toml", by_joint=True))


def filled(results):
    """A coverage whose cells had these episodes, each a string of w(on) and l(ost)."""
    coverage = Coverage(GRID)
    for cell, episodes in enumerate(results):
        for episode in episodes:
            coverage.add(GRID.centre(cell), won=episode == "w")
    return coverage


def drawn(coverage, count=600):
    """How often each cell is the next."""
    rng = np.random.default_rng(0)
    return np.bincount([coverage.next(rng) for _ in range(count)], minlength=len(GRID))


def test_unseen_cells_come_first():
    """However weak others are; each of the unseen as often, and no longer than until it was tried a few times."""
    coverage = filled(["llllll", "", "w", "w", "", "w", "w", "w", "w"])
    often = drawn(coverage, 2 * ADVISED)
    assert dict(enumerate(often)) == {cell: ADVISED if cell in {1, 4} else 0 for cell in range(9)}


def test_cells_of_which_nothing_is_ever_known_do_not_take_all():
    """Where the policy only misses, no start is known on a real arm: half of the advice is theirs, by turns."""
    often = drawn(filled(["", "", *["wwwwww"] * 7]))
    assert 0.5 < (often[0] + often[1]) / 600 < 0.7
    assert abs(often[0] - often[1]) <= 5
    assert often[2:].min() > 0.03 * 600


def test_of_cells_without_success_the_less_tried_comes_next():
    """Until both were tried as often; then they take turns."""
    coverage = filled(["llllllll", "ll", *["wwwwww"] * 7])
    often = drawn(coverage)
    assert 0.5 < (often[0] + often[1]) / 600 < 0.7
    first = drawn(filled(["llllllll", "ll", *["wwwwww"] * 7]), 12)
    assert first[1] > 2 * first[0]


@pytest.mark.parametrize(
    ("results", "weakest"),
    [
        (["wwwwww", "wwwlll", *["wwwwww"] * 7], 1),
        (["wwwwww", "w", *["wwwwww"] * 7], 1),
        (["wwwwwwwwww", "w", "wwwlllllll", *["wwwwwwwwww"] * 6], 2),
    ],
    ids=["worst", "hardly tried", "surely weak before hardly tried"],
)
def test_half_of_the_episodes_go_to_the_weakest(results, weakest):
    """The others are spread over all cells, so that none is given up."""
    often = drawn(filled(results))
    assert 0.48 < often[weakest] / often.sum() < 0.63
    assert (np.delete(often, weakest) > 0.03 * often.sum()).all()


def test_draws_are_those_of_the_generator():
    """The same seed puts the object into the same cells, after the same episodes and advice."""
    coverages = [filled(["w"] * 9) for _ in range(2)]
    draws = [[coverage.next(np.random.default_rng(seed)) for seed in range(20)] for coverage in coverages]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) > 3


def test_what_was_lost_long_ago_is_forgotten():
    """A cell's success is that of its last episodes; its starts are all."""
    coverage = filled(["l" * 30 + "w" * RECENT, "lwl"])
    assert (coverage.words(0), coverage.starts[0]) == (f"{RECENT} of {RECENT} won there", 30 + RECENT)
    assert (coverage.words(1), coverage.words(2)) == ("1 of 3 won there", "none there yet")


def test_unknown_places_are_counted_apart():
    """They say nothing of a cell, and are not lost either."""
    coverage = filled([])
    coverage.add((), won=False)
    coverage.add((0.5, 0.0), won=True)
    assert (coverage.elsewhere, sum(coverage.starts)) == (2, 0)


@pytest.mark.parametrize(
    ("what", "counts"),
    [({}, 1), ({"mode": Mode.EVAL}, 0), ({"discarded": True}, 0), ({"session": "another-run"}, 0)],
    ids=["training", "evaluation", "thrown away", "taken from a session"],
)
def test_only_this_training_is_counted(what, counts):
    """Of an episode whose object lay in the middle."""
    facts = dict.fromkeys(
        ("episode", "steps", "human_steps", "interventions", "wall_ns", "policy_version", "online_steps"), 0
    )
    facts |= dict.fromkeys(("success", "autonomous", "terminated"), True) | {
        "truncated": False,
        "discarded": False,
    }
    facts |= {
        "mode": Mode.TRAIN,
        "first_human_step": None,
        "return_": 1.0,
        "duration_s": 1.0,
        "spot": (0.22, 0.0),
    }
    coverage = Coverage(GRID)
    coverage.count(EpisodeSummary(**facts | what))
    assert (sum(coverage.starts), coverage.elsewhere) == (counts, 0)
