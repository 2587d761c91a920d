"""Choices of ours made the other way, where no option of the task file makes them.

python benches/experiments/vary.py ... \
        --vary 'processor.steps=[{step="otherwise:TimeLimitEnds", pipeline="outcome", before="interruption"}]' \
        --vary 'processor.steps=[{step="otherwise:ActionInBox", pipeline="action", before="workspace_bounds"}]' \
        --vary 'learner.algorithm="otherwise:Seldom"'
"""

import copy
from collections.abc import Iterator
from itertools import count

import numpy as np
import torch
from torch import Tensor

from hilrt.config import Config
from hilrt.control.action import ACTION, DELTA
from hilrt.control.outcome import TERMINATED, TRUNCATED
from hilrt.control.pipeline import Stateless
from hilrt.control.tick import Tick
from hilrt.control.workspace import TARGET
from hilrt.learner.batch import Batch
from hilrt.learner.descent import follow
from hilrt.learner.replay import Replay
from hilrt.learner.sac import Sac
from hilrt.policy.actor import Actor

EPISODE = 50
"""Steps of an episode, about."""


class TimeLimitEnds(Stateless):
    """A time limit ends the future: nothing is bootstrapped from what comes behind it."""

    name = "time_limit_ends"
    reads = (TRUNCATED,)
    writes = (TERMINATED, TRUNCATED)

    def __init__(self, config: Config) -> None:
        """Nothing of it is needed."""

    def __call__(self, tick: Tick) -> None:
        """As if the operator had declared a failure."""
        if tick.truncated and not tick.discarded:
            tick.terminated, tick.truncated = True, False


class ActionInBox(Stateless):
    """Of an action that leads out of the workspace box, what is left of it there is recorded."""

    name = "action_in_box"
    reads = (ACTION, DELTA, TARGET)
    writes = (ACTION,)

    def __init__(self, config: Config) -> None:
        """Of the arms' boxes, without what sag adds to them."""
        bounds = [bounds for side in config.robot.sides if (bounds := config.bounds(side))]
        self._low, self._high = np.array([b.min for b in bounds]), np.array([b.max for b in bounds])
        self._steps = np.array(config.action_scale)

    def __call__(self, tick: Tick) -> None:
        """The arm goes where it would have gone."""
        wanted = tick.target[:, :3, 3]
        cut = (np.clip(wanted, self._low, self._high) - wanted)[:, : tick.delta.shape[1]]
        left = np.clip(tick.action.reshape(cut.shape) + cut / self._steps, -1.0, 1.0)
        tick.action = left.astype(np.float32).ravel()


class Seldom(Sac):
    """The arm gets new weights once an episode, about."""

    recordable = False

    def __init__(self, actor: Actor, config: Config, device: torch.device) -> None:
        super().__init__(actor, config, device)
        self.newest = copy.deepcopy(actor)
        """What learning goes on with; `actor` is what the arm has."""
        self._steps, self._every = count(1), EPISODE

    def warm_start(self, replay: Replay) -> Iterator[None]:
        """As ever."""
        yield from super().warm_start(replay)
        follow(self.newest, self.actor, 1.0)

    def learner_step(self, batches: list[Batch], bc_weight: Tensor | float) -> None:
        """As ever; what acts stays as it is meanwhile."""
        shown, self.actor = self.actor, self.newest
        super().learner_step(batches, bc_weight)
        self.newest, self.actor = self.actor, shown
        if next(self._steps) % self._every == 0:
            follow(self.actor, self.newest, 1.0)
