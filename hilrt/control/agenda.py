"""What the next episode is for, and when the work is done."""

from hilrt.config import Config
from hilrt.launch import Job, Spec
from hilrt.record import Mode, Record


class Agenda:
    """Counts episodes and steps against what the job asks for."""

    def __init__(self, config: Config, spec: Spec) -> None:
        self._job = spec.job
        self._episodes = spec.episodes
        self._every = config.eval.every_steps
        self._per_evaluation = config.eval.episodes
        self._online_target = config.learner.online_steps
        self._evaluations_left = 0
        self._kept = 0
        self.online_steps = spec.online_steps
        self._next_evaluation = (spec.online_steps // self._every + 1) * self._every if self._every else 0

    def next(self) -> Mode | None:
        """Mode of the next episode; None when there is nothing left to do."""
        if self._job is Job.RECORD:
            return Mode.DEMO if self._kept < self._episodes else None
        if self._job is Job.EVAL:
            return Mode.EVAL if self._kept < self._episodes else None
        if self._every and self.online_steps >= self._next_evaluation:
            self._next_evaluation += self._every
            self._evaluations_left = self._per_evaluation
        if self._evaluations_left:
            return Mode.EVAL
        return Mode.TRAIN if self.online_steps < self._online_target else None

    def stepped(self, record: Record) -> None:
        """Count a published step."""
        self.online_steps += record.mode is Mode.TRAIN

    def ended(self, record: Record) -> None:
        """Count an episode by its final record; one to be recorded again does not count."""
        self._kept += not record.discarded
        if record.mode is Mode.EVAL:
            self._evaluations_left -= 1
