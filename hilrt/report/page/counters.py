"""Counters of a training's last start, which TensorBoard's event files alone have kept."""

from pathlib import Path

from hilrt.report.boards import LIMITS, Group
from hilrt.run.shelf import FIGURES

LIMITED = {name: f"ticks on which a limit held back: {name.partition('_')[2]}" for name in LIMITS}
COUNTED = {
    f"{Group.TIMING}/bus_retries": "readings asked for again",
    f"{Group.TIMING}/bus_errors": "readings that failed",
    f"{Group.MOTION}/grip_overloads": "times the gripper was eased, for its load",
} | {f"{Group.MOTION}/{name}": words for name, words in LIMITED.items()}
"""By tag, as `hilrt.report.metrics` writes them."""


def counters_of(run_dir: Path) -> dict[str, int]:
    """Those that are not 0, by name; none of a run without event files."""
    folder = run_dir / FIGURES
    if not any(folder.glob("events.*")):
        return {}
    from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415 - a second
        SCALARS,
        EventAccumulator,
    )

    events = EventAccumulator(str(folder), size_guidance={SCALARS: 1})  # of each the last one
    events.Reload()
    there = set(events.Tags()[SCALARS])
    last = {
        words: int(events.Scalars(known)[-1].value)
        for tag, words in COUNTED.items()
        if (known := next((name for name in (tag, _older(tag)) if name in there), None))
    }
    return {name: value for name, value in last.items() if value}


def _older(tag: str) -> str:
    """What it was called before boards had numbers."""
    name = tag.partition("/")[2]
    return f"{'Limits' if name in LIMITS else 'RealTime'}/{name}"
