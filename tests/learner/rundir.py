"""A training run's folder, without its processes."""

from pathlib import Path

import msgspec
import numpy as np

from hilrt.config import Config
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.fold import fold
from hilrt.data.pictures import packed
from hilrt.learner.training import Training
from hilrt.report.metrics import Metrics
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Record, Source, encode_into


class Run:
    """A run's folder, with steps of its config's features."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self.config = msgspec.structs.replace(
            config, dataset=msgspec.structs.replace(config.dataset, root=str(folder / "demonstrations"))
        )
        self.features = from_config(self.config)
        self.metrics = Metrics(folder / "tensorboard", config)
        self.trainings: list[Training] = []

    def episode(self, number: int, mode: Mode, *, steps: int = 8, success: bool = True) -> list[Record]:
        """Random steps that end as told."""
        rng = np.random.default_rng((number, int(mode)))
        records = []
        for step in range(steps + 1):
            state = rng.normal(size=len(self.features.state))
            action = rng.uniform(-1, 1, len(self.features.action))
            record = Record(
                episode=number, step=step, mode=mode, monotonic_ns=step, wall_ns=step,
                state=np.float32(state).tobytes(), action=np.float32(action).tobytes(),
                source=Source.HUMAN if mode is Mode.DEMO else Source.POLICY,
            )  # fmt: skip
            record.final = step == steps
            last = step == steps - 1
            record.reward, record.terminated, record.success = (
                float(success and last),
                success and last,
                success and step >= steps - 1,
            )
            records.append(record)
        return records

    def write(self, folder: str, *episodes: list[Record]) -> None:
        """Put episodes into a journal."""
        with JournalWriter(self.folder / folder, self.features, "test") as journal:
            for record in (r for episode in episodes for r in episode):
                frames = packed(self.frames(record), self.features.images, self.config.dataset.image_format)
                journal.write(bytes(encode_into(record, bytearray())), frames)

    def frames(self, record: Record) -> bytes:
        """Random pictures of a step."""
        return np.random.default_rng((record.episode, record.step)).bytes(self.features.frame_bytes)

    def demonstrate(self, *episodes: list[Record]) -> None:
        """Put demonstrations into the dataset."""
        self.write("demonstrations/journal", *episodes)
        fold(self.folder / "demonstrations", self.features)

    def training(self) -> Training:
        """A learner that starts now."""
        self.trainings.append(Training(self.config, self.folder, self.metrics))
        return self.trainings[-1]
