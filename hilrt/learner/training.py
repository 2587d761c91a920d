"""What the learner process does, without the process: rows in, learner steps out, checkpoints."""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from hilrt.config import Config
from hilrt.data.episodes import WINDOW, EpisodeSummary, Tally
from hilrt.data.journal import Episode, read_episodes
from hilrt.errors import CheckpointError, DeviceError, NoDemonstrationsError
from hilrt.features import from_config
from hilrt.learner import checkpoint
from hilrt.learner.album import Album
from hilrt.learner.eyes import Eyes
from hilrt.learner.featurefile import FeatureFile, Making
from hilrt.learner.replay import Replay, Tier
from hilrt.learner.sac import Sac
from hilrt.learner.schedule import Credit, bc_weight
from hilrt.policy.actor import Actor
from hilrt.policy.saved import Evaluation, checkpoints_of
from hilrt.policy.trunk import Pictures
from hilrt.policy.vision import Sight, sight_of, vision_of
from hilrt.record import Mode, Record
from hilrt.report.metrics import Metrics
from hilrt.resource import Resource

log = logging.getLogger(__name__)

READ_UPDATES = 50
"""Critic updates between two looks at the losses; each look waits for the device."""


def device_of(name: str) -> torch.device:
    """The device that `learner.device` means.

    Raises:
        DeviceError: no such device, or it does not answer.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(name, str(error).split("\n", 1)[0]) from None
    return device


class Training(Resource):
    """Rows, networks and credit of one run."""

    def __init__(self, config: Config, run_dir: Path, metrics: Metrics) -> None:
        """Read nothing yet but the length of the demonstrations.

        Raises:
            DeviceError: `learner.device` or `learner.storage_device` is not there.
            EncoderWeightsError, PretrainedEncoderError: the frozen encoder's weights cannot be had.
            ReplayMemoryError: the replay's pictures do not fit.
        """
        settings = config.learner
        device = device_of(settings.device)
        self._config, self._run_dir, self._metrics = config, run_dir, metrics
        self._features = features = from_config(config)
        self._demonstrations = Path(config.dataset.root)
        torch.manual_seed(config.seed)
        self.sac = Sac(Actor(features, vision_of(config)), config, device)
        self.memory = ""
        """What the replay's pictures take, in words; empty without any."""
        sight = sight_of(config, features)
        self.replay = Replay(
            features, settings.online_buffer_capacity, settings.batch_size, config.seed, self._album(sight)
        )
        self._known = self._features_known(sight)
        self.eyes = Eyes(config, features, self.sac.actor.trunk, sight, self._known)
        utd = settings.utd_ratio
        if utd is None:
            utd = 8.0 if device.type == "cuda" else 4.0
        self.credit = Credit(utd, settings.critic_updates, settings.online_step_before_learning)
        self.tally = Tally()
        self.updates = 0
        """Critic updates."""
        self.last: Record | None = None
        """The last record taken in."""
        self._evaluating: list[EpisodeSummary] = []
        self._evaluation: tuple[int, Evaluation] | None = None
        """The last one, and the updates it was made after."""

    def _album(self, sight: Sight) -> Album:
        """Room for pictures; what it takes goes to the log."""
        settings = self._config.learner
        shown = sum(len(e.records) for e in read_episodes(self._demonstrations, features=self._features))
        storage = device_of(settings.storage_device)
        album = Album(sight, settings.online_buffer_capacity, max(shown, 1), storage)
        if album:
            self.memory = str(album)
            log.info("%s", album)
        return album

    def _features_known(self, sight: Sight) -> FeatureFile | None:
        if not sight.variants:
            return None
        config = self._config
        making = Making(
            encoder=self.sac.actor.trunk.digest,
            kept=sight.kept,
            preprocessing=msgspec.json.encode(config.processor.image_preprocessing).decode(),
            shift=config.policy.shift,
            seed=config.seed,
        )
        return FeatureFile(self._run_dir / "features.cache", sight, making)

    def close(self) -> None:
        """Let go of the file of features."""
        if self._known:
            self._known.close()

    # --- rows ------------------------------------------------------------------------------------

    def load(self) -> bool:
        """Take in demonstrations, the run's journal, and the newest checkpoint that can be read.

        Returns:
            Whether there was a checkpoint; if not, `Sac.warm_start` comes next.

        Raises:
            NoDemonstrationsError: there are none.
            JournalFormatError, JournalFeaturesError: a file is not what it should be.
        """
        for episode in self._episodes(self._demonstrations):
            for index, record in enumerate(episode.records):
                self.replay.add(record, self.eyes.of_disk(episode, index))
        shown = self.replay.states(Tier.DEMONSTRATIONS)
        if not len(shown):
            raise NoDemonstrationsError(str(self._demonstrations))
        self.sac.normalise_by(shown)
        for episode in self._episodes(self._run_dir / "journal"):
            for index, record in enumerate(episode.records):
                self._count(record, self.eyes.of_disk(episode, index))
        return self._restore()

    def _episodes(self, folder: Path) -> Iterator[Episode]:
        return read_episodes(folder, frames=bool(self._features.images), features=self._features)

    def take(self, record: Record, pictures: Pictures = ()) -> None:
        """Take a new record in, with what is kept of its pictures.

        The first training step after an evaluation closes that.
        """
        if record.mode is not Mode.EVAL:
            self.close_evaluation()
        summary = self._count(record, pictures)
        if summary is not None and summary.mode is Mode.TRAIN:
            self._metrics.episode(summary, self.tally)

    def _count(self, record: Record, pictures: Pictures) -> EpisodeSummary | None:
        self.last = record
        self._metrics.observe(record)
        summary = self.tally.add(record)
        if record.mode is Mode.EVAL:
            if summary is not None and not summary.discarded:
                self._evaluating.append(summary)
            return summary
        self._evaluating.clear()
        self.replay.add(record, pictures)
        if record.mode is Mode.TRAIN and not record.final:
            self.credit.earn()
        return summary

    # --- learning --------------------------------------------------------------------------------

    @property
    def bc_weight(self) -> float:
        """Weight of imitation now; episodes not yet run count as failures, or one lucky start would end it."""
        seen = min(1.0, self.tally.episodes[Mode.TRAIN] / WINDOW)
        return bc_weight(self._config.learner, seen * self.tally.autonomous_rate)

    def step(self) -> dict[str, float] | None:
        """One learner step; every 50 critic updates, the means of its figures since."""
        critic_updates = self._config.learner.critic_updates
        batches = self.replay.sample(critic_updates + 1)
        self.sac.learner_step(batches, self.bc_weight)
        self.credit.spend()
        before, self.updates = self.updates, self.updates + critic_updates
        if before // READ_UPDATES == self.updates // READ_UPDATES:
            return None
        figures = self.sac.scalars.read() | self.sac.diagnose(batches[-1]) | {"bc_weight": self.bc_weight}
        self._metrics.scalars("Learning", figures, self.credit.online_steps)
        return figures

    # --- checkpoints -----------------------------------------------------------------------------

    def close_evaluation(self) -> None:
        """If evaluation episodes are in, report them and keep the actor they judged."""
        if not self._evaluating:
            return
        judged = Evaluation(len(self._evaluating), sum(e.success for e in self._evaluating))
        self._evaluating.clear()
        self._evaluation = (self.updates, judged)
        self._metrics.evaluation(judged.successes, judged.episodes, self.credit.online_steps)
        self.save()

    def save(self) -> None:
        """Write a checkpoint."""
        known = self._evaluation
        checkpoint.save(
            self._run_dir,
            self.sac,
            self.replay,
            self._config,
            online_steps=self.credit.online_steps,
            updates=self.updates,
            credit=self.credit.credit,
            evaluation=known[1] if known and known[0] == self.updates else None,
        )

    def _restore(self) -> bool:
        for path in reversed(checkpoints_of(self._run_dir)):
            try:
                meta = checkpoint.restore(path, self.sac, self.replay, self._config)
            except CheckpointError as error:
                log.warning("%s", error)
                continue
            self.updates = meta.updates
            self.credit.forgive(meta.online_steps, meta.credit)
            log.info("going on from %s", path)
            return True
        return False
