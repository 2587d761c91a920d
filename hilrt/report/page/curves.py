"""Curves of trainings over their online steps, as SVG and PNG: for the page, and one by one for a paper."""

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from hilrt.data.episodes import EpisodeSummary
from hilrt.report.film import HUMAN
from hilrt.report.page.markup import Html
from hilrt.report.page.story import Story
from hilrt.report.summary import Evaluation
from hilrt.run.job import Job

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""That colour-blind people tell apart (Okabe and Ito 2008)."""
FONT_PT = 8.0
PAGE_IN, COLUMN_IN = 7.4, 3.5
"""Width of the page's figure, and of a column of a paper [inches]."""
DPI = 300
STYLE: dict[Any, Any] = {
    "font.size": FONT_PT,
    "font.family": "sans-serif",
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "hilrt",  # equal runs give equal files
    "text.parse_math": False,  # a name may have a $
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}

Points = list[tuple[float, float]]
Draw = Callable[["Axes", Sequence["Curve"]], None]


class Curve(NamedTuple):
    """A training over its online steps."""

    name: str
    evaluations: list[Evaluation]
    window: int
    """Episodes that `autonomous` is a mean of."""
    autonomous: Points
    """Success without a human step."""
    human: Points
    """Share of human steps in each episode, as an outline from 0 to 0."""
    human_mean: Points
    """The same of the last `window` episodes."""
    minutes: Points
    """That a person has driven for."""


def curve_of(story: Story) -> Curve | None:
    """Of a training that has begun; None of any other run."""
    if story.job is not Job.TRAIN or not (story.trained or story.evaluations):
        return None
    window, fps = story.config.learner.constants.window, story.config.env.fps
    return Curve(
        name="".join(letter if letter.isprintable() else "?" for letter in story.name),
        evaluations=story.evaluations,
        window=window,
        autonomous=_autonomous(story.trained, window),
        human=[point for e in story.trained for point in _outline(e)],
        human_mean=_human_mean(story.trained, window),
        minutes=_minutes(story.trained, fps),
    )


def page_figure(curves: Sequence[Curve]) -> Html:
    """All curves above each other, as SVG inside a page."""
    with _styled():
        figure, heights = _figure(PAGE_IN, 5.0), (3.0, 1.0, 1.0)
        axes = figure.subplots(len(DRAWINGS), 1, sharex=True, height_ratios=heights)
        for axis, draw in zip(axes, DRAWINGS.values(), strict=True):
            draw(axis, curves)
        axes[-1].set_xlabel("online steps")
        _legend(figure, axes[0], curves)
        svg = _saved(figure, "svg").decode()
    inner = svg[svg.index("<svg") :]
    return Html(re.sub(r"(?s)<metadata>.*?</metadata>", "", inner))


def paper_figures(curves: Sequence[Curve]) -> Iterator[tuple[str, bytes]]:
    """Name and content of a file for each curve and format, as wide as a column."""
    for name, draw in DRAWINGS.items():
        with _styled():
            figure = _figure(COLUMN_IN, 2.5)
            axis = figure.subplots()
            draw(axis, curves)
            axis.set_xlabel("online steps")
            _legend(figure, axis, curves)
            for kind in ("svg", "png"):
                yield f"{name}.{kind}", _saved(figure, kind)


def _autonomous(episodes: Sequence[EpisodeSummary], window: int) -> Points:
    return [
        (now.online_steps, sum(e.autonomous for e in last) / len(last))
        for now, last in _recent(episodes, window)
    ]


def _human_mean(episodes: Sequence[EpisodeSummary], window: int) -> Points:
    return [
        (now.online_steps, sum(e.human_steps for e in last) / max(1, sum(e.steps for e in last)))
        for now, last in _recent(episodes, window)
    ]


def _recent(
    episodes: Sequence[EpisodeSummary], window: int
) -> Iterator[tuple[EpisodeSummary, Sequence[EpisodeSummary]]]:
    """Each episode, and the last ones up to it."""
    for i, episode in enumerate(episodes):
        yield episode, episodes[max(0, i + 1 - window) : i + 1]


def _outline(e: EpisodeSummary) -> Points:
    begin, share = e.online_steps - e.steps, e.human_steps / max(1, e.steps)
    return [(begin, 0.0), (begin, share), (e.online_steps, share), (e.online_steps, 0.0)]


def _minutes(episodes: Sequence[EpisodeSummary], fps: int) -> Points:
    steps, points = 0, [(0.0, 0.0)]
    for e in episodes:
        steps += e.human_steps
        points.append((float(e.online_steps), steps / fps / 60.0))
    return points


def _success(axis: "Axes", curves: Sequence[Curve]) -> None:
    alone = len(curves) == 1  # of several, the colours tell which is whose
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        rates = [e.success for e in curve.evaluations]
        steps = [e.online_steps for e in curve.evaluations]
        errors = [[r.rate - r.low for r in rates], [r.high - r.rate for r in rates]]
        if rates:
            axis.errorbar(
                steps,
                [r.rate for r in rates],
                errors,
                fmt="o-",
                color=colour,
                markersize=4,
                linewidth=1.4,
                capsize=2,
                elinewidth=0.8,
                clip_on=False,
                zorder=3,
                label="evaluation" if alone else None,
            )
        if curve.autonomous:
            ends, shares = zip(*curve.autonomous, strict=True)
            label = "training, without help" if alone else None
            axis.plot(ends, shares, color=colour, linewidth=0.9, alpha=0.55, label=label)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(loc="best")
    axis.set(ylabel="success", ylim=(-0.02, 1.02), yticks=[0.0, 0.25, 0.5, 0.75, 1.0])
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _finish(axis)


def _human(axis: "Axes", curves: Sequence[Curve]) -> None:
    """Shaded, episode by episode; of several trainings lines, for shades would hide each other."""
    if len(curves) == 1 and curves[0].human:
        axis.fill(*zip(*curves[0].human, strict=True), color=HUMAN, alpha=0.8, linewidth=0.0)
    for number, curve in enumerate(curves if len(curves) > 1 else ()):
        if curve.human_mean:
            colour = COLOURS[number % len(COLOURS)]
            axis.plot(*zip(*curve.human_mean, strict=True), color=colour, linewidth=1.2)
    axis.set(ylabel="human\nsteps", ylim=(0.0, 1.02), yticks=[0.0, 0.5, 1.0])
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    _finish(axis)


def _time(axis: "Axes", curves: Sequence[Curve]) -> None:
    for number, curve in enumerate(curves):
        axis.plot(*zip(*curve.minutes, strict=True), color=COLOURS[number % len(COLOURS)], linewidth=1.4)
    axis.set(ylabel="human\nminutes", ylim=(0.0, None))
    _finish(axis)


DRAWINGS: dict[str, Draw] = {"success": _success, "interventions": _human, "human-minutes": _time}
"""By name of the file."""


def _finish(axis: "Axes") -> None:
    axis.set_xlim(left=0.0)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.grid(alpha=0.25, linewidth=0.5)


def _legend(figure: "Figure", axis: "Axes", curves: Sequence[Curve]) -> None:
    """One curve needs none: the text beside it says what it is."""
    if len(curves) > 1:
        lines = [axis.plot([], [], color=COLOURS[i % len(COLOURS)])[0] for i in range(len(curves))]
        columns = 2 if len(curves) > 2 and figure.get_figwidth() > COLUMN_IN else 1
        figure.legend(lines, [c.name for c in curves], loc="outside lower center", ncols=columns)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _saved(figure: "Figure", kind: str) -> bytes:
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=DPI, metadata={"Date": None} if kind == "svg" else None)
    return file.getvalue()


@contextmanager
def _styled() -> Iterator[None]:
    from matplotlib import rc_context  # noqa: PLC0415 - half a second

    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # of a name that the font has no letters for
        yield
