"""Curves of trainings: success against online steps, the arm's minutes, and the person's."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hilrt.data.episodes import wilson

AXES = {
    "step": ("online steps", 1),
    "arm_s": ("minutes of the arm in training", 60),
    "human_s": ("minutes of the person, demonstrations included", 60),
}

Run = Sequence[Mapping[str, float]]


def curves(path: Path, title: str, arms: Mapping[str, Sequence[Run]]) -> None:
    """Draw success of each arm of an experiment, its seeds pooled by evaluation, with the interval; seeds are dots."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(12, 4), layout="constrained")
    panels = figure.subplots(1, len(AXES), sharey=True)
    for axes, (key, (label, unit)) in zip(panels, AXES.items(), strict=True):
        for number, (name, runs) in enumerate(arms.items()):
            colour = f"C{number}"
            rows = list(zip(*runs, strict=True))
            x = [sum(e[key] for e in row) / len(row) / unit for row in rows]
            sums = [(sum(e["successes"] for e in row), sum(e["episodes"] for e in row)) for row in rows]
            bands = [wilson(int(wins), int(n)) for wins, n in sums]
            axes.plot(x, [wins / n for wins, n in sums], color=colour, label=name)
            axes.fill_between(x, *zip(*bands, strict=True), color=colour, alpha=0.15)
            for run in runs:
                axes.plot(
                    [e[key] / unit for e in run], [e["rate"] for e in run], ".", color=colour, alpha=0.4
                )
        axes.set_xlabel(label)
        axes.grid(alpha=0.3)
    panels[0].set_ylim(-0.02, 1.02)
    panels[0].set_ylabel("success, nobody intervening")
    panels[0].legend(fontsize="small", loc="lower right")
    figure.suptitle(title)
    FigureCanvasAgg(figure).print_png(str(path))
