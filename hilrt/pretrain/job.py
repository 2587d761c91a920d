"""`hilrt pretrain`: from recorded episodes to a file of frozen encoders."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from hilrt.config import Config
from hilrt.data.lerobot.dataset import exists, open_dataset
from hilrt.data.lerobot.views import Seen, episodes_seen
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import NoCamerasError, NoDemonstrationsError
from hilrt.policy.device import device_of
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.policy.vision import Vision, vision_of
from hilrt.pretrain.examples import Examples, Views, examples
from hilrt.pretrain.training import Judgement, Pretraining
from hilrt.report.progress import Track
from hilrt.step.features import Features, from_config


class Outcome(NamedTuple):
    """What came of it."""

    path: Path
    digest: str
    """SHA-256 of the file."""
    judgement: Judgement | None


def pretrain(config: Config, root: Path, path: Path, steps: int, track: Track) -> Outcome:
    """Train an encoder for each camera on the episodes in `root`, and write them to `path`.

    Raises:
        NoCamerasError: the task has none.
        NoDemonstrationsError: there are no episodes.
        DatasetError: an episode is not what it should be.
        PretrainedEncoderError: the disk does not take the file.
    """
    torch.set_num_threads(1)  # two threads that wait for each other on a busy computer take ten times as long
    features = from_config(config)
    if not features.views:
        raise NoCamerasError
    shown = _load(config, features, root, track)
    training = Pretraining(
        features,
        shown,
        _trained(vision_of(config)),
        steps=steps,
        shift=config.policy.shift,
        seed=config.seed,
        device=device_of(config.learner.device),
    )
    for _ in track(training.run(), "training", steps):
        pass
    return _write(path, training, features, {"steps": steps, "frames": len(shown.state), "seed": config.seed})


def _load(config: Config, features: Features, root: Path, track: Track) -> Examples:
    if not exists(root):
        raise NoDemonstrationsError(str(root))
    dataset = open_dataset(root, features)
    preprocess = Preprocess(config.processor.image_preprocessing, features)
    seen = ((seen.episode, _views(seen, features)) for seen in episodes_seen(dataset, preprocess))
    return examples(track(seen, "reading", len(dataset)), features)


def _views(seen: Seen, features: Features) -> Views:
    return [[views[camera.name] for views in seen.views] for camera in features.views]


def _write(path: Path, training: Pretraining, features: Features, facts: Mapping[str, int]) -> Outcome:
    judgement = training.judge()
    words = {name: str(fact) for name, fact in facts.items()}
    if judgement:
        words["explained"] = f"{judgement.explained:.3f}"
    digest = write_encoders(path, training.encoders, features.views, words, training.glances)
    return Outcome(path, digest, judgement)


def _trained(vision: Vision | None) -> Vision:
    """An encoder that can be trained, and what comes behind it in the sizes of the policy's."""
    known = vision or Vision(encoder="conv")
    return Vision(encoder="conv", embeddings=known.embeddings, latent=known.latent)
