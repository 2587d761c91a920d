"""The file that `hilrt pretrain` writes: an encoder for each camera, and what they were made for."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import xxhash
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from hilrt.devices.tensorfile import reading
from hilrt.devices.wholefile import put_whole
from hilrt.errors import PretrainedEncoderError
from hilrt.errors.plain import plain
from hilrt.policy.encoders.conv import Conv, Pretrained
from hilrt.step.difference import sizes
from hilrt.step.features import Image

FORMAT = "hilrt encoder 1"
GLANCE = "glance"


class _About(msgspec.Struct, frozen=True):
    views: str
    facts: dict[str, str]
    digest: str = ""
    """Of views and tensors; empty in files of before."""


def write_encoders(
    path: Path,
    encoders: Mapping[str, Conv],
    views: Sequence[Image],
    facts: Mapping[str, str],
    glances: Mapping[str, nn.Module] | None = None,
) -> str:
    """Write encoders by camera under the file's name once they are all on disk; returns the file's SHA-256.

    Args:
        path: the file; folders above it are made.
        encoders: by camera.
        views: what they were trained on.
        facts: of their training, for people.
        glances: what was trained on top of each, where a policy may begin from.

    Raises:
        PretrainedEncoderError: the disk does not take it.
    """
    parts: list[tuple[str, nn.Module]] = [(name, encoder) for name, encoder in encoders.items()]
    parts += [(f"{name}.{GLANCE}", glance) for name, glance in (glances or {}).items()]
    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, part in parts
        for key, value in part.state_dict().items()
    }
    about = msgspec.json.encode(_About(_told(views), dict(facts), _digest(_told(views), tensors)))
    data = save(tensors, {FORMAT: about.decode()})  # one entry: safetensors writes several in any order
    try:
        put_whole(path, data)
    except OSError as error:
        raise PretrainedEncoderError(str(path), f"cannot be written: {error.strerror}") from None
    return hashlib.sha256(data).hexdigest()


def read_encoders(path: Path, views: Sequence[Image]) -> list[Pretrained]:
    """The frozen encoders of a file, one for each view.

    Raises:
        PretrainedEncoderError: there is no such file, it cannot be read, or it was made for other cameras or sizes.
    """
    with reading(path, PretrainedEncoderError):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="pt") as file:
            about = (file.metadata() or {}).get(FORMAT)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    if about is None:
        raise PretrainedEncoderError(str(path), f'is not from `hilrt pretrain`: it has no entry "{FORMAT}"')
    try:
        made = msgspec.json.decode(about, type=_About)
    except msgspec.MsgspecError as error:
        raise PretrainedEncoderError(str(path), f"is damaged: {plain(error)}") from None
    with reading(path, PretrainedEncoderError):
        whole = not made.digest or made.digest == _digest(made.views, tensors)
    if not whole:
        raise PretrainedEncoderError(str(path), "is damaged: its digest is another")
    if made.views != _told(views):
        raise PretrainedEncoderError(str(path), f"was trained on {made.views}; the task has {_told(views)}")
    return [
        Pretrained(_of(view.name, tensors), digest, _of(f"{view.name}.{GLANCE}", tensors)) for view in views
    ]


def _of(camera: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"{camera}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _digest(views: str, tensors: Mapping[str, Tensor]) -> str:
    digest = xxhash.xxh3_64(views.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _told(views: Sequence[Image]) -> str:
    return ", ".join(sizes(views))
