"""Judge a policy."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from hilrt.config import Config
from hilrt.data.episodes import read_summaries
from hilrt.data.journal import episode_path, read_episode
from hilrt.data.pictures import write_png
from hilrt.data.places import Grid, grid_of
from hilrt.errors import ConfigError, RunFolderError
from hilrt.jobs.otherwise import trained_otherwise
from hilrt.jobs.run import run
from hilrt.jobs.trained import trained
from hilrt.policy.saved import checkpoint_of, load_meta, newest_checkpoint
from hilrt.report.cells import MAP, maps, success_panel
from hilrt.report.film import FAILURES, film
from hilrt.report.progress import Bar
from hilrt.report.summary import Summary
from hilrt.run.folder import RunFolder
from hilrt.run.job import Job, Trial
from hilrt.run.shelf import EVALS

CONFIG = "config.toml"
TWICE = """processor.reset.scene: is "self", and an arm does not put an object down twice at the same place. Compare \
with --set processor.reset.scene=operator"""


class Question(NamedTuple):
    """What is to be found out."""

    episodes: int | None = None
    """How many, or on how many places; None: as the task file says. With a grid they follow from that."""
    steps: int | None = None
    """Of the checkpoint; None: the newest."""
    grid: tuple[int, int] | None = None
    """Rows and columns of cells in which the object is put."""
    each: int = 5
    """Episodes in each cell, of each policy."""
    compare: str = ""
    """With which policy: online steps of another checkpoint of this run, or the folder of one, or another run."""


def evaluate(path: Path, question: Question, overrides: Sequence[str]) -> tuple[RunFolder, Summary]:
    """Judge a run's policy, or two on the same places: deterministic, operator off.

    With a grid, the folder has a map, and films of failures.

    Raises:
        GridError: a grid of nothing.
        ConfigError: two policies, and the arm puts the object back.
        RunFolderError, CheckpointAbsentError, PolicyFeaturesError, ConditionsError: as `trained`.
    """
    policy = trained(path, overrides, question.steps)
    config, start = policy.config, policy.start
    grid = grid_of(config, *question.grid) if question.grid else None
    other = _other(path, question.compare) if question.compare else None
    if other and config.processor.reset.scene == "self":
        raise ConfigError(str(path / CONFIG), f"$.{TWICE}")
    if other:
        policy.run.claim(other.parent)
        differs = [*start.differs, *trained_otherwise(path, config, start.conditions, other)]
        start = msgspec.structs.replace(start, differs=list(dict.fromkeys(differs)))
    judged = path / EVALS / time.strftime("%Y%m%d-%H%M%S")
    trial = trial_of(grid, policy.checkpoint, other)
    folder = RunFolder.fill(judged, policy.run.path / CONFIG, overrides)
    count, checkpoint = _episodes(question, config, grid) * (2 if other else 1), str(policy.checkpoint)
    summary = run(folder, Job.EVAL, episodes=count, checkpoint=checkpoint, trial=trial, start=start)
    if grid:
        _draw(folder, grid, summary)
    return folder, summary


def _other(path: Path, wish: str) -> Path:
    """The checkpoint to compare with.

    Raises:
        CheckpointAbsentError, RunFolderError: there is none.
    """
    if wish.isdecimal():
        return checkpoint_of(path, int(wish))
    folder = Path(wish)
    found = folder if (folder / "meta.json").is_file() else newest_checkpoint(folder)
    if found is None:
        raise RunFolderError(
            wish, "is neither a checkpoint nor a run that has one; --compare takes both, or online steps"
        )
    return found


def trial_of(grid: Grid | None, checkpoint: Path, other: Path | None) -> Trial | None:
    """How the policies of these checkpoints are judged; None where there is nothing special about it.

    Raises:
        CheckpointError: one of them is damaged.
    """
    if not (grid or other):
        return None
    first, second = checkpoint.resolve(), (other or checkpoint).resolve()
    one_run = first.parent == second.parent
    return Trial(
        rows=grid.rows if grid else 0,
        columns=grid.columns if grid else 0,
        other=str(second) if other else "",
        names=(_name(first, one_run=one_run), _name(second, one_run=one_run)),
    )


def _name(checkpoint: Path, *, one_run: bool) -> str:
    """For people: online steps, with the run or the folder that it lies in; a copy under another name has that."""
    if not checkpoint.name.isdecimal():
        return checkpoint.name
    steps, folder = load_meta(checkpoint).online_steps, checkpoint.parent
    if one_run:
        return f"checkpoint {steps}"
    home = folder.parent if folder.name == "checkpoints" else folder
    return f"{home.name}/{steps}"


def _episodes(question: Question, config: Config, grid: Grid | None) -> int:
    return len(grid) * question.each if grid else question.episodes or config.eval.final_episodes


def _draw(folder: RunFolder, grid: Grid, summary: Summary) -> None:
    """The map, and a film of each failure.

    Raises:
        PictureFileError: the disk does not take one.
        JournalError: an episode cannot be read.
    """
    kept = [e for e in read_summaries(folder.episodes) if not e.discarded]
    panels = [success_panel("won, and the 95 % interval", [cell.success for cell in summary.cells])]
    title = f"{folder.config().env.task}, {len(kept)} episodes"
    if c := summary.comparison:
        panels = [
            panels[0]._replace(title=c.first),
            success_panel(c.second, [cell.success for cell in c.cells]),
        ]
    spots = [[e for e in kept if not summary.comparison or e.policy_version == i] for i in range(len(panels))]
    write_png(folder.path / MAP, maps(title, grid, panels, spots))
    failures = [e.episode for e in kept if not e.success]
    with Bar("drawing failures", len(failures)) as bar:
        for number in failures:
            picture = film(read_episode(episode_path(folder.journal, number), frames=True))
            write_png(folder.path / FAILURES / f"episode_{number:06d}.png", picture)
            bar.advance(1)
