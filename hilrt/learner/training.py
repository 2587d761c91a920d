"""What the learner process does, without the process: rows in, learner steps out, checkpoints."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from hilrt.config import Config
from hilrt.data.episodes import EpisodeSummary, Tally
from hilrt.data.fall import Fall, Falls
from hilrt.data.history import best_checkpoint
from hilrt.errors import CheckpointError, CheckpointsUnusableError, CheckpointWriteError
from hilrt.learner import checkpoint
from hilrt.learner.algorithm import make_algorithm, named
from hilrt.learner.machine import updates_per_step
from hilrt.learner.placemap import PlaceMap
from hilrt.learner.replay import Tier
from hilrt.learner.rows import Rows
from hilrt.learner.schedule import Credit, bc_weight
from hilrt.learner.stepper import CudaGraph, Stepper
from hilrt.policy.actor import Actor
from hilrt.policy.device import device_of
from hilrt.policy.saved import Evaluation, checkpoints_of, write_score
from hilrt.policy.trunk import Pictures
from hilrt.policy.vision import vision_of
from hilrt.report.boards import Group
from hilrt.report.metrics import Metrics
from hilrt.resource import Resource
from hilrt.run.conditions import handed
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Record

log = logging.getLogger(__name__)

READ_UPDATES = 50
"""Critic updates between two looks at the losses; each look waits for the device."""


class Networks(NamedTuple):
    """What the networks have been through; the same ones where that is equal."""

    updates: int
    """Critic updates."""
    rollbacks: int


class Training(Resource):
    """Rows, networks and credit of one run."""

    def __init__(self, config: Config, run_dir: Path, metrics: Metrics) -> None:
        """Read nothing yet but the length of the demonstrations.

        Raises:
            OwnCodeError: a class that the task file names cannot be used.
            DeviceError: `learner.device` or `learner.storage_device` is not there.
            EncoderWeightsError, PretrainedEncoderError: the frozen encoder's weights cannot be had.
            ReplayMemoryError: the replay's pictures do not fit.
        """
        settings = config.learner
        device = device_of(settings.device)
        self._config, self._run_dir, self._metrics = config, run_dir, metrics
        features = from_config(config)
        self._start = handed(run_dir)
        if self._start and self._start.differs:
            metrics.words("Task", "differs", self._start.differs)
        torch.manual_seed(config.seed)
        actor = Actor(features, vision_of(config), config.policy.networks)
        self.algorithm = make_algorithm(actor, config, device)
        self.rows = Rows(config, run_dir, self.algorithm.actor, device)
        self.replay, self.eyes = self.rows.replay, self.rows.eyes
        records = device.type == "cuda" and settings.cuda_graphs and self.algorithm.recordable
        graph = CudaGraph(self.algorithm.generator) if records else None
        self._stepper = Stepper(self.algorithm, settings, graph)
        utd = updates_per_step(settings, device)
        self.credit = Credit(utd, settings.critic_updates, settings.online_step_before_learning)
        self.tally = Tally(window=settings.constants.window)
        self.updates = 0
        """Critic updates."""
        self.last: Record | None = None
        """The last record taken in."""
        self.notice = ""
        """What whoever looks at the screen should know; empty if nothing."""
        self.refusal: CheckpointWriteError | None = None
        """Why the last checkpoint could not be written."""
        self.places = PlaceMap(config, run_dir, metrics)
        self._falls = Falls(config.env.fps)
        self._fall: Fall | None = None
        """What the last training episode has made certain."""
        self._rollbacks = 0
        self._evaluating: list[EpisodeSummary] = []
        self._judged: tuple[Networks, Path] | None = None
        """What is being evaluated or was last, and the checkpoint of it."""

    def close(self) -> None:
        """Let go of the file of features."""
        self.rows.close()

    # --- rows ------------------------------------------------------------------------------------

    def load(self) -> bool:
        """Take in demonstrations, the run's journal, and the newest checkpoint that can be used.

        Returns:
            Whether there was a checkpoint; if not, `warm_start` comes next.

        Raises:
            NoDemonstrationsError: there are none that succeeded.
            JournalError, DatasetError: a file is not what it should be.
            CheckpointsUnusableError: there are checkpoints, and none of them is of use.
        """
        self.rows.take_demonstrations()
        self.algorithm.normalise_by(self.replay.states(Tier.DEMONSTRATIONS))
        for episode in self.rows.journal():
            for lost in episode.lost:
                self._say(
                    f"episode {episode.number} of the journal is damaged: {lost}; learning goes on without"
                )
            session = episode.header.origin.session if episode.header.origin else ""
            for index, record in enumerate(episode.records):
                take = self._keep if episode.header.earlier else self._count
                take(record, self.eyes.of_disk(episode, index), session)
        restored = self._restore()
        if self.algorithm.actor.trunk.begun_anew and not restored:
            self._say(
                "what `hilrt pretrain` trained behind the encoders is of other sizes, so that part begins anew; "
                "pretrain on this machine, or give policy.embeddings and policy.latent"
            )
        return restored

    def take(self, record: Record, pictures: Pictures = ()) -> EpisodeSummary | None:
        """Take a new record in, with what is kept of its pictures.

        The first training step after an evaluation closes that.

        Returns:
            What became of the training episode that it ends.
        """
        if record.mode is not Mode.EVAL:
            self.close_evaluation()
        summary = self._count(record, pictures)
        if summary is None or summary.mode is not Mode.TRAIN:
            return None
        if self._fall and self._config.learner.rollback:
            self._roll_back(self._fall)
        self._metrics.episode(summary, self.tally, self._rollbacks)
        return summary

    def _count(self, record: Record, pictures: Pictures, session: str = "") -> EpisodeSummary | None:
        self._metrics.observe(record)
        summary = self.tally.add(record, session)
        if record.mode is Mode.EVAL:
            self.last = record
            if summary is not None and not summary.discarded:
                self._evaluating.append(summary)
            return summary
        self._evaluating.clear()
        self._keep(record, pictures, session)
        if record.mode is Mode.TRAIN and not record.final:
            self.credit.earn()
        if record.mode is Mode.TRAIN and summary is not None:
            self._fall = self._falls.episode(summary)
            self._metrics.count(summary)
            self.places.count(summary)
        return summary

    def _keep(self, record: Record, pictures: Pictures, session: str) -> None:
        """Give it a row; `session`: the run that it is from, where that is another one."""
        self.last = record
        row = self.replay.add(record, pictures, session or self._run_dir.name)
        self.eyes.keep(record, pictures, row)

    # --- learning --------------------------------------------------------------------------------

    @property
    def bc_weight(self) -> float:
        """Weight of imitation now; one lucky start does not end it."""
        return bc_weight(self._config.learner, self.tally.sure_autonomous_rate)

    def warm_start(self) -> Iterator[None]:
        """Learn from the demonstrations alone, where no checkpoint was; yields after each update."""
        with named(self._config):
            yield from self.algorithm.warm_start(self.replay)

    def step(self) -> dict[str, float] | None:
        """One learner step; every 50 critic updates, the means of its figures since."""
        critic_updates = self._config.learner.critic_updates
        batches = self.replay.sample(critic_updates + 1)
        with named(self._config):
            self._stepper(batches, self.bc_weight)
        self.credit.spend()
        before, self.updates = self.updates, self.updates + critic_updates
        if before // READ_UPDATES == self.updates // READ_UPDATES:
            return None
        with named(self._config):
            looked = self.algorithm.diagnose(batches[-1])
        figures = self.algorithm.scalars.read() | looked | {"bc_weight": self.bc_weight}
        self._metrics.scalars(Group.LEARNING, figures, self.credit.online_steps)
        return figures

    # --- checkpoints -----------------------------------------------------------------------------

    @property
    def networks(self) -> Networks:
        """Which ones there are now."""
        return Networks(self.updates, self._rollbacks)

    def judge(self) -> None:
        """Keep the networks as they are: evaluation episodes are about to judge them.

        Those of an evaluation that was cut count only if they judged these.
        """
        if self._judged is None or self._judged[0] != self.networks:
            self._evaluating.clear()
            self._judged = None
            try:
                self._judged = self.networks, self._write()
            except CheckpointWriteError as error:
                self._say(f"this evaluation's score will not be kept, because {error}")

    def close_evaluation(self) -> None:
        """If evaluation episodes are in, report them and write their score to the checkpoint that they judged."""
        if not self._evaluating:
            return
        score = Evaluation(len(self._evaluating), sum(e.success for e in self._evaluating))
        self._evaluating.clear()
        self._metrics.evaluation(score.successes, score.episodes, self.credit.online_steps)
        self.places.draw(self.credit.online_steps)
        if self._judged is None:
            return
        try:
            write_score(self._judged[1], score)
        except (CheckpointError, CheckpointWriteError) as error:
            self._say(f"an evaluation's score could not be written to what it judged, because {error}")

    def save(self) -> bool:
        """Write a checkpoint; not over one that is judged: what was learned since is owed once more instead.

        Returns:
            Whether the disk took it; see `refusal`.
        """
        if self._judged is None or int(self._judged[1].name) != self.credit.online_steps:
            try:
                self._write()
            except CheckpointWriteError as error:
                self.refusal = error
                log.error("%s", error)  # noqa: TRY400 - the message says it all
                return False
        self.refusal = None
        return True

    def _write(self) -> Path:
        return checkpoint.save(
            self._run_dir,
            self.algorithm,
            self.replay,
            self._config,
            online_steps=self.credit.online_steps,
            updates=self.updates,
            credit=self.credit.credit,
            conditions=self._start.conditions if self._start else None,
        )

    def _roll_back(self, fallen: Fall) -> None:
        """Go back to the networks that did best in evaluation; rows, counters and random states stay."""
        fall = (
            f"autonomous success fell from {fallen.before:.0%} to {fallen.now:.0%} at episode {fallen.since}"
        )
        path = best_checkpoint(self._run_dir)
        if path is None:
            self._say(f"{fall}; there is no evaluated checkpoint to go back to (eval.every_steps)")
            return
        try:
            checkpoint.load_networks(path, self.algorithm)
        except CheckpointError as error:
            self._say(f"{fall}; going on, because {error}")
            return
        self._rollbacks += 1
        self._say(f"{fall}; went back to the networks of {path.name}")
        self.save()

    def _say(self, text: str) -> None:
        self.notice = text
        log.warning("%s", text)

    def _restore(self) -> bool:
        """Go on from the newest checkpoint that can be used; False if the run has none yet."""
        problems: list[str] = []
        for path in reversed(checkpoints_of(self._run_dir)):
            try:
                meta = checkpoint.restore(path, self.algorithm, self.replay, self._config)
            except CheckpointError as error:
                problems.append(f"{error.path}: {error.problem}")
                continue
            self.updates = meta.updates
            if meta.online_steps == self.credit.online_steps:  # it may be what is being judged
                self._judged = self.networks, path
            self.credit.forgive(meta.online_steps, meta.credit)
            log.info("going on from %s", path)
            if problems:
                self._say(f"going on from {path.name}, because {problems[0]}")
            return True
        if problems:
            raise CheckpointsUnusableError(str(self._run_dir), problems)
        return False
