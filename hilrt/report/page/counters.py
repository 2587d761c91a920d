"""Counters of a training's last start, which TensorBoard's event files alone have kept."""

from pathlib import Path

from hilrt.report.boards import LIMITS

TENSORBOARD = "tensorboard"
BUS = {
    "RealTime/bus_retries": "readings asked for again",
    "RealTime/bus_errors": "readings that failed",
    "RealTime/grip_overloads": "times the gripper was eased, for its load",
}


def counters_of(run_dir: Path) -> dict[str, int]:
    """Those that are not 0, by name; none of a run without event files."""
    folder = run_dir / TENSORBOARD
    if not any(folder.glob("events.*")):
        return {}
    from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415 - a second
        SCALARS,
        EventAccumulator,
    )

    events = EventAccumulator(str(folder), size_guidance={SCALARS: 1})  # of each the last one
    events.Reload()
    limits = {
        f"Limits/{name}": f"ticks on which a limit held back: {name.partition('_')[2]}" for name in LIMITS
    }
    there = set(events.Tags()[SCALARS])
    last = {name: int(events.Scalars(tag)[-1].value) for tag, name in (BUS | limits).items() if tag in there}
    return {name: value for name, value in last.items() if value}
