"""The encoders that a policy needs, one for each camera; hilrt's, or the user's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from hilrt.config.own import make_own
from hilrt.errors import OwnCodeError
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import read_encoders
from hilrt.policy.encoders.resnet import ResNet
from hilrt.policy.encoders.shapes import STRIDES, feature_shape
from hilrt.policy.vision import Vision
from hilrt.step.features import Image

OPTION = "policy.encoder"


class Encoder(Protocol):
    """What every encoder is. One of hilrt's that is frozen has no parameters, and an empty `state_dict`.

    The user's own is a `torch.nn.Module`, made with no arguments for each camera. What is learned of it is published
    and kept with the policy; parameters that want no gradient stay as they are.
    """

    def __call__(self, views: Tensor) -> Tensor:
        """Pictures, uint8 (B, H, W, 3) in RGB, to features, float (B, C, h, w), as in `shapes.feature_shape`."""


def build_encoders(vision: Vision, views: Sequence[Image]) -> nn.ModuleList:
    """An `Encoder` for each view.

    Raises:
        EncoderWeightsError, PretrainedEncoderError: the weights cannot be had from `vision.weights`.
        OwnCodeError: one of the user's own cannot be used.
    """
    if vision.encoder not in STRIDES:
        return nn.ModuleList(_own(vision.encoder, view) for view in views)
    if vision.encoder == "conv":
        return nn.ModuleList(Conv() for _ in views)
    if vision.encoder == "pretrained":
        return nn.ModuleList(read_encoders(Path(vision.weights), views))
    shared = ResNet(vision.encoder, Path(vision.weights))
    return nn.ModuleList(shared for _ in views)


def shape_of(encoder: nn.Module, kind: str, view: Image) -> tuple[int, int, int]:
    """Channels, height and width of what an encoder makes of a view."""
    if kind in STRIDES:
        return feature_shape(kind, view.height, view.width)
    with torch.no_grad():
        _, channels, height, width = encoder(
            torch.zeros((1, view.height, view.width, 3), dtype=torch.uint8)
        ).shape
    return channels, height, width


def _own(path: str, view: Image) -> nn.Module:
    """The user's own, once it has been seen to work."""
    made = make_own(OPTION, path)
    if not isinstance(made, nn.Module):
        raise OwnCodeError(OPTION, path, f"makes a {type(made).__name__}, which is no torch.nn.Module")
    if odd := [name for name, value in made.state_dict().items() if not value.is_floating_point()]:
        problem = f"keeps {odd[0]}, which is no floating-point number, so no slow copy can follow it"
        raise OwnCodeError(
            OPTION, path, f"{problem}; in place of batch normalisation use GroupNorm or LayerNorm"
        )
    try:
        shape_of(made, path, view)
    except Exception as error:
        problem = f"makes no features (B, C, h, w) of pictures uint8 (B, {view.height}, {view.width}, 3)"
        raise OwnCodeError(OPTION, path, f"{problem}: {type(error).__name__}: {error}") from error
    return made
