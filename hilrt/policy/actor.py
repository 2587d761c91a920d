"""The actor: all that acting needs, so all that is published to control and kept in `actor.safetensors`."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.config.constants import NETWORKS, Networks
from hilrt.errors import ActorMismatchError
from hilrt.policy.trunk import Trunk
from hilrt.policy.vision import Vision
from hilrt.step.features import Features
from hilrt.step.record import Float32, GripperCommand, gripper_index

STD_MIN = 1e-5
"""A density stays finite."""


class Policy(NamedTuple):
    """A tanh-Gaussian over actions, before the tanh: `mean` and `std`, shape (..., da)."""

    mean: Tensor
    std: Tensor

    def sample(self, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Reparameterised action in (-1, 1) and its log-density, shape (...)."""
        noise = torch.randn(
            self.mean.shape, generator=generator, device=self.mean.device, dtype=self.mean.dtype
        )
        u = self.mean + self.std * noise
        gaussian = -0.5 * noise.square() - self.std.log() - 0.9189385332046727
        # log(1 - tanh(u)^2) in the form that stays finite
        squash = 2.0 * (0.6931471805599453 - u - F.softplus(-2.0 * u))
        return u.tanh(), (gaussian - squash).sum(-1)


class Head(nn.Linear):
    """A last layer in float32, whatever those before it compute in: bfloat16 would tell values apart by 0.4 % only."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


def mlp(sizes: tuple[int, ...], out: int) -> nn.Sequential:
    """Linear, LayerNorm, ReLU per hidden layer; a small last layer: nothing is decided before learning."""
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), nn.LayerNorm(b), nn.ReLU()]
    last = Head(sizes[-1], out)
    nn.init.uniform_(last.weight, -3e-3, 3e-3)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


class Actor(nn.Module):
    """Trunk, tanh-Gaussian policy over the continuous action, and Q values of the gripper commands.

    Without gripper commands in the features, `gripper_net` is absent and the grippers are told to stay as they are.
    """

    gripper_net: nn.Sequential | None

    def __init__(
        self, features: Features, vision: Vision | None = None, networks: Networks = NETWORKS
    ) -> None:
        """`vision`: None for a policy that sees no pictures; raises as `Trunk` does."""
        super().__init__()
        self.features, self.networks = features, networks
        self._stay = gripper_index([GripperCommand.STAY] * len(features.sides))
        self.trunk = Trunk(features, vision, networks)
        size, commands = self.trunk.size, len(features.gripper)
        self.policy_net = mlp((size, networks.hidden, networks.hidden), 2 * len(features.action))
        few = networks.gripper_hidden
        self.gripper_net = mlp((size, few, few), commands) if commands else None

    def policy(self, latent: Tensor) -> Policy:
        """Action distribution at a latent."""
        mean, log_std = self.policy_net(latent).chunk(2, dim=-1)
        std = self.networks.std_initial * log_std.exp()
        return Policy(mean, std.clamp(STD_MIN, self.networks.std_max))

    @torch.inference_mode()
    def act(
        self,
        state: Float32,
        deterministic: bool,
        epsilon: float = 0.0,
        generator: torch.Generator | None = None,
        pictures: Sequence[Tensor] = (),
    ) -> tuple[Float32, int]:
        """Action, float32 in [-1, 1], shape (da,), and gripper command for one state, as `Record.gripper` has it.

        Args:
            state: float32, shape (ds,).
            deterministic: the policy's mode instead of a sample.
            epsilon: chance of a random gripper command, any of `features.gripper` alike.
            generator: source of randomness on the actor's device; torch's own by default.
            pictures: of each camera, without a batch axis; see `trunk.Pictures`.
        """
        batched = [picture[None] for picture in pictures]
        latent = self.trunk(torch.from_numpy(state).to(self.trunk.mean.device)[None], batched)[0]
        policy = self.policy(latent)
        action = policy.mean.tanh() if deterministic else policy.sample(generator)[0]
        return action.cpu().numpy(), self._command(latent, epsilon, generator)

    def _command(self, latent: Tensor, epsilon: float, generator: torch.Generator | None) -> int:
        if self.gripper_net is None:
            return self._stay
        if epsilon > 0.0 and float(torch.rand((), generator=generator)) < epsilon:
            return int(torch.randint(len(self.features.gripper), (), generator=generator))
        return int(self.gripper_net(latent).argmax())

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Parameters and normalisation by name; shares memory with the actor when it is on the CPU."""
        return {name: value.detach().cpu().numpy() for name, value in self.state_dict().items()}

    @torch.no_grad()
    def load_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Inverse of `to_arrays`.

        Raises:
            ActorMismatchError: names or shapes are not this actor's; nothing was changed.
        """
        own = self.state_dict()
        expected = {name: tuple(value.shape) for name, value in own.items()}
        given = {name: tuple(value.shape) for name, value in arrays.items()}
        if given != expected:
            raise ActorMismatchError(_difference(given, expected))
        for name, value in own.items():
            value.copy_(torch.from_numpy(arrays[name]))


def _difference(found: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]]) -> str:
    names = sorted(n for n in {*expected, *found} if expected.get(n) != found.get(n))
    return "; ".join(f"{n}: {found.get(n, 'absent')}, expected {expected.get(n, 'none')}" for n in names)
