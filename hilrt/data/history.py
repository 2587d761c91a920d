"""A run's checkpoints as a history: which did best, and going back to one."""

import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hilrt.data.episodes import wilson
from hilrt.errors import CheckpointError
from hilrt.policy.saved import (
    Evaluation,
    Meta,
    checkpoint_of,
    checkpoints_of,
    load_meta,
    require_whole,
    write_checkpoint,
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint of a run."""

    steps: int
    """Online steps, its name."""
    meta: Meta | None
    """Absent where it cannot be read."""
    problem: str
    """What is wrong with its files; empty if nothing."""
    newest: bool
    best: bool


def history(run_dir: Path) -> list[Entry]:
    """Every checkpoint, oldest first; all of their files are read and checked."""
    paths = checkpoints_of(run_dir)
    best = best_checkpoint(run_dir)
    return [_entry(path, newest=path == paths[-1], best=path == best) for path in paths]


def best_checkpoint(run_dir: Path) -> Path | None:
    """Of the evaluated ones, the one whose success has the highest lower bound (95 %); of equals, the newest."""
    judged = [(score, path) for path in checkpoints_of(run_dir) if (score := _score(path)) is not None]
    return max(judged)[1] if judged else None


def go_back(run_dir: Path, steps: int, online_steps: int) -> Path:
    """Have the run go on from an earlier checkpoint; later ones are moved to a folder beside, none is deleted.

    Args:
        run_dir: the run's folder; no process of it may be alive.
        steps: the checkpoint's name.
        online_steps: those that the journal has by now; none of them will be paid for again.

    Returns:
        The folder of the later ones, which is there only if there were any.

    Raises:
        CheckpointAbsentError: there is none of that name.
        CheckpointError: it is damaged.
    """
    paths = checkpoints_of(run_dir)
    found = checkpoint_of(run_dir, steps)
    meta = load_meta(found)
    for name in meta.digests:
        require_whole(found, meta, name)
    aside = set_aside(run_dir, paths[paths.index(found) + 1 :])
    if online_steps > meta.online_steps:
        _continue_from(found, meta, online_steps)
    return aside


def set_aside(run_dir: Path, checkpoints: Iterable[Path]) -> Path:
    """Move checkpoints to a folder beside; returns it. It is there only if there were any."""
    aside = run_dir / "checkpoints" / f"set-aside-{time.strftime('%Y%m%d-%H%M%S')}"
    for path in checkpoints:
        aside.mkdir(exist_ok=True)
        path.rename(aside / path.name)
    return aside


def _continue_from(path: Path, meta: Meta, online_steps: int) -> None:
    """Write the checkpoint that it would be if learning had rested since."""
    now = msgspec.structs.replace(meta, online_steps=online_steps, credit=0.0)
    files = {name: (path / name).read_bytes() for name in meta.digests}
    write_checkpoint(path.parent, now, files)


def _entry(path: Path, *, newest: bool, best: bool) -> Entry:
    meta, problem = None, ""
    try:
        meta = load_meta(path)
        for name in meta.digests:
            require_whole(path, meta, name)
    except CheckpointError as error:
        problem = error.problem
    return Entry(steps=int(path.name), meta=meta, problem=problem, newest=newest, best=best)


def _score(path: Path) -> float | None:
    try:
        evaluation = load_meta(path).evaluation
    except CheckpointError:
        return None
    return _low(evaluation) if evaluation else None


def _low(evaluation: Evaluation) -> float:
    return wilson(evaluation.successes, evaluation.episodes)[0]
