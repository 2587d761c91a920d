"""An episode in one picture: a film strip of each camera, and under it actions, gripper, reward and who decided."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hilrt.data.journal import Episode
from hilrt.data.pictures import Picture
from hilrt.step.record import Record, Source, gripper_commands, vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FAILURES = "failures"
"""In the folder of an evaluation by place: films of those."""
FRAMES = 10
"""Pictures in a strip."""
WIDTH, CURVES, HEAD = 13.0, 1.5, 0.8
"""Of the whole, height of a row of curves, and of the title and the time axis [inches]."""
STRIP = 11.2
"""About what is left of the width for a strip, beside labels and legends [inches]."""
DPI = 100
HUMAN = "#f5a623"


def film(episode: Episode) -> Picture:
    """The picture, RGB; its height depends on the cameras.

    Args:
        episode: with its frames, where it has cameras.

    Raises:
        DatasetError, JournalError: a frame is damaged.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    steps = [record for record in episode.records if not record.final]
    strips = _strips(episode)
    heights = [STRIP * s[0].shape[0] / (s[0].shape[1] * len(s)) for s in strips.values()] + [CURVES, CURVES]
    figure = Figure(figsize=(WIDTH, sum(heights) + HEAD), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(_title(episode, steps), fontsize=12, parse_math=False)
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    seconds = np.array([r.step for r in steps] + [steps[-1].step + 1]) / episode.header.features.fps
    for axis, (camera, pictures) in zip(axes, strips.items(), strict=False):
        _draw_strip(axis, camera, pictures, seconds[-1])
    _draw_actions(axes[-2], episode, steps, seconds)
    _draw_outcome(axes[-1], episode, steps, seconds)
    axes[-1].set(xlabel="time [s]", xlim=(0.0, seconds[-1]))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _strips(episode: Episode) -> dict[str, list[Picture]]:
    """Pictures at the middle of equal parts of the episode, by camera."""
    n = len(episode.records)
    count = min(FRAMES, n)
    seen = (
        [episode.images(int((i + 0.5) * n / count)) for i in range(count)]
        if episode.header.features.images
        else []
    )
    return {
        image.name: [pictures[image.name] for pictures in seen] for image in episode.header.features.images
    }


def _title(episode: Episode, steps: list[Record]) -> str:
    last, seconds = steps[-1], len(steps) / episode.header.features.fps
    end = "failure declared" if last.terminated else "time limit" if last.truncated else "cut"
    human = sum(r.source is Source.HUMAN for r in steps)
    return (
        f"episode {episode.number}   {episode.header.task}   {episode.mode.name.lower()}   "
        f"{'success' if any(r.success for r in steps) else end}   {len(steps)} steps, {seconds:.1f} s, {human} human"
    )


def _draw_strip(axis: "Axes", camera: str, pictures: list[Picture], end: float) -> None:
    edges = np.linspace(0.0, end, len(pictures) + 1)
    for picture, left, right in zip(pictures, edges, edges[1:], strict=False):
        axis.imshow(picture, extent=(left, right, 0.0, 1.0), aspect="auto", interpolation="antialiased")
    axis.set(ylabel=camera, yticks=[], xlim=(0.0, end), ylim=(0.0, 1.0))
    axis.tick_params(bottom=False)


def _draw_actions(
    axis: "Axes", episode: Episode, steps: list[Record], seconds: npt.NDArray[np.float64]
) -> None:
    actions = np.array([vector(r.action) for r in steps])
    for name, values in zip(episode.header.features.action, actions.T, strict=True):
        axis.stairs(values, seconds, label=name, baseline=None, linewidth=1.4)
    axis.set(ylabel="action", ylim=(-1.1, 1.1))
    _finish(axis, steps, seconds)


def _draw_outcome(
    axis: "Axes", episode: Episode, steps: list[Record], seconds: npt.NDArray[np.float64]
) -> None:
    sides = episode.header.features.sides
    if episode.header.features.gripper:
        commands = np.array([gripper_commands(r.gripper, len(sides)) for r in steps], float) - 1.0
        for side, values in zip(sides, commands.T, strict=True):
            axis.stairs(values, seconds, label=f"{side} gripper".strip(), baseline=None, linewidth=1.4)
    rewards = [r.reward for r in steps]
    axis.stairs(rewards, seconds, label="reward", color="#2ca02c", fill=True, alpha=0.6)
    axis.set(
        ylabel="gripper, reward",
        ylim=(-1.1, 1.1),
        yticks=[-1, 0, 1],
        yticklabels=["close", "stay 0", "open 1"],
    )
    _finish(axis, steps, seconds)


def _finish(axis: "Axes", steps: list[Record], seconds: npt.NDArray[np.float64]) -> None:
    """Shade what the human decided, and say what is what."""
    human = np.array([r.source is Source.HUMAN for r in steps], float)
    low, high = axis.get_ylim()
    axis.stairs(
        low + human * (high - low), seconds, baseline=low, fill=True, color=HUMAN, alpha=0.15, label="human"
    )
    axis.grid(alpha=0.3)
    axis.legend(loc="center left", bbox_to_anchor=(1.005, 0.5), fontsize=8, frameon=False)
