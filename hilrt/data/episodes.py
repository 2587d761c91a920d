"""What became of each episode, and the means that training is steered and judged by."""

import errno
import math
import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hilrt.config.constants import CONSTANTS
from hilrt.errors import JournalFormatError, JournalWriteError
from hilrt.step.record import Mode, Override, Record, Source
from hilrt.step.sealed import SealError, sealed_line, unsealed_line


class EpisodeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One ended episode; one line of `episodes.jsonl`."""

    episode: int
    mode: Mode
    steps: int
    """Steps recorded, the final observation not counted."""
    success: bool
    autonomous: bool
    """Success without any human step."""
    human_steps: int
    interventions: int
    """Times the human took over from the policy, or began the episode."""
    first_human_step: int | None
    return_: float
    terminated: bool
    truncated: bool
    discarded: bool
    wall_ns: int
    """When it ended, since 1970."""
    duration_s: float
    policy_version: int
    """At its end."""
    online_steps: int
    """Training steps of all episodes up to its end, broken off and discarded ones included."""
    probability: float = -1.0
    """Of success at its end, as a reward classifier says; -1 where none was asked."""
    override: Override = Override.NONE
    """What the operator said against the classifier."""
    spot: tuple[float, ...] = ()
    """x, y of the object at its start, base frame [m]; empty where nobody knows."""
    session: str = ""
    """The run that it was taken from, whose policy was another one, or acted otherwise; empty: this run's own."""

    @property
    def ending(self) -> str:
        """What it came to, in words."""
        if self.discarded:
            return "not kept"
        if self.success:
            return "success"
        return "failure" if self.terminated else "time limit"


class _Running:
    """The episode in progress."""

    def __init__(self, record: Record) -> None:
        self.episode = record.episode
        self.mode = record.mode
        self.began_ns = record.monotonic_ns
        self.last_step = -1
        self.steps = self.human_steps = self.interventions = 0
        self.first_human_step: int | None = None
        self.return_ = 0.0
        self.success = self.terminated = self.truncated = False
        self.probability, self.override = -1.0, Override.NONE
        self._by_human = False

    def add(self, record: Record) -> None:
        self.last_step = record.step
        self.success |= record.success
        self.terminated |= record.terminated
        self.truncated |= record.truncated
        if not record.final:
            self.steps += 1
            self.return_ += record.reward
            self.probability = record.probability
            self.override = record.override or self.override
            self._count_human(record)

    def _count_human(self, record: Record) -> None:
        human = record.source is Source.HUMAN
        if human:
            self.human_steps += 1
            self.interventions += not self._by_human
            self.first_human_step = record.step if self.first_human_step is None else self.first_human_step
        self._by_human = human

    def summary(self, final: Record, online_steps: int, session: str) -> EpisodeSummary:
        return EpisodeSummary(
            episode=self.episode,
            mode=self.mode,
            steps=self.steps,
            success=self.success,
            autonomous=self.success and not self.human_steps,
            human_steps=self.human_steps,
            interventions=self.interventions,
            first_human_step=self.first_human_step,
            return_=self.return_,
            terminated=self.terminated,
            truncated=self.truncated,
            discarded=final.discarded,
            wall_ns=final.wall_ns,
            duration_s=(final.monotonic_ns - self.began_ns) / 1e9,
            policy_version=final.policy_version,
            online_steps=online_steps,
            probability=self.probability,
            override=self.override,
            spot=final.spot,
            session=session,
        )


class Tally:
    """Counts episodes by mode and keeps the means of the last `window` training episodes of its own.

    Discarded episodes, and those that never got a final record, count nowhere but in `online_steps`. What was taken
    from another run is counted, and is in none of the means: they tell of the policy that learns here.
    """

    def __init__(self, history: Iterable[EpisodeSummary] = (), window: int = CONSTANTS.window) -> None:
        self.window = window
        self.online_steps = 0
        """Training steps taken."""
        self.episodes = dict.fromkeys(Mode, 0)
        self.successes = dict.fromkeys(Mode, 0)
        self.overrides = {Override.SUCCESS: 0, Override.FAILURE: 0}
        """Episodes in which the operator said otherwise than the reward classifier, by what she said."""
        self.evaluations: dict[int, tuple[int, int]] = {}
        """Successes and episodes of each, by the online steps after which it was made; 0: before the first."""
        self._recent: deque[EpisodeSummary] = deque(maxlen=window)
        self._running: _Running | None = None
        for summary in history:
            self.online_steps = max(self.online_steps, summary.online_steps)
            self._count(summary)

    def add(self, record: Record, session: str = "") -> EpisodeSummary | None:
        """Take a step in; its episode's summary if it is the last. A step seen before changes nothing.

        `session`: the run that it was taken from, if it was.
        """
        running = self._running
        if running is None or (running.episode, running.mode) != (record.episode, record.mode):
            running = self._running = _Running(record)
        if record.step <= running.last_step:
            return None
        running.add(record)
        self.online_steps += record.mode is Mode.TRAIN and not record.final
        if not record.final:
            return None
        summary = running.summary(record, self.online_steps, session)
        self._count(summary)
        return summary

    @property
    def success_rate(self) -> float:
        """Share of the last training episodes that succeeded; 0 before the first."""
        return _mean(e.success for e in self._recent)

    @property
    def autonomous_rate(self) -> float:
        """Share of the last training episodes that succeeded without any human step."""
        return _mean(e.autonomous for e in self._recent)

    @property
    def sure_autonomous_rate(self) -> float:
        """The same of a whole window: episodes not yet run count as failures."""
        return sum(e.autonomous for e in self._recent) / self.window

    @property
    def intervention_rate(self) -> float:
        """Share of human steps in the last training episodes."""
        return sum(e.human_steps for e in self._recent) / max(1, sum(e.steps for e in self._recent))

    def _count(self, summary: EpisodeSummary) -> None:
        if summary.discarded:
            return
        self.episodes[summary.mode] += 1
        self.successes[summary.mode] += summary.success
        if summary.override:
            self.overrides[summary.override] += 1
        if summary.mode is Mode.TRAIN and not summary.session:
            self._recent.append(summary)
        if summary.mode is Mode.EVAL:
            successes, episodes = self.evaluations.get(summary.online_steps, (0, 0))
            self.evaluations[summary.online_steps] = successes + summary.success, episodes + 1


class SummaryFile:
    """The lines of an `episodes.jsonl`, and the way to add one; each episode has one line at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known = read_summaries(path)
        if path.exists():
            os.truncate(path, path.read_bytes().rfind(b"\n") + 1)

    def append(self, summary: EpisodeSummary) -> None:
        """Add a line, unless that episode has one.

        Raises:
            JournalWriteError: the disk does not take it; the file is as before.
        """
        if any(known.episode == summary.episode for known in self.known):
            return
        try:
            _append(self._path, sealed_line(summary, len(self.known)))
        except OSError as error:
            raise JournalWriteError(str(self._path), error) from None
        self.known.append(summary)


def _append(path: Path, line: bytes) -> None:
    """All of the line, or nothing."""
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        if file.write(line) < len(line):
            file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def read_summaries(path: Path) -> list[EpisodeSummary]:
    """What an `episodes.jsonl` says; nothing where there is no file. A last line cut short is left out.

    Raises:
        JournalFormatError: a whole line that is no summary, or not the one that was written there.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
        return [unsealed_line(line, number, EpisodeSummary) for number, line in enumerate(lines)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalFormatError(str(path), f"cannot be read: {error.strerror}") from None
    except SealError as error:
        raise JournalFormatError(str(path), f"not a list of episodes: {error}") from None


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a success rate (Wilson 1927), around it, in [0, 1]; (0, 1) without any trial."""
    if n == 0:
        return 0.0, 1.0
    z2 = 1.959963984540054**2
    centre = (successes + z2 / 2) / (n + z2)
    spread = math.sqrt(z2 * (successes * (n - successes) / n + z2 / 4)) / (n + z2)
    # both are exact at the ends, where rounding would leave the rate outside
    return centre - spread if successes else 0.0, centre + spread if successes < n else 1.0


def _mean(values: Iterable[bool]) -> float:
    counted = list(values)
    return sum(counted) / max(1, len(counted))
