"""Weights files of frozen encoders: read without running anything in them, and known again by their hash."""

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from hilrt.errors import EncoderWeightsError
from hilrt.policy.encoders.torchfile import read_torch_file

_PICKLE = (
    "is a bare pickle, which may run anything when it is loaded, so it is not (PyTorch before 1.6 and JAX write such "
    "files; `torch.load(..., weights_only=True)` and `safetensors.torch.save_file` convert one)"
)


def read_weights(path: Path, encoder: str) -> tuple[dict[str, Tensor], str]:
    """A safetensors or torch file's tensors by name, and the file's SHA-256, hexadecimal.

    `encoder` is whom they are for, to tell how to get them.

    Raises:
        EncoderWeightsError: there is no such file, or it cannot be read.
    """
    try:
        data = path.read_bytes()
        if data.startswith(b"\x80"):
            raise EncoderWeightsError(encoder, str(path), _PICKLE)
        tensors = read_torch_file(data) if data.startswith(b"PK") else load(data)
    except OSError as error:
        raise EncoderWeightsError(encoder, str(path), f"cannot be read: {error.strerror}") from None
    except (SafetensorError, ValueError) as error:
        problem = f"is damaged, or neither a safetensors nor a torch file: {error}"
        raise EncoderWeightsError(encoder, str(path), problem) from None
    return tensors, hashlib.sha256(data).hexdigest()
