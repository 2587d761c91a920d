"""The learner's rows: room for them and their pictures, and those that demonstrations and journal have."""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from hilrt.config import Config
from hilrt.data.journal import Episode, read_episodes
from hilrt.data.labels import until_success
from hilrt.data.lerobot.dataset import demonstrations, exists, open_dataset
from hilrt.data.lerobot.views import Seen, episodes_seen
from hilrt.errors import NoDemonstrationsError
from hilrt.learner.album import Album
from hilrt.learner.eyes import Eyes
from hilrt.learner.featurefile import FeatureFile, Making
from hilrt.learner.machine import storage_of
from hilrt.learner.replay import Replay
from hilrt.policy.actor import Actor
from hilrt.policy.vision import Sight, sight_of
from hilrt.resource import Resource
from hilrt.run.earlier import earlier_roots
from hilrt.step.features import from_config
from hilrt.step.record import Mode

log = logging.getLogger(__name__)


class Rows(Resource):
    """Replay of one run, and eyes that see what is kept of its pictures."""

    def __init__(self, config: Config, run_dir: Path, actor: Actor, device: torch.device) -> None:
        """Read nothing yet but the length of the demonstrations.

        Raises:
            DeviceError: `learner.storage_device` is not there.
            ReplayMemoryError: the pictures do not fit.
        """
        self._config, self._run_dir, self._actor = config, run_dir, actor
        self._features = features = from_config(config)
        self._datasets = [*earlier_roots(run_dir), Path(config.dataset.root)]
        self.memory = ""
        """What pictures take, in words; empty without any."""
        settings, sight = config.learner, sight_of(config, features)
        capacity, by_hand = settings.online_buffer_capacity, config.teleop.use_gripper
        album = self._album(sight, device)
        self.replay = Replay(
            features, capacity, settings.batch_size, config.seed, album, device, by_hand, settings.constants
        )
        self._known = self._features_known(sight)
        self.eyes = Eyes(config, features, actor.trunk, sight, self._known)

    def take_demonstrations(self) -> None:
        """Those that did not succeed, too; where success ends an episode, to their first success and no further.

        Raises:
            NoDemonstrationsError: there are none that succeeded.
            DatasetError: a file is not what it should be.
        """
        failed = succeeded = 0
        cut = self._config.processor.reset.terminate_on_success
        for root in self._datasets:
            for seen in self._demonstrated(root):
                records = until_success(seen.episode.records) if cut else seen.episode.records
                for recorded, views in zip(records, seen.views, strict=False):
                    record = msgspec.structs.replace(recorded, mode=Mode.DEMO)  # of a run's episodes, too
                    self.replay.add(record, self.eyes.of_views(record, views), root.name)
                succeeded += seen.episode.succeeded
                failed += not seen.episode.succeeded
        if not succeeded:
            raise NoDemonstrationsError(str(self._datasets[-1]), failed)

    def journal(self) -> Iterator[Episode]:
        """Episodes of the run's journal, in order.

        Raises:
            JournalError: a file is not what it should be.
        """
        frames = bool(self._features.images)
        return read_episodes(self._run_dir / "journal", frames=frames, features=self._features)

    def close(self) -> None:
        """Let go of the file of features."""
        if self._known:
            self._known.close()

    def _album(self, sight: Sight, device: torch.device) -> Album:
        """Room for pictures; what it takes goes to the log."""
        settings = self._config.learner
        shown = sum(len(e.records) for root in self._datasets for e in demonstrations(root, self._features))
        capacity = settings.online_buffer_capacity
        storage = storage_of(settings, device, (capacity + shown) * sight.kept_bytes)
        album = Album(sight, capacity, max(shown, 1), storage)
        if album:
            self.memory = str(album)
            log.info("%s", album)
        return album

    def _features_known(self, sight: Sight) -> FeatureFile | None:
        if not sight.variants:
            return None
        config = self._config
        making = Making(
            encoder=self._actor.trunk.digest,
            kept=sight.kept,
            preprocessing=msgspec.json.encode(config.processor.image_preprocessing).decode(),
            shift=config.policy.shift,
            jitter=config.policy.jitter,
            seed=config.seed,
            capacity=config.learner.online_buffer_capacity,
        )
        return FeatureFile(self._run_dir / "features.cache", sight, making)

    def _demonstrated(self, root: Path) -> Iterator[Seen]:
        if exists(root):
            dataset = open_dataset(root, self._features)
            yield from episodes_seen(dataset, self.eyes.preprocess)
