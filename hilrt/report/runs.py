"""`hilrt runs`: each run of a folder in a line, from what is on disk and who is alive."""

import tomllib
from collections.abc import Collection, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from hilrt.config import Config, taskfile
from hilrt.data.episodes import EpisodeSummary, read_summaries
from hilrt.errors import ConfigError, JournalError
from hilrt.errors.plain import plain
from hilrt.policy.saved import checkpoints_of
from hilrt.report.live import live_runs
from hilrt.report.rates import Rate, rate
from hilrt.report.summary import evaluations
from hilrt.run.folder import RunFolder, claimed
from hilrt.run.job import Job, Kind
from hilrt.run.provenance import PROVENANCE
from hilrt.run.shelf import Shelved
from hilrt.step.record import Mode

COLOURS = {"running": "green", "starting": "green", "cut": "yellow", "failed": "red"}


class State(StrEnum):
    """How a run is, or how it ended."""

    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    CUT = "cut"
    """It was stopped, or crashed, before it was done; a training can be resumed."""
    FAILED = "failed"
    """It never began: the arm has not moved, and nothing was recorded."""


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a line."""

    folder: str
    kind: Kind
    task: str
    """`env.task`, or the environment's id; empty where its config cannot be read."""
    began: str
    """Local time, ISO 8601."""
    state: State
    kept: bool
    steps: int
    """Online steps of a training; of others, all that were recorded."""
    success: Rate | None
    """Of a training's newest evaluation; of other runs, of all kept episodes; None: there are none."""
    checkpoint: int | None
    """Online steps of the newest."""
    problem: str
    """What cannot be read of it; empty: nothing."""


class _Ended(msgspec.Struct):
    """What summary.json says of its last start."""

    class Realtime(msgspec.Struct):
        ticks: int = 0

    finished: bool = True
    realtime: Realtime = msgspec.field(default_factory=Realtime)


def alive_tags() -> set[str]:
    """Tags of all runs that are alive now."""
    return {tag for tag, _ in live_runs()}


def described(run: Shelved, alive: Collection[str]) -> RunLine:
    """A run in a line; `alive`: see `alive_tags`."""
    try:
        return _described(run, alive)
    except OSError as error:  # a folder that may not be entered
        return RunLine(
            folder=str(run.path),
            kind=run.kind,
            task="",
            began=run.began_iso,
            state=State.CUT,
            kept=run.kept,
            steps=0,
            success=None,
            checkpoint=None,
            problem=f"cannot be read: {plain(error)}",
        )


def _described(run: Shelved, alive: Collection[str]) -> RunLine:
    folder, problem, episodes, config = RunFolder(run.path), "", list[EpisodeSummary](), None
    try:
        config = _config(run.path / "config.toml")
        episodes = read_summaries(folder.episodes)
    except (ConfigError, JournalError) as error:
        problem = str(error)
    saved = checkpoints_of(run.path)
    training = run.kind is Job.TRAIN
    own = [e for e in episodes if not e.session]
    counts = [*(e.online_steps for e in episodes), *(int(path.name) for path in saved)]
    steps = max(counts, default=0) if training else sum(e.steps for e in own)
    return RunLine(
        folder=str(run.path),
        kind=run.kind,
        task=_task(config) if config else "",
        began=run.began_iso,
        state=_state(run, config, steps, alive=folder.tag in alive, begun=bool(episodes or saved)),
        kept=run.kept,
        steps=steps,
        success=_success(run.kind, own),
        checkpoint=int(saved[-1].name) if saved else None,
        problem=problem,
    )


def _config(path: Path) -> Config:
    """Of a run; tomlkit, which keeps comments, takes forty times as long."""
    try:
        return taskfile.from_tree(tomllib.loads(path.read_text(encoding="utf-8")), str(path), path.parent)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {plain(error)}.") from None


def _task(config: Config) -> str:
    return config.env.id if config.in_environment else config.env.task


def _state(run: Shelved, config: Config | None, steps: int, *, alive: bool, begun: bool) -> State:
    """How a run is; `begun`: whether anything was recorded or learned."""
    try:
        summary = msgspec.json.decode((run.path / "summary.json").read_bytes(), type=_Ended)
    except (OSError, msgspec.MsgspecError):
        summary = None
    # without a summary it was killed, and nobody knows how far it came
    moved = summary.realtime.ticks > 0 if summary else (run.path / PROVENANCE).exists()
    begun = begun or moved or any((run.path / "journal").glob("*"))
    if alive or claimed(run.path):
        return State.RUNNING if alive or begun else State.STARTING
    if not begun:
        return State.FAILED
    if run.kind is Job.TRAIN and config:  # the summary may be of an earlier start
        return State.DONE if steps >= config.learner.online_steps else State.CUT
    return State.DONE if summary and summary.finished else State.CUT


def _success(kind: Kind, episodes: Sequence[EpisodeSummary]) -> Rate | None:
    if kind is Job.TRAIN:
        judged = evaluations(episodes)
        return judged[-1].success if judged else None
    modes: dict[Kind, Mode] = {Job.RECORD: Mode.DEMO, Job.EVAL: Mode.EVAL, Job.RUN: Mode.TRAIN}
    mode = modes.get(kind)
    kept = [e for e in episodes if e.mode is mode and not e.discarded]
    return rate(kept) if kept else None


def runs_table(lines: Sequence[RunLine], folder: Path) -> Table:
    """A line for each; 80 characters where names have no more than 31."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=None if lines else f"no run in {folder}")
    table.add_column("run", overflow="fold")
    table.add_column("task", max_width=10, no_wrap=True)
    table.add_column("state", max_width=10, no_wrap=True)
    for name in ("steps", "success", "saved"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        name = Path(line.folder).name
        state = Text(line.state, COLOURS.get(line.state, "")).append(", kept" if line.kept else "", "dim")
        won = f"{line.success.successes}/{line.success.episodes}" if line.success else ""
        saved = "" if line.checkpoint is None else f"{line.checkpoint}"
        figures = (f"{line.steps}" if line.steps else "", won, saved)
        table.add_row(name, line.task or Text("unreadable", "red"), state, *figures)
    return table
