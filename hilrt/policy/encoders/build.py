"""The encoders that a policy needs, one for each camera."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import read_encoders
from hilrt.policy.encoders.resnet import ResNet
from hilrt.policy.vision import Vision
from hilrt.step.features import Image


class Encoder(Protocol):
    """What an encoder is; one that is frozen has no parameters, and its `state_dict` is empty."""

    frozen: bool
    channels: int
    digest: str
    """Of the weights file; empty where the encoder is trained."""

    def __call__(self, views: Tensor) -> Tensor:
        """Pictures, uint8 (B, H, W, 3) in RGB, to features, float (B, C, h, w), as in `shapes.feature_shape`."""


def build_encoders(vision: Vision, views: Sequence[Image]) -> nn.ModuleList:
    """An `Encoder` for each view.

    Raises:
        EncoderWeightsError, PretrainedEncoderError: the weights cannot be had from `vision.weights`.
    """
    if vision.encoder == "conv":
        return nn.ModuleList(Conv() for _ in views)
    if vision.encoder == "pretrained":
        return nn.ModuleList(read_encoders(Path(vision.weights), views))
    shared = ResNet(vision.encoder, Path(vision.weights))
    return nn.ModuleList(shared for _ in views)
