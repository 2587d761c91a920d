"""How cameras come into the policy, with all that the config leaves to the machine decided; and what is kept of them.

No torch here: the supervisor lays out shared memory by it.
"""

from math import prod
from pathlib import Path
from typing import Literal

import msgspec

from hilrt.config import Config
from hilrt.policy.encoders.shapes import FROZEN, feature_shape
from hilrt.policy.sizes import on_gpu, sizes_for, variants_of
from hilrt.step.features import ALIGNMENT, Features


class Vision(msgspec.Struct, frozen=True, kw_only=True):
    """An encoder for each camera, and what its map comes down to."""

    encoder: str
    weights: str = ""
    """Path of a frozen encoder's file."""
    embeddings: int = 4
    latent: int = 128

    @property
    def frozen(self) -> bool:
        """Whether the encoder stays as it is, so that features can be kept in place of pictures."""
        return self.encoder in FROZEN


class Plane(msgspec.Struct, frozen=True):
    """Of one camera's picture at one step: the view itself, or its features, at `offset` within what is sent."""

    camera: str
    kind: Literal["view", "features"]
    shape: tuple[int, ...]
    offset: int

    @property
    def nbytes(self) -> int:
        """A view is uint8, features are bfloat16."""
        return prod(self.shape) * (1 if self.kind == "view" else 2)


class Sight(msgspec.Struct, frozen=True):
    """What the learner gets of a step's pictures, and in how many versions it keeps that."""

    planes: tuple[Plane, ...] = ()
    variants: int = 0
    """Versions of the features that are kept; 0: views are kept."""
    journalled: bool = False
    """Whether the learner takes views from the journal; control then sends it none."""

    @property
    def sent(self) -> tuple[Plane, ...]:
        """What control sends."""
        return () if self.journalled else self.planes

    @property
    def nbytes(self) -> int:
        """Bytes of what is sent of a step, gaps for alignment included."""
        return max((_aligned(p.offset + p.nbytes) for p in self.sent), default=0)

    @property
    def kept(self) -> tuple[tuple[int, ...], ...]:
        """Shape of what the replay keeps of each camera: views (H, W, 3), or features (variants, C, h, w)."""
        if not self.variants:
            return tuple(p.shape for p in self.planes)
        return tuple((self.variants, *p.shape) for p in self.planes if p.kind == "features")

    @property
    def kept_bytes(self) -> int:
        """Bytes of that in one row."""
        return sum(prod(shape) for shape in self.kept) * (2 if self.variants else 1)


def vision_of(config: Config) -> Vision | None:
    """None where the policy sees no pictures."""
    policy = config.policy
    if policy.encoder == "none" or not config.robot.cameras:
        return None
    return Vision(
        encoder=policy.encoder,
        weights=str(frozen_weights(config) or ""),
        embeddings=policy.embeddings or sizes_for(gpu=on_gpu(config)).embeddings,
        latent=policy.latent or sizes_for(gpu=on_gpu(config)).latent,
    )


def frozen_weights(config: Config) -> Path | None:
    """Where the frozen encoder's file is; None where the policy needs none."""
    if config.policy.encoder not in FROZEN or not config.robot.cameras:
        return None
    if config.policy.weights:
        return Path(config.policy.weights)
    if config.policy.encoder == "pretrained":
        return beside_demonstrations(config)
    return Path("weights") / config.policy.encoder / "model.safetensors"


def beside_demonstrations(config: Config) -> Path:
    """Where `hilrt pretrain` leaves what it made of them."""
    root = Path(config.dataset.root)
    return root.with_name(f"{root.name}.encoder.safetensors")


def sight_of(config: Config, features: Features, *, gpu: bool | None = None) -> Sight:
    """Views for an encoder that is trained, or sees each afresh; else features, and views to make variants of.

    Where frames are kept as JPEG, views are made of what the journal has of them: a resumed run has nothing else.

    `gpu`: whether the learner has one; True, where it is not known, gives an upper bound of `nbytes`.
    """
    encoder, variants = config.policy.encoder, 0
    if encoder == "none" or not features.views:
        return Sight()
    if encoder in FROZEN:
        variants = variants_of(config.policy, sizes_for(gpu=on_gpu(config) if gpu is None else gpu))
    shapes: list[tuple[str, Literal["view", "features"], tuple[int, ...]]] = []
    if variants:
        shapes += [(v.name, "features", feature_shape(encoder, v.height, v.width)) for v in features.views]
    if variants != 1:
        shapes += [(v.name, "view", (v.height, v.width, 3)) for v in features.views]
    planes: list[Plane] = []
    offset = 0
    for camera, kind, shape in shapes:
        planes.append(Plane(camera, kind, shape, offset))
        offset = _aligned(offset + planes[-1].nbytes)
    return Sight(tuple(planes), variants, journalled=config.dataset.image_format == "jpeg" and not variants)


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
