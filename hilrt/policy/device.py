"""What torch computes on."""

import torch

from hilrt.errors import DeviceError

CPU = torch.device("cpu")


def device_of(name: str, setting: str = "learner.device") -> torch.device:
    """The device that a setting means, with its number.

    Raises:
        DeviceError: no such device, or it does not answer.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(setting, name, str(error).split("\n", 1)[0]) from None
