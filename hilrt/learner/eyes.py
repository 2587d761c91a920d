"""From what arrives of a step's pictures to what the replay keeps of them; an encoder sees no picture twice."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
import xxhash
from torch import Tensor

from hilrt.config import Config
from hilrt.data.journal import Episode
from hilrt.data.pictures import Picture
from hilrt.devices.preprocess import Preprocess
from hilrt.learner.augment import augmented
from hilrt.learner.featurefile import FeatureFile
from hilrt.policy.trunk import Pictures, Trunk
from hilrt.policy.vision import Plane, Sight
from hilrt.step.features import Features
from hilrt.step.record import Mode, Record

Buffer = bytes | memoryview


class Eyes:
    """Looks at pictures from the ring, which control has encoded, and from disk, which nobody has."""

    def __init__(
        self, config: Config, features: Features, trunk: Trunk, sight: Sight, known: FeatureFile | None = None
    ) -> None:
        """`known`: features of pictures that were looked at before."""
        self._sight, self._trunk, self._known = sight, trunk, known
        self.preprocess = Preprocess(config.processor.image_preprocessing, features)
        self._shift, self._jitter, self._seed = config.policy.shift, config.policy.jitter, config.seed

    def journalled(self, record: Record) -> bool:
        """Whether what is kept of a step's pictures is made of what the journal has of them."""
        return self._sight.journalled and record.mode is not Mode.EVAL

    def of_ring(self, record: Record, sent: Buffer) -> Pictures:
        """What is kept of a step's part in the ring; nothing of an evaluation's, which nobody learns from."""
        if not self._sight.planes or record.mode is Mode.EVAL:
            return ()
        arrays = {(p.camera, p.kind): _tensor(sent, p) for p in self._sight.planes}
        views = tuple(picture for (_, kind), picture in arrays.items() if kind == "view")
        features = tuple(picture for (_, kind), picture in arrays.items() if kind == "features")
        return self._kept(record, views, features)

    def keep(self, record: Record, pictures: Pictures, row: int) -> None:
        """Keep what has been looked at of a step of this run, which has a row of the replay now."""
        if self._known and pictures:
            self._known.put(record, record.wall_ns, pictures, row)

    def of_disk(self, episode: Episode, index: int) -> Pictures:
        """What is kept of the frames of `episode.records[index]`, as they were recorded."""

        def views() -> dict[str, Picture]:
            frames = episode.images(index)
            return {camera: self.preprocess.apply(camera, frame) for camera, frame in frames.items()}

        record = episode.records[index]
        return self._of(record, record.wall_ns, views)

    def of_views(self, record: Record, views: Mapping[str, Picture]) -> Pictures:
        """What is kept of a record's views by camera, (height, width, 3), uint8.

        They are known again by what is in them: episodes of a dataset get other numbers when some are deleted, and
        those of others have no times.
        """
        mark = _mark(views)
        pictures = self._of(record, mark, lambda: views)
        if self._known and pictures:
            self._known.put(record, mark, pictures)
        return pictures

    def _of(self, record: Record, mark: int, look: Callable[[], Mapping[str, Picture]]) -> Pictures:
        if not self._sight.planes or record.mode is Mode.EVAL:
            return ()
        if self._known and (seen := self._known.get(record, mark)):
            return seen
        seen_now = look()
        cameras = dict.fromkeys(plane.camera for plane in self._sight.planes)
        views = tuple(torch.from_numpy(seen_now[camera].copy()) for camera in cameras)
        features = self._encoded(views) if self._sight.variants else ()
        return self._kept(record, views, features)

    def _kept(self, record: Record, views: Pictures, features: Pictures) -> Pictures:
        """`views` are needed only where they are kept, or variants are made of them."""
        variants = self._sight.variants
        if variants < 2:
            return tuple(f[None] for f in features) if variants else views
        generator = torch.Generator().manual_seed(_key(self._seed, record))
        others = [
            self._encoded(tuple(self._varied(view, generator) for view in views)) for _ in range(variants - 1)
        ]
        return tuple(torch.stack(same) for same in zip(features, *others, strict=True))

    def _varied(self, view: Tensor, generator: torch.Generator) -> Tensor:
        return augmented(view[None], self._shift, self._jitter, generator)[0]

    @torch.no_grad()
    def _encoded(self, views: Pictures) -> Pictures:
        return tuple(features.cpu() for features in self._trunk.features(views))


def _tensor(sent: Buffer, plane: Plane) -> Tensor:
    """A copy: the ring's slot is given back."""
    view = plane.kind == "view"
    count = plane.nbytes // (1 if view else 2)
    array = np.frombuffer(sent, np.uint8 if view else np.int16, count, plane.offset).reshape(plane.shape)
    tensor = torch.from_numpy(array.copy())
    return tensor if view else tensor.view(torch.bfloat16)


def _mark(views: Mapping[str, Picture]) -> int:
    """64 bits of what is in them."""
    digest = xxhash.xxh3_64()
    for view in views.values():
        digest.update(view.tobytes())
    return digest.intdigest()


def _key(seed: int, record: Record) -> int:
    """A number for each step of a run, so that its variants are the same after a restart."""
    return ((seed * 1_000_003 + record.episode) * 100_003 + record.step) * len(Mode) + record.mode
