"""What the next episode is for, and when the work is done."""

from collections.abc import Sequence

from hilrt.config import Config
from hilrt.data.episodes import EpisodeSummary
from hilrt.errors import NoDemonstrationError
from hilrt.run.job import Job, Spec
from hilrt.step.record import Mode, Record

PATIENCE = 10
"""Demonstrations in a row in which a script has no success before recording gives up; a person knows what she does."""


class Agenda:
    """Counts episodes and steps against what the job asks for."""

    def __init__(self, config: Config, spec: Spec, history: Sequence[EpisodeSummary] = ()) -> None:
        """`history`: episodes of earlier starts; an evaluation that was cut short is taken up again."""
        self._job = spec.job
        self._scripted = config.scripted
        self._operator = config.env.operator or ""
        self._episodes = spec.episodes
        self._every = config.eval.every_steps
        self._per_evaluation = config.eval.episodes
        self._online_target = config.learner.online_steps
        self._evaluations_left = 0
        self._kept = self._in_vain = 0
        self.online_steps = spec.online_steps
        self._next_evaluation = self._every
        if self._every:
            self._take_up(history)

    def _take_up(self, history: Sequence[EpisodeSummary]) -> None:
        """Whether the last evaluation that was due is made, in part or not at all; the first judges the warm start."""
        due = self.online_steps // self._every * self._every
        made = sum(e.mode is Mode.EVAL and not e.discarded and e.online_steps >= due for e in history)
        self._next_evaluation = due + self._every
        self._evaluations_left = max(0, self._per_evaluation - made)

    def next(self) -> Mode | None:
        """Mode of the next episode; None when there is nothing left to do."""
        if self._job is Job.TELEOPERATE:
            return Mode.DEMO
        if self._job is Job.RECORD:
            return Mode.DEMO if self._wanted else None
        if self._job is Job.EVAL:
            return Mode.EVAL if self._wanted else None
        if self._job is Job.RUN:
            return Mode.TRAIN if self._wanted else None
        if self._every and self.online_steps >= self._next_evaluation:
            self._next_evaluation += self._every
            self._evaluations_left = self._per_evaluation
        if self._evaluations_left:
            return Mode.EVAL
        return Mode.TRAIN if self.online_steps < self._online_target else None

    @property
    def _wanted(self) -> bool:
        """Whether another episode is."""
        return self._episodes is None or self._kept < self._episodes

    def stepped(self, record: Record) -> None:
        """Count a published step."""
        self.online_steps += record.mode is Mode.TRAIN

    def refused(self) -> None:
        """The last episode is no success after all."""
        self._kept -= self._job is Job.RECORD

    def ended(self, record: Record) -> None:
        """Count an episode by its final record: one to be recorded again does not count, nor a failed demonstration.

        Raises:
            NoDemonstrationError: a script has failed once too often.
        """
        successful = record.success and not record.discarded
        self._in_vain = 0 if successful else self._in_vain + 1
        if self._job is Job.RECORD and self._scripted and self._in_vain == PATIENCE:
            raise NoDemonstrationError(PATIENCE, self._operator)
        if record.discarded:
            return
        self._kept += record.success or record.mode is not Mode.DEMO
        if record.mode is Mode.EVAL:
            self._evaluations_left -= 1
