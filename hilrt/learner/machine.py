"""What the config leaves to the machine: where to learn, where to keep pictures, and in what numbers."""

import torch

from hilrt.config import Learner
from hilrt.learner.album import fits
from hilrt.policy.device import CPU, device_of


def storage_of(learner: Learner, device: torch.device, nbytes: int) -> torch.device:
    """Where to keep so many bytes of pictures; raises as `device_of`."""
    if learner.storage_device != "auto":
        return device_of(learner.storage_device, "learner.storage_device")
    return device if fits(nbytes, device) else CPU


def computing_type(learner: Learner, device: torch.device) -> torch.dtype:
    """What networks are computed in."""
    if learner.precision == "auto":
        able = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if able else torch.float32
    return torch.bfloat16 if learner.precision == "bfloat16" else torch.float32


def updates_per_step(learner: Learner, device: torch.device) -> float:
    """Critic updates that an online step pays for."""
    if learner.utd_ratio is not None:
        return learner.utd_ratio
    return 8.0 if device.type == "cuda" else 2.0
