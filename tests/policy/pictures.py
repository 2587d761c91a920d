"""Cameras, and weights for them, that tests of pictures share."""

from collections.abc import Sequence
from pathlib import Path

import torch

from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.policy.vision import Vision
from hilrt.step.features import GRIPPER, Features, Image

VIEWS = (Image("front", 32, 48, 0), Image("wrist", 32, 32, 4608))
FEATURES = Features(10, ("",), ("a", "b", "c"), ("dx", "dy"), GRIPPER, VIEWS, VIEWS)


def views(batch: int = 5, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Random pictures of both cameras."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [(batch, view.height, view.width, 3) for view in VIEWS]
    return tuple(torch.randint(256, size, generator=generator, dtype=torch.uint8) for size in sizes)


def encoder_file(folder: Path, seed: int = 0, views: Sequence[Image] = VIEWS) -> Path:
    """A file as `hilrt pretrain` writes it, with encoders that have learned nothing."""
    torch.manual_seed(seed)
    path = folder / "encoder.safetensors"
    write_encoders(path, {view.name: Conv() for view in views}, views, {"steps": "0"})
    return path


def vision(folder: Path) -> Vision:
    """A small frozen one."""
    return Vision(encoder="pretrained", weights=str(encoder_file(folder)), embeddings=2, latent=16)


TRAINED = Vision(encoder="conv", embeddings=2, latent=16)
