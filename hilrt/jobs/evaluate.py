"""Judge a policy."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hilrt.config import Config
from hilrt.data.episodes import read_summaries
from hilrt.data.journal import episode_path, read_episode
from hilrt.data.pictures import write_png
from hilrt.data.places import Grid, grid_of
from hilrt.errors import RunFolderError
from hilrt.jobs.otherwise import trained_otherwise
from hilrt.jobs.run import run
from hilrt.jobs.task import load
from hilrt.policy.saved import checkpoint_of, newest_checkpoint
from hilrt.report.cells import maps, success_panel
from hilrt.report.film import film
from hilrt.report.progress import Bar
from hilrt.report.summary import Summary
from hilrt.run.conditions import Handed, conditions_of
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Trial

MAP = "map.png"
FAILURES = "failures"


class Question(NamedTuple):
    """What is to be found out."""

    episodes: int | None = None
    """How many; None: as the task file says. With a grid they follow from that."""
    steps: int | None = None
    """Of the checkpoint; None: the newest."""
    grid: tuple[int, int] | None = None
    """Rows and columns of cells in which the object is put."""
    each: int = 5
    """Episodes in each cell."""


def evaluate(path: Path, question: Question, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Judge a run's policy: deterministic, operator off. With a grid, the folder has a map, and films of failures.

    Raises:
        RunFolderError: not a run, or one without a checkpoint.
        CheckpointAbsentError: there is none of these steps.
        GridError: a grid of nothing.
        StartOutsideBoxError: a start pose is outside its box.
        PolicyFeaturesError, ConditionsError: the policy cannot mean the same.
    """
    trained = RunFolder.open(path)
    checkpoint = newest_checkpoint(path) if question.steps is None else checkpoint_of(path, question.steps)
    if checkpoint is None:
        raise RunFolderError(str(path), "has no checkpoint yet, so there is no policy to evaluate")
    config = load(trained.path / "config.toml", overrides)
    grid = grid_of(config, *question.grid) if question.grid else None
    now = conditions_of(config)
    start = Handed(conditions=now, differs=trained_otherwise(path, config, now, checkpoint))
    judged = path / "evals" / time.strftime("%Y%m%d-%H%M%S")
    folder = RunFolder.fill(judged, trained.path / "config.toml", overrides)
    trial = Trial(rows=grid.rows, columns=grid.columns) if grid else None
    count = _episodes(question, config, grid)
    summary = run(folder, Job.EVAL, episodes=count, checkpoint=str(checkpoint), trial=trial, start=start)
    if grid:
        _draw(folder, grid, summary)
    return folder, summary


def _episodes(question: Question, config: Config, grid: Grid | None) -> int:
    return len(grid) * question.each if grid else question.episodes or config.eval.final_episodes


def _draw(folder: RunFolder, grid: Grid, summary: Summary) -> None:
    """The map, and a film of each failure.

    Raises:
        PictureFileError: the disk does not take one.
        JournalError: an episode cannot be read.
    """
    kept = [e for e in read_summaries(folder.episodes) if not e.discarded]
    panel = success_panel("won, and the 95 % interval", [cell.success for cell in summary.cells])
    write_png(
        folder.path / MAP, maps(f"{folder.config().env.task}, {len(kept)} episodes", grid, [panel], kept)
    )
    failures = [e.episode for e in kept if not e.success]
    with Bar("drawing failures", len(failures)) as bar:
        for number in failures:
            picture = film(read_episode(episode_path(folder.journal, number), frames=True))
            write_png(folder.path / FAILURES / f"episode_{number:06d}.png", picture)
            bar.advance(1)
