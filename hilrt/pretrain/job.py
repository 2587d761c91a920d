"""`hilrt pretrain`: from recorded episodes to a file of frozen encoders."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from hilrt.config import Config
from hilrt.data.journal import Episode, read_episodes
from hilrt.devices.preprocess import Preprocess
from hilrt.errors import NoCamerasError, NoDemonstrationsError
from hilrt.features import Features, from_config
from hilrt.learner.training import device_of
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.policy.vision import Vision, vision_of
from hilrt.pretrain.examples import Examples, Views, examples
from hilrt.pretrain.training import Judgement, Pretraining
from hilrt.report.progress import Track


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
        JournalFormatError, JournalFeaturesError, PictureError: an episode is not what it should be.
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
    for _ in track(training.run(), "train", steps):
        pass
    return _write(path, training, features, {"steps": steps, "frames": len(shown.state), "seed": config.seed})


def _load(config: Config, features: Features, root: Path, track: Track) -> Examples:
    preprocess = Preprocess(config.processor.image_preprocessing, features)
    episodes = [
        e for e in read_episodes(root, frames=True, features=features) if e.records and not e.discarded
    ]
    if not episodes:
        raise NoDemonstrationsError(str(root))
    seen = ((episode, _views(episode, preprocess, features)) for episode in episodes)
    return examples(track(seen, "read", len(episodes)), features)


def _views(episode: Episode, preprocess: Preprocess, features: Features) -> Views:
    frames = [episode.images(i) for i in range(len(episode.records))]
    return [[preprocess.apply(v.name, frame[v.name]) for frame in frames] for v in features.views]


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
