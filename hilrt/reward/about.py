"""What the file of a reward classifier says of it. No torch here: whoever only asks need not wait for it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hilrt.config import Config
from hilrt.config.values import Fraction, NonNegative
from hilrt.step.features import Image

FORMAT = 3
ENTRY = "hilrt reward classifier"
"""Of the metadata, where `About` lies sealed."""

Size = Annotated[int, Meta(ge=1, le=4096)]


class Make(Struct, frozen=True, kw_only=True):
    """Of which networks it consists."""

    encoder: Annotated[str, Meta(pattern="^(pretrained|resnet10|resnet18|conv)$")]
    encoder_digest: str = ""
    """SHA-256 of the file that a frozen encoder's weights came from; empty where it was trained with the classifier."""
    model: Literal["cnn", "transformer"] = "cnn"
    hidden: Size = 256
    heads: Annotated[int, Meta(ge=1, le=16)] = 1
    """Asked for the mean of their log-probabilities."""
    views: Annotated[tuple[Image, ...], Meta(min_length=1, max_length=16)]
    """What it sees of each camera: size, and which part of a frame of which size."""
    classes: Annotated[tuple[str, ...], Meta(min_length=2, max_length=64)]


class About(Struct, frozen=True, kw_only=True):
    """The whole."""

    make: Make
    images: Annotated[tuple[Image, ...], Meta(min_length=1, max_length=16)]
    """The frames it was trained on, as the cameras give them."""
    rotations: dict[str, int] = {}
    """By camera, of those whose frames were turned [degrees]."""
    fps: Annotated[int, Meta(ge=1)]
    """Of the episodes that it was trained on [Hz]."""
    reward_class: str
    """Which of the classes is rewarded."""
    threshold: Fraction
    """Recommended: its probability from which on a frame counts."""
    hold_s: NonNegative
    """For how long in a row, which the threshold was recommended for [s]."""
    min_steps: Annotated[int, Meta(ge=0)] = 0
    """Steps, at `fps`, at the start of an episode in which none of those recorded has succeeded."""
    data: tuple[str, ...] = ()
    """Of each episode that it was trained on a digest that tells which it is, whatever is corrected in it."""
    labels: tuple[str, ...] = ()
    """Of each of these, digest of the classes of its frames as they were labelled."""
    pictures: tuple[str, ...] = ()
    """Of each, digest of the views of its frames."""
    metrics: dict[str, float] = {}
    tensors: str = ""
    """Digest of all weights."""

    @property
    def rewarded(self) -> int:
        """Index of the rewarded class."""
        return self.make.classes.index(self.reward_class)

    def relabelled(self, episode: str, labels: str) -> bool:
        """Whether it has learned from that episode, with other labels than these."""
        return _others(self.data, self.labels, episode, labels)

    def redrawn(self, episode: str, pictures: str) -> bool:
        """Whether it has learned from that episode, with other views than these."""
        return _others(self.data, self.pictures, episode, pictures)


def parts_seen(
    images: Sequence[Image], views: Sequence[Image], rotations: Mapping[str, int]
) -> dict[str, tuple[tuple[int, ...], ...]]:
    """By camera: size of its frames and how they are turned, size of its view, and the part that is in it [pixels]."""
    frames = {image.name: (image.height, image.width, rotations.get(image.name, 0)) for image in images}
    return {view.name: (frames[view.name], (view.height, view.width), view.region[:4]) for view in views}


def _others(episodes: Sequence[str], kept: Sequence[str], episode: str, found: str) -> bool:
    """A merged dataset may have an episode twice."""
    learned = {digest for one, digest in zip(episodes, kept, strict=False) if one == episode}
    return bool(learned) and found not in learned


def rotations_of(config: Config) -> dict[str, int]:
    """By camera, of those whose frames are turned [degrees]."""
    return {name: camera.rotation for name, camera in config.robot.cameras.items() if camera.rotation}


def classifier_path(config: Config) -> Path:
    """Where the task's classifier is."""
    root, given = Path(config.dataset.root), config.processor.reward_classifier.pretrained_path
    return Path(given) if given else root.with_name(f"{root.name}.classifier.safetensors")
