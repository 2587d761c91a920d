"""Sizes of the maps that encoders make; no torch, so that all processes can ask."""

import math

STRIDES = {"pretrained": 16, "conv": 16, "resnet10": 32, "resnet18": 32}
"""Pixels between two places of a map."""
CHANNELS = {"pretrained": 128, "conv": 128, "resnet10": 512, "resnet18": 512}
FROZEN = frozenset({"pretrained", "resnet10", "resnet18"})
"""Encoders whose weights come from a file and stay as they are."""


def feature_shape(encoder: str, height: int, width: int) -> tuple[int, int, int]:
    """Channels, height and width of an encoder's map of a picture."""
    stride = STRIDES[encoder]
    return CHANNELS[encoder], math.ceil(height / stride), math.ceil(width / stride)
