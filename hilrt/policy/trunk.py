"""The trunk: what an observation comes down to before anything is decided about it."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from hilrt.config.constants import NETWORKS, Networks
from hilrt.config.state import least_spread
from hilrt.policy.encoders.build import build_encoders, shape_of
from hilrt.policy.encoders.conv import Pretrained
from hilrt.policy.vision import Vision
from hilrt.step.features import Features
from hilrt.step.record import Float32

Pictures = tuple[Tensor, ...]
"""Of each camera, batched: views, uint8 (..., H, W, 3), or an encoder's features of them (..., C, h, w)."""


class Glance(nn.Module):
    """A camera's features (..., C, h, w) to (..., latent): where in the picture is what.

    Spatial learned embeddings: for each channel some weighted sums over the picture, the weights learned; then Linear,
    LayerNorm, tanh.
    """

    def __init__(self, shape: tuple[int, int, int], embeddings: int, latent: int) -> None:
        super().__init__()
        channels, height, width = shape
        places = height * width
        self.embeddings = nn.Parameter(torch.randn(channels, embeddings, places) * places**-0.5)
        self.out = nn.Sequential(nn.Linear(channels * embeddings, latent), nn.LayerNorm(latent), nn.Tanh())

    def begin_from(self, trained: Mapping[str, Tensor]) -> bool:
        """Take over what was trained before; False, with nothing changed, where it is of another size."""
        own = {name: value.shape for name, value in self.state_dict().items()}
        fits = {name: value.shape for name, value in trained.items()} == own
        if fits:
            self.load_state_dict(dict(trained))
        return fits

    def forward(self, features: Tensor) -> Tensor:
        """Latent of features."""
        batch = features.shape[:-3]
        if not torch.is_autocast_enabled(features.device.type):
            features = features.float()
        # an encoder's own are laid out channels last, in which the product takes three times as long
        maps = features.reshape(-1, features.shape[-3], self.embeddings.shape[-1]).contiguous()
        # one product for each channel, the batch last: three times as fast as with the batch first
        sums = torch.bmm(self.embeddings, maps.permute(1, 2, 0)).permute(2, 0, 1)
        out: Tensor = self.out(sums.flatten(1))
        return out.reshape(*batch, -1)


class Trunk(nn.Module):
    """State (..., ds) and pictures to latent (..., size).

    The state: normalise, Linear, LayerNorm, tanh. Each camera: encoder, embeddings (see `Glance`). A
    frozen encoder is no part of the parameters or of the `state_dict`.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, features: Features, vision: Vision | None = None, networks: Networks = NETWORKS
    ) -> None:
        """Raises as `build_encoders` does."""
        super().__init__()
        size, views = len(features.state), features.views if vision else ()
        self._names = features.state
        self.vision = vision
        self.begun_anew = False
        """Whether something was trained behind the encoders that is of another size."""
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))
        self.size, self._clip = networks.state_latent, networks.state_clip
        self.state = nn.Sequential(nn.Linear(size, self.size), nn.LayerNorm(self.size), nn.Tanh())
        if vision:
            self.encoders = build_encoders(vision, views)
            seen = zip(self.encoders, views, strict=True)
            shapes = [shape_of(encoder, vision.encoder, view) for encoder, view in seen]
            glances = [Glance(shape, vision.embeddings, vision.latent) for shape in shapes]
            for glance, encoder in zip(glances, self.encoders, strict=True):
                if isinstance(encoder, Pretrained) and encoder.glance:
                    self.begun_anew |= not glance.begin_from(encoder.glance)
            self.glances = nn.ModuleList(glances)
            self.size += vision.latent * len(views)

    @property
    def digest(self) -> str:
        """Of the frozen encoder's weights; empty without one."""
        return str(self.encoders[0].digest) if self.vision and self.vision.frozen else ""

    def normalise_by(self, states: Float32) -> None:
        """Take mean and standard deviation from demonstrated states, shape (n, ds).

        An entry that hardly varies there is measured by what its sensor can tell; one of unknown unit that never does
        keeps its unit.
        """
        self.mean.copy_(torch.from_numpy(states.mean(axis=0)))
        varies = np.ptp(states, axis=0) > 0.0  # of what does not, rounding makes a spread of its own
        std = np.maximum(states.std(axis=0) * varies, [least_spread(name) for name in self._names])
        self.std.copy_(torch.from_numpy(np.where(std > 0.0, std, 1.0).astype(np.float32)))

    def encode(self, pictures: Sequence[Tensor]) -> Pictures:
        """Features of views; what is features already stays as it is."""
        return tuple(
            encoder(picture) if picture.dtype == torch.uint8 else picture
            for encoder, picture in zip(self.encoders if self.vision else (), pictures, strict=True)
        )

    def features(self, views: Sequence[Tensor]) -> Pictures:
        """What a frozen encoder makes of one view of each camera, (H, W, 3), to be kept: bfloat16 (C, h, w)."""
        seen = self.encode([view[None].to(self.mean.device) for view in views])
        return tuple(features[0].bfloat16().contiguous() for features in seen)

    def forward(self, state: Tensor, pictures: Sequence[Tensor] = ()) -> Tensor:
        """Latent of raw states, and of pictures where the policy sees any."""
        out: Tensor = self.state(((state - self.mean) / self.std).clamp(-self._clip, self._clip))
        if self.vision is None:
            return out
        seen = zip(self.glances, self.encode(pictures), strict=True)
        return torch.cat([out, *(glance(features) for glance, features in seen)], dim=-1)
