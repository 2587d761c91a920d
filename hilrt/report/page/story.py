"""All that the files of one run tell of it; a run that goes on, or was killed, has told less."""

from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from hilrt.config import Config, taskfile
from hilrt.data.episodes import EpisodeSummary, Tally, read_summaries
from hilrt.errors import CheckpointError, RunFolderError
from hilrt.errors.plain import plain
from hilrt.policy.saved import Meta, load_meta, newest_checkpoint
from hilrt.report.cells import Cell
from hilrt.report.comparison import Comparison
from hilrt.report.page.troubles import Trouble, troubles_of
from hilrt.report.person import Person, person
from hilrt.report.runs import alive_tags
from hilrt.report.summary import Evaluation, Realtime, evaluations
from hilrt.run.conditions import Handed, handed
from hilrt.run.folder import RunFolder, claimed
from hilrt.run.job import Job
from hilrt.run.provenance import Provenance, provenances_of
from hilrt.run.shelf import EVALS, NAME
from hilrt.step.record import Mode

T = TypeVar("T")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What summary.json alone knows; one of an older hilrt has less."""

    job: Job
    online_steps: int
    wall_s: float
    updates: int
    realtime: Realtime
    finished: bool = True
    self_resets: int = 0
    calls: int = 0
    reset_s: float = 0.0
    cells: list[Cell] = []
    comparison: Comparison | None = None


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it is on disk."""

    path: Path
    """Whole."""
    job: Job
    config: Config
    task_file: str
    """Text of its config.toml."""
    episodes: list[EpisodeSummary]
    """Of a comparison: those of the first policy."""
    told: Told | None
    """None where no start of it has ended by itself."""
    handed: Handed | None
    provenances: list[Provenance]
    meta: Meta | None
    """Of the newest checkpoint; None where none can be read."""
    troubles: list[Trouble]
    goes_on: bool
    """Whether its processes are at work."""
    said: str
    """What its job said at the end; empty where the episodes say it."""

    @classmethod
    def read(cls, path: Path, said: str = "") -> Self:
        """Of a run's folder; `said`: as the field.

        Raises:
            RunFolderError: it is none, or a file of it cannot be read.
            ConfigError: its config.toml is not for this hilrt.
            JournalFormatError: its list of episodes is damaged.
        """
        path = path.resolve()
        file = path / "config.toml"
        if not file.is_file():
            raise RunFolderError(str(path), "is not a run: it has no config.toml")
        config = taskfile.load(file)
        told, episodes = _told(path / "summary.json"), read_summaries(path / "episodes.jsonl")
        if told and told.comparison:
            episodes = [e for e in episodes if not e.policy_version]
        return cls(
            path=path,
            job=told.job if told else _job(path, episodes),
            config=config,
            task_file=file.read_text(encoding="utf-8"),
            episodes=episodes,
            told=told,
            handed=_readable(handed, path, None),
            provenances=_readable(provenances_of, path, []),
            meta=_meta(path),
            troubles=troubles_of(path / "log.txt"),
            goes_on=claimed(path) or RunFolder(path).tag in alive_tags(),
            said=said,
        )

    @property
    def name(self) -> str:
        """For people: an evaluation's has the training before it."""
        inside = self.path.parent.name == EVALS
        return "/".join(self.path.parts[-3:]) if inside else self.path.name

    @property
    def kept(self) -> list[EpisodeSummary]:
        """Episodes that count."""
        return [e for e in self.episodes if not e.discarded]

    @property
    def trained(self) -> list[EpisodeSummary]:
        """Episodes of training, its own, that count."""
        return [e for e in self.kept if e.mode is Mode.TRAIN and not e.session]

    @property
    def evaluations(self) -> list[Evaluation]:
        """As in summary.json."""
        return evaluations(self.episodes)

    @property
    def person(self) -> Person:
        """As in summary.json."""
        return person(self.episodes, self.config.env.fps)

    @property
    def online_steps(self) -> int:
        """Taken until its last word."""
        return max(self.told.online_steps if self.told else 0, Tally(self.episodes).online_steps)

    @property
    def unfinished(self) -> str:
        """Why the figures are not the last ones; empty where they are."""
        if self.goes_on:
            return "This run goes on. The figures are those until now."
        if not self.told:
            return "This run has no summary.json: it was killed. The figures are those until then."
        if self.told.online_steps < Tally(self.episodes).online_steps:
            return "This run was resumed and killed: its summary.json is older than its episodes."
        return "" if self.told.finished else "This run was stopped before its end, or failed."


def _told(path: Path) -> Told | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Told)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunFolderError(str(path), f"cannot be read: {error.strerror}") from None
    except msgspec.ValidationError as error:
        problem = f"is not of this hilrt: {plain(error)}"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = f"is damaged: {plain(error)}"
    raise RunFolderError(str(path), f"{problem}. Move the file away: a report can do without it")


def _readable(read: Callable[[Path], T], path: Path, absent: T) -> T:
    """What a file of the run tells; one that is damaged is as good as absent, the rest is worth a report."""
    try:
        return read(path)
    except RunFolderError:
        return absent


def _job(path: Path, episodes: list[EpisodeSummary]) -> Job:
    """Of a run without a summary, by its folder, else by what it did."""
    if path.parent.name == EVALS:
        return Job.EVAL
    if found := NAME.match(path.name):
        return Job(found["kind"])
    if episodes:
        return {Mode.DEMO: Job.RECORD, Mode.TRAIN: Job.TRAIN, Mode.EVAL: Job.EVAL}[episodes[-1].mode]
    raise RunFolderError(str(path), "does not say what kind of run it is, and has no episode yet")


def _meta(path: Path) -> Meta | None:
    checkpoint = newest_checkpoint(path)
    try:
        return load_meta(checkpoint) if checkpoint else None
    except CheckpointError:  # of another hilrt, or damaged: it is asked for hashes alone
        return None
