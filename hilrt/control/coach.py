"""What to say to the person at the arm about how she takes over: one line at most, and only when it helps.

It goes by the summaries of training episodes and by the steps of the running one. The practice that it holds her to,
and where its figures come from, is in docs/guide/intervene.md.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from hilrt.config import Config
from hilrt.data.episodes import EpisodeSummary
from hilrt.data.fall import CHANCE_S, Fall, Falls
from hilrt.run.job import Job
from hilrt.step.record import Mode

IDLE_S = 3.0
"""Without input, while she has the arm."""
LONG_S = 3.0
"""Of her driving, after which a correction is no longer a short one."""
HABIT = 10
"""Takeovers in which a habit shows; one is nothing, a good operator also finishes a task now and then."""
BUT_FOR = 1
"""So many of them may have been otherwise."""
EPISODES = 15
"""In which success is too rare, or is not."""
WANTED = 1 / 3
"""Of the episodes should end in reward."""
REST = 10
"""Episodes until a line is said once more; twice as many each time."""


class Line(StrEnum):
    """What may be said, the most urgent first."""

    STILL_YOURS = "still_yours"
    LET_GO = "let_go"
    TRY_FIRST = "try_first"
    FALLS = "falls"
    HELP = "help"


class Coach:
    """Watches one run's training.

    Attributes:
        text: what is to be read now; empty: nothing.
        bells: how often it was urgent enough to ring.
        said: how often each line was said.
    """

    def __init__(self, fps: int, history: Iterable[EpisodeSummary] = ()) -> None:
        """`history`: episodes of earlier starts."""
        self._fps, self._chance = fps, round(CHANCE_S * fps)
        self.text, self.bells = "", 0
        self.said: Counter[Line] = Counter()
        self._standing = ""
        self._episodes = self._held = self._idle = 0
        self._speaking: set[Line] = set()
        self._from: Counter[Line] = Counter()
        self._recent: deque[EpisodeSummary] = deque(maxlen=EPISODES)
        self._first_steps: deque[int] = deque(maxlen=HABIT)
        self._kept: deque[bool] = deque(maxlen=HABIT)
        self._falls = Falls(fps)
        self._fall: Fall | None = None
        for summary in history:
            self._take(summary)
        self._fall = None  # it was told then

    def remember(self, said: Mapping[Line, int], bells: int) -> None:
        """How often each line was said, and how often it rang, before a crash in this start."""
        self.said.update(said)
        self.bells += bells

    def acted(self, *, human: bool, active: bool) -> None:
        """A step of a training episode; `human`: she has the arm, `active`: and does something."""
        if not human:
            if self._held:
                self._kept.append(False)
            self._hand_back()
            return
        self._held += 1
        self._idle = 0 if active else self._idle + 1
        self.text = self._standing
        if self._idle >= round(IDLE_S * self._fps):
            self._speak(Line.STILL_YOURS)
        elif self._held - self._idle > round(LONG_S * self._fps) and sum(self._kept) >= HABIT - BUT_FOR:
            self._speak(Line.LET_GO)

    def ended(self, summary: EpisodeSummary) -> None:
        """An episode has ended; its line, if any, stays to the end of the next one."""
        if summary.mode is not Mode.TRAIN or summary.discarded:
            self._hand_back()
            return
        if self._held:
            self._kept.append(True)
        self._take(summary)
        self._standing = ""
        for line, text in self._habits():
            if self._may(line):
                self._say(line)
                self._standing = text
                self._fall = None if line is Line.FALLS else self._fall
                break
        self._hand_back()

    def _take(self, summary: EpisodeSummary) -> None:
        if summary.mode is not Mode.TRAIN or summary.discarded or summary.session:
            return
        self._episodes += 1
        self._recent.append(summary)
        if summary.first_human_step is not None:
            self._first_steps.append(summary.first_human_step)
        self._fall = self._falls.episode(summary) or self._fall

    def _hand_back(self) -> None:
        """The arm is the policy's."""
        self._held = self._idle = 0
        self._speaking.clear()
        self.text = self._standing

    def _speak(self, line: Line) -> None:
        """Say it of this takeover, as long as it holds."""
        if line not in self._speaking:
            if not self._may(line):
                return
            self._speaking.add(line)
            self._say(line)
            self.bells += line is Line.STILL_YOURS
        still = line is Line.STILL_YOURS
        self.text = "still yours: move it, or let go" if still else f"{self._held} steps by you: let go"

    def _habits(self) -> list[tuple[Line, str]]:
        """What her last episodes, and the policy's, ask for."""
        fps, found = self._fps, []
        if sum(step < self._chance for step in self._first_steps) >= HABIT - BUT_FOR:
            found.append((Line.TRY_FIRST, f"let it try for {2 * fps}-{3 * fps} steps first"))
        if self._fall:
            found.append((Line.FALLS, _of(self._fall)))
        if self._neglects():
            found.append((Line.HELP, "one episode in three should end in reward: take over when it is stuck"))
        return found

    def _neglects(self) -> bool:
        """Whether success is rare, and most failures were left to themselves."""
        failed = [e for e in self._recent if not e.success]
        alone = sum(e.human_steps == 0 for e in failed)
        rare = len(failed) > (1 - WANTED) * EPISODES
        return rare and alone > len(failed) / 2

    def _may(self, line: Line) -> bool:
        return self._episodes >= self._from[line]

    def _say(self, line: Line) -> None:
        self.said[line] += 1
        if line is not Line.STILL_YOURS:
            self._from[line] = self._episodes + REST * 2 ** (self.said[line] - 1)


def coach_of(config: Config, job: Job, history: Sequence[EpisodeSummary]) -> Coach | None:
    """Of a training whose operator wants one; `history`: its episodes so far. At work nobody learns from her."""
    return Coach(config.env.fps, history) if job is Job.TRAIN and config.coached else None


def _of(fall: Fall) -> str:
    change = f"{fall.before:.0%} to {fall.now:.0%}"
    return f"success falls since episode {fall.since}, {change}: light, camera, scene?"
