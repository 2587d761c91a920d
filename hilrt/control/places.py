"""Where the object goes for each episode, and where it was when that began."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hilrt.config import Area, Config, Vec2
from hilrt.control.episode import scene_seed
from hilrt.control.tick import Tick
from hilrt.data.episodes import EpisodeSummary
from hilrt.data.places import Coverage, Grid, coverage_of, grid_of
from hilrt.run.job import Job, Trial
from hilrt.shm.status import ControlStatus
from hilrt.step.record import Mode, Record

OF_CELL = 1
"""Which of the random numbers of an episode's seed draw its cell."""


class Aim(NamedTuple):
    """How an episode is set up."""

    seed: int
    """Of all chance in it."""
    within: Area | None
    """Where a simulated object is put; None: all over its patch."""
    policy: int = 0
    """Which of two that are compared acts."""


class Places:
    """Tells the person, or the simulator, where to put the object; remembers where it was."""

    def __init__(
        self,
        config: Config,
        job: Job,
        trial: Trial | None,
        status: ControlStatus,
        history: Sequence[EpisodeSummary] = (),
    ) -> None:
        """`job`: a training alone looks for places that it has not learned from enough.

        `trial`: places of an evaluation; one that was cut goes on behind the episodes that `status` has.

        `history`: episodes of earlier starts of a training.

        Raises:
            GridError: it has cells, and there is no area for them.
        """
        self._config, self._trial, self._status = config, trial, status
        self._grid = grid_of(config, trial.rows, trial.columns) if trial and trial.rows else None
        self._slot = status.episodes_eval
        self._coverage = coverage_of(config, history) if job is Job.TRAIN else None
        self._steered = config.processor.reset.next_place == "weak"
        self.spot: Vec2 | tuple[()] = ()
        """x, y of the object at the start of the episode, base frame [m]; empty where nobody knows yet."""

    def aim(self, number: int, mode: Mode) -> Aim:
        """Decide for an episode of that number, and say so on the screen."""
        self.spot, put = (), ""
        aim = Aim(scene_seed(self._config.seed, number, mode), self._config.processor.reset.area)
        if self._trial:
            aim, put = self._of_trial(self._trial, aim)
        elif mode is Mode.TRAIN and self._coverage:
            aim, put = self._of_training(self._coverage, aim)
        if self._status.put != put:
            self._status.put = put
        return aim

    def look(self, tick: Tick, see: Callable[[Tick], Vec2 | None]) -> None:
        """Find out where the object was, from what a tick tells of it."""
        if not self.spot:
            self.spot = see(tick) or ()

    def count(self, episode: EpisodeSummary) -> None:
        """An episode is settled."""
        if self._coverage:
            self._coverage.count(episode)

    def ended(self, final: Record) -> None:
        """An episode has ended; one that is not kept is made again at the same place."""
        self._slot += final.mode is Mode.EVAL and not final.discarded

    def _of_trial(self, trial: Trial, aim: Aim) -> tuple[Aim, str]:
        """How the next episode of an evaluation is set up, and where the object is to be put, in words."""
        if trial.other:  # two policies have the same scene
            aim = aim._replace(seed=scene_seed(self._config.seed, trial.round(self._slot), Mode.EVAL))
        aim, where = aim._replace(policy=trial.policy(self._slot)), ""
        if grid := self._grid:
            cell = trial.cell(self._slot)
            aim, where = aim._replace(within=grid.cell(cell)), f"{grid.name(cell)} ({grid.where(cell)})"
            self._told(grid, cell)
        if trial.again(self._slot):
            return aim, f"put it back: {where or 'to the same place'}"
        return aim, where and f"put it {where}"

    def _of_training(self, coverage: Coverage, aim: Aim) -> tuple[Aim, str]:
        """Where the next object should go, for a person to follow, and where it goes if the task file wants that."""
        cell = coverage.next(np.random.default_rng((aim.seed, OF_CELL)))
        put = f"put it {coverage.grid.name(cell)} ({coverage.words(cell)})"
        if not self._steered:
            return aim, f"best {put}"
        self._told(coverage.grid, cell)
        return aim._replace(within=coverage.grid.cell(cell)), put

    def _told(self, grid: Grid, cell: int) -> None:
        """A person puts a real object where she is told; an arm says itself where it has put one."""
        if self._config.sim is None and self._config.processor.reset.scene == "operator":
            self.spot = grid.centre(cell)
