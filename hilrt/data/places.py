"""Places for the object: cells of an area before the arm, what came of each, and where the next one goes.

Cells are counted from the far left one, row by row towards the arm. Positions are x forward, y to the left, in the base
frame of the arm [m].
"""

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from hilrt.config import PATCH_CENTRE, Area, Config, Vec2
from hilrt.data.episodes import EpisodeSummary, wilson
from hilrt.errors import GridError
from hilrt.step.record import Mode

USUAL = 3
"""Rows and columns, where nobody says how many."""
RECENT = 10
"""Episodes of a cell that its success is told by: a policy that learns is not what it was."""
STEERED = 0.5
"""Share of episodes that go to the weakest cell, once all have been seen."""
ADVISED = 3
"""Times that a cell is the next one until it counts as seen, though no episode is known to have begun there."""
ACROSS = {1: ("",), 2: ("left", "right"), 3: ("left", "middle", "right")}
ALONG = {1: ("",), 2: ("far", "near"), 3: ("far", "middle", "near")}


class Grid(msgspec.Struct, frozen=True):
    """An area in rows, of which the first is farthest from the arm, and columns, from the left."""

    area: Area
    rows: int = USUAL
    columns: int = USUAL

    def __len__(self) -> int:
        return self.rows * self.columns

    def cell(self, number: int) -> Area:
        """That part of the area."""
        row, column = divmod(number, self.columns)
        (x, y), (far, left) = self.area.min, self.area.max
        deep, wide = (far - x) / self.rows, (left - y) / self.columns
        corner = far - row * deep, left - column * wide
        return Area(min=(corner[0] - deep, corner[1] - wide), max=corner)

    def centre(self, number: int) -> Vec2:
        """Of a cell."""
        cell = self.cell(number)
        return (cell.min[0] + cell.max[0]) / 2, (cell.min[1] + cell.max[1]) / 2

    def find(self, spot: Sequence[float]) -> int | None:
        """The cell in which x, y lies; None where it lies in none, or nobody knows."""
        if not spot:
            return None
        (x, y), (far, left) = self.area.min, self.area.max
        row = (far - spot[0]) / (far - x) * self.rows
        column = (left - spot[1]) / (left - y) * self.columns
        if not (0 <= row <= self.rows and 0 <= column <= self.columns):
            return None
        return min(int(row), self.rows - 1) * self.columns + min(int(column), self.columns - 1)

    def name(self, number: int) -> str:
        """A cell in words, as seen from the arm."""
        row, column = divmod(number, self.columns)
        if self.rows not in ALONG or self.columns not in ACROSS:
            return f"row {row + 1}, column {column + 1}"
        across, along = ACROSS[self.columns][column], ALONG[self.rows][row]
        return ", ".join(dict.fromkeys(filter(None, (across, along)))) or "middle"

    def where(self, number: int) -> str:
        """The centre of a cell, for somebody with a ruler."""
        x, y = (100.0 * way for way in self.centre(number))
        side = f", {abs(y):.1f} cm {'left' if y > 0 else 'right'}" if abs(y) >= 0.05 else ""
        return f"{x:.1f} cm ahead{side}"


def area_of(config: Config) -> Area:
    """Where objects are put: as the task file says, else the simulated patch, else the end effector's box.

    Raises:
        GridError: nobody knows, or there are two such areas.
    """
    if config.in_environment:
        raise GridError("an environment puts its objects itself")
    if len(config.robot.sides) > 1:
        raise GridError("two arms have an area each")
    if area := config.processor.reset.area:
        return area
    if config.sim:
        (x, y), half = PATCH_CENTRE, config.sim.patch_m / 2
        return Area(min=(x - half, y - half), max=(x + half, y + half))
    if ik := config.processor.inverse_kinematics:
        return Area(min=ik.end_effector_bounds.min[:2], max=ik.end_effector_bounds.max[:2])
    raise GridError("joint control has no box. Say where objects are put: processor.reset.area")


def grid_of(config: Config, rows: int = USUAL, columns: int = USUAL) -> Grid:
    """The cells of that area; raises as `area_of`."""
    return Grid(area_of(config), rows, columns)


def coverage_of(config: Config, history: Iterable[EpisodeSummary] = ()) -> "Coverage | None":
    """Of a training and its episodes so far; None where there are no cells."""
    try:
        coverage = Coverage(grid_of(config))
    except GridError:
        return None
    for episode in history:
        coverage.count(episode)
    return coverage


class Coverage:
    """What came of objects in the cells of a grid."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.starts = [0] * len(grid)
        """Episodes that began with it in a cell."""
        self.elsewhere = 0
        """Those that began with it in none, or nobody knows where."""
        self._advised = [0] * len(grid)
        """Times that it was the next one; where only what the gripper closed on has a place, misses leave no start."""
        self._recent = [deque[bool](maxlen=RECENT) for _ in range(len(grid))]

    def add(self, spot: Sequence[float], *, won: bool) -> None:
        """Count an episode that began with the object at x, y; empty where nobody knows."""
        cell = self.grid.find(spot)
        if cell is None:
            self.elsewhere += 1
        else:
            self.starts[cell] += 1
            self._recent[cell].append(won)

    def count(self, episode: EpisodeSummary) -> None:
        """Count an episode of this training; what the operator had a hand in the policy has not won."""
        if episode.mode is Mode.TRAIN and not episode.discarded and not episode.session:
            self.add(episode.spot, won=episode.autonomous)

    def recent(self, cell: int) -> tuple[int, int]:
        """Successes and number of its last episodes."""
        return sum(self._recent[cell]), len(self._recent[cell])

    def words(self, cell: int) -> str:
        """The same for people."""
        won, of = self.recent(cell)
        return f"{won} of {of} won there" if of else "none there yet"

    def next(self, rng: np.random.Generator) -> int:
        """The cell where the next object goes; it is taken for tried there, whatever will be known of it.

        First those that nobody has seen. Then, in half of the episodes, the weakest: that with the lowest lower bound
        of its success (Wilson), which is low where the policy fails and where too little was tried to know; of equal
        ones the one that was tried less. By the upper bound a cell would be left alone after one lucky success. In the
        other half any cell: what is won elsewhere is not forgotten, and a cell that nobody can win does not take all
        of the time.
        """
        cell = self._wanted(rng)
        self._advised[cell] += 1
        return cell

    def _wanted(self, rng: np.random.Generator) -> int:
        order = rng.permutation(len(self.grid)).tolist()
        if unseen := [cell for cell in order if not self.starts[cell] and self._advised[cell] < ADVISED]:
            return int(unseen[0])
        if rng.random() >= STEERED:
            return int(order[0])
        return int(min(order, key=lambda cell: (wilson(*self.recent(cell))[0], self._tried(cell))))

    def _tried(self, cell: int) -> int:
        return max(self.starts[cell], self._advised[cell])
