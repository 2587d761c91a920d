"""When probabilities of single steps add up to success: above a threshold, for long enough, not right at the start."""

from math import ceil
from typing import NamedTuple

from hilrt.config.reward import RewardClassifier
from hilrt.reward.about import About

HOLD_S = 0.5
"""For how long frames must count, where neither the task file nor a classifier's says so [s]."""


def frames_of(hold_s: float, fps: int) -> int:
    """Frames in a row with so many seconds between the first and the last: one more than there are steps in them."""
    return 1 + ceil(round(hold_s * fps, 6))


class Hold:
    """Counts, live and on recordings alike."""

    def __init__(self, threshold: float, steps: int, min_steps: int = 0) -> None:
        """`steps` in a row reach `threshold`, each the episode's `min_steps`-th, from 0, or a later one."""
        self._threshold, self._steps, self._min_steps = threshold, steps, min_steps
        self.begin()

    def begin(self) -> None:
        """An episode begins."""
        self._step = self._above = 0

    @property
    def counts(self) -> bool:
        """Whether the last step counts."""
        return self._above > 0

    def add(self, probability: float) -> bool:
        """Whether it is success, given that of the next step."""
        counts = self._step >= self._min_steps and probability >= self._threshold
        self._above = self._above + 1 if counts else 0
        self._step += 1
        return self._above >= self._steps


class Rule(NamedTuple):
    """When a classifier's probabilities are a success."""

    threshold: float
    hold_s: float
    steps: int
    """In a row that count, for them to be `hold_s`."""
    min_steps: int

    def begun(self) -> Hold:
        """At the beginning of an episode."""
        return Hold(self.threshold, self.steps, self.min_steps)


def rule_of(options: RewardClassifier, about: About, fps: int) -> Rule:
    """What the task file says; where it says nothing what the classifier's file recommends, at that rate [Hz]."""
    hold_s = about.hold_s if options.hold_s is None else options.hold_s
    return Rule(
        threshold=about.threshold if options.success_threshold is None else options.success_threshold,
        hold_s=hold_s,
        steps=frames_of(hold_s, fps),
        min_steps=about.min_steps * fps // about.fps if options.min_steps is None else options.min_steps,
    )
