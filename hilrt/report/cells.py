"""Success by where the object lay: the cells of a summary, a table and a map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from rich.table import Table

from hilrt.config import Vec2
from hilrt.data.episodes import EpisodeSummary
from hilrt.data.pictures import Picture
from hilrt.data.places import RECENT, Coverage, Grid
from hilrt.report.rates import Rate, rate, rate_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAP = "map.png"
"""In the folder of an evaluation by place."""
DPI = 100
HEIGHT, WIDTH = 4.6, 5.0
"""Of a map, and of each more beside it [inches]."""
WORST_TO_BEST = "RdYlGn"
NEVER_TO_OFTEN = "Blues"


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the table, and what became of episodes in which the object lay there."""

    name: str
    centre_m: Vec2
    """x forward, y to the left, base frame."""
    success: Rate


class Panel(NamedTuple):
    """A map; values have one for each cell."""

    title: str
    shades: Sequence[float | None]
    """From 0 to 1; None: nothing is known."""
    texts: Sequence[str]
    colours: str = WORST_TO_BEST


def cells_of(grid: Grid, episodes: Sequence[EpisodeSummary]) -> list[Cell]:
    """Of all cells; what became of episodes whose object lay elsewhere is left out."""
    found = [grid.find(e.spot) for e in episodes]
    return [
        Cell(
            name=grid.name(cell),
            centre_m=grid.centre(cell),
            success=rate([e for e, where in zip(episodes, found, strict=True) if where == cell]),
        )
        for cell in range(len(grid))
    ]


def cells_table(grid: Grid, cells: Sequence[Cell]) -> Table:
    """For the terminal."""
    table = Table(title="success by place, seen from the arm", title_justify="left")
    for name in ("cell", "centre", "won", "rate", "95 % interval"):
        table.add_column(name, no_wrap=True, justify="left" if name in {"cell", "centre"} else "right")
    for number, cell in enumerate(cells):
        s = cell.success
        share = f"{s.rate:.0%}" if s.episodes else "-"
        row = f"{s.successes}/{s.episodes}", share, f"{s.low:.0%} .. {s.high:.0%}"
        table.add_row(cell.name, grid.where(number), *row)
    return table


def success_panel(title: str, rates: Sequence[Rate]) -> Panel:
    """Of each cell: won and episodes, share, interval."""
    texts = [f"{r.successes}/{r.episodes}\n{r.low:.0%} .. {r.high:.0%}" if r.episodes else "-" for r in rates]
    return Panel(title, [r.rate if r.episodes else None for r in rates], texts)


def maps(
    title: str, grid: Grid, panels: Sequence[Panel], episodes: Sequence[Sequence[EpisodeSummary]]
) -> Picture:
    """Maps side by side, RGB, the arm below them; on each, where the object lay in its episodes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH * len(panels), HEIGHT), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11, parse_math=False)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, panel, its in zip(axes, panels, episodes, strict=True):
        _draw(axis, grid, panel)
        _mark(axis, its)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def coverage_maps(coverage: Coverage) -> Picture:
    """Of a training, RGB: how many episodes began in each cell, and what the policy has won there lately."""
    starts, most = coverage.starts, max(1, *coverage.starts)
    known = f"{sum(starts)} starts" + (f", {coverage.elsewhere} elsewhere" if coverage.elsewhere else "")
    lately = [rate_of(*coverage.recent(cell)) for cell in range(len(starts))]
    panels = [
        Panel(known, [n / most for n in starts], [str(n) for n in starts], NEVER_TO_OFTEN),
        success_panel(f"won by the policy alone, of the last {RECENT}", lately),
    ]
    return maps("where objects were in training", coverage.grid, panels, [[], []])


def _draw(axis: "Axes", grid: Grid, panel: Panel) -> None:
    """Left is left, and far is up."""
    (near, right), (far, left) = grid.area.min, grid.area.max
    shades = np.array([np.nan if shade is None else shade for shade in panel.shades], float)
    edges = (100.0 * left, 100.0 * right, 100.0 * near, 100.0 * far)
    shaded = shades.reshape(grid.rows, grid.columns)
    axis.set_facecolor("#dddddd")
    axis.imshow(shaded, cmap=panel.colours, vmin=0.0, vmax=1.0, alpha=0.6, extent=edges, aspect="equal")
    for number, text in enumerate(panel.texts):
        x, y = grid.centre(number)
        axis.text(100.0 * y, 100.0 * x, text, ha="center", va="center", fontsize=9)
    for row in range(1, grid.rows):
        axis.axhline(100.0 * (far - row * (far - near) / grid.rows), color="white")
    for column in range(1, grid.columns):
        axis.axvline(100.0 * (left - column * (left - right) / grid.columns), color="white")
    axis.set_title(panel.title, fontsize=10)
    axis.set(xlabel="to the left of the base [cm]", ylabel="ahead of it [cm]", xlim=edges[:2], ylim=edges[2:])


def _mark(axis: "Axes", episodes: Sequence[EpisodeSummary]) -> None:
    """Where the object lay."""
    for won, colour, mark in ((True, "#1a7a1a", "o"), (False, "#a01010", "x")):
        spots = np.array([e.spot for e in episodes if e.spot and e.success == won]).reshape(-1, 2) * 100.0
        axis.plot(spots[:, 1], spots[:, 0], mark, color=colour, markersize=3, alpha=0.7)
