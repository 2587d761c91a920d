"""A reward classifier as one file: networks, what they were trained on, and from which probability on it is success.

A safetensors file with `About` sealed in its metadata. Nothing in it is run when it is read.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
import xxhash
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from hilrt.config import ImagePreprocessing
from hilrt.devices.preprocess import Picture, Preprocess
from hilrt.devices.tensorfile import reading
from hilrt.devices.wholefile import put_whole
from hilrt.errors import ClassifierError, ClassifierViewError
from hilrt.reward.about import ENTRY, FORMAT, About
from hilrt.reward.network import Network, blank
from hilrt.reward.reading import read_about, require_cameras
from hilrt.step.difference import sizes
from hilrt.step.features import Features, Image
from hilrt.step.record import Float32
from hilrt.step.sealed import sealed


class Bundle:
    """Judges frames as the cameras give them: the very same crop, size and rounding as in training."""

    def __init__(self, about: About, network: Network, path: Path = Path()) -> None:
        """`path`: of its file, for messages."""
        self.about, self.network, self.path = about, network.eval(), path
        views = about.make.views
        crops = {view.name: view.region[:4] for view in views if view.region}
        settings = msgspec.convert({"crop_params_dict": crops}, ImagePreprocessing)
        self.preprocess = Preprocess(settings, Features(1, ("",), (), (), (), about.images, views))

    @classmethod
    def load(cls, path: Path, device: torch.device) -> "Bundle":
        """Read a file.

        Raises:
            ClassifierError: there is none, it is damaged, of another version, or something else.
        """
        about = read_about(path)
        with reading(path, ClassifierError), safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        network = blank(about.make, tensors)
        _fill(network, tensors, about, path)
        return cls(about, network.to(device), path)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            ClassifierError: the disk does not take it.
        """
        tensors = {name: t.detach().cpu().contiguous() for name, t in self.network.tensors().items()}
        about = msgspec.structs.replace(self.about, tensors=_digest(tensors))
        data = save(tensors, {ENTRY: sealed(about, FORMAT).decode()})
        try:
            put_whole(path, data)
        except OSError as error:
            raise ClassifierError(str(path), f"cannot be written: {error.strerror}") from None

    def require(self, features: Features, rotations: Mapping[str, int]) -> None:
        """That a task's cameras are those it was trained on; see `require_cameras`."""
        require_cameras(self.about, self.path, features, rotations)

    def shares(self, encoder: str, digest: str, views: Sequence[Image]) -> frozenset[str]:
        """Cameras of which a policy's features may be passed to `probabilities`.

        Args:
            encoder: the kind that the policy has (`Trunk.vision`).
            digest: of its weights (`Trunk.digest`).
            views: what the policy sees.
        """
        make = self.about.make
        if not digest or (encoder, digest) != (make.encoder, make.encoder_digest):
            return frozenset()
        theirs = {view.name: (view.height, view.width, view.region) for view in views}
        return frozenset(v.name for v in make.views if theirs.get(v.name) == (v.height, v.width, v.region))

    @torch.inference_mode()
    def probabilities(
        self, frames: Mapping[str, Picture], known: Mapping[str, Tensor] | None = None
    ) -> Float32:
        """Of each class, shape (classes,), float32, sum 1.

        Args:
            frames: by camera, uint8 (H, W, 3) in RGB, as the cameras give them; a camera in `known` needs none.
            known: features by camera, (C, h, w), of cameras in `shares`, as `Trunk.features` makes them.

        Raises:
            ClassifierViewError: a frame is of another size than those it was trained on.
        """
        known = known or {}
        self._check({name: frame for name, frame in frames.items() if name not in known})
        seen = [
            known[view.name][None].to(self.network.device)
            if view.name in known
            else self.features(camera, frames[view.name])
            for camera, view in enumerate(self.about.make.views)
        ]
        told: Float32 = self.told(seen)[0]
        return told

    @torch.inference_mode()
    def features(self, camera: int, frame: Picture) -> Tensor:
        """Of one frame of the camera of that number, (1, C, h, w)."""
        seen = self.preprocess.apply(self.about.make.views[camera].name, frame)
        view = np.require(seen, requirements="W")  # torch takes no other; a decoded frame may be read-only
        return self.network.features(camera, torch.from_numpy(view)[None].to(self.network.device))

    @torch.inference_mode()
    def told(self, features: Sequence[Tensor]) -> Float32:
        """Probabilities, (B, classes), of features of all cameras."""
        logits: Tensor = self.network(features)
        return np.asarray(logits.float().softmax(dim=-1).cpu().numpy(), np.float32)

    def _check(self, frames: Mapping[str, Picture]) -> None:
        for image in self.about.images:
            frame = frames.get(image.name)
            if frame is not None and frame.shape != (image.height, image.width, 3):
                height, width = frame.shape[:2]
                given = f"{image.name} {width}x{height}"
                raise ClassifierViewError(str(self.path), ", ".join(sizes(self.about.images)), given)


@torch.no_grad()
def _fill(network: Network, tensors: Mapping[str, Tensor], about: About, path: Path) -> None:
    own = network.tensors()
    expected = {name: (t.dtype, tuple(t.shape)) for name, t in own.items()}
    found = {name: (t.dtype, tuple(t.shape)) for name, t in tensors.items()}
    if wrong := sorted(n for n in {*expected, *found} if expected.get(n) != found.get(n)):
        words = _some(wrong)
        raise ClassifierError(str(path), f"is damaged: its weights are not those of its network ({words})")
    if _digest(tensors) != about.tensors:
        raise ClassifierError(str(path), "is damaged: its weights are not what their digest says")
    for name, tensor in own.items():
        tensor.copy_(tensors[name])


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = xxhash.xxh3_64()
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)}".encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()


def _some(names: Collection[str]) -> str:
    first = list(names)[:3]
    return ", ".join(first) + (f" and {len(names) - len(first)} more" if len(names) > len(first) else "")
