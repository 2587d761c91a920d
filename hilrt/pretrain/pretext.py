"""The network that is trained on what examples tell, and its loss; only its encoders are kept."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.policy.actor import mlp
from hilrt.policy.trunk import Pictures, Trunk
from hilrt.policy.vision import Vision
from hilrt.step.features import Features

BETA = 0.5
"""Beyond this, in standard deviations, an error counts linearly: where an episode goes is not always to be foreseen."""
ALONE = 0.5
"""Weight of what each camera says without the others: each is to see what it can."""
SELF = 0.2
"""Weight of the arm's own state as a picture shows it."""


class Pretext(nn.Module):
    """A policy's trunk, from which everything is told that the examples know."""

    def __init__(self, features: Features, future: int, vision: Vision) -> None:
        """`future`: numbers to foretell; `vision`: sizes of what a policy will have."""
        super().__init__()
        self.trunk = Trunk(features, vision)
        self._commands = len(features.gripper)
        self._split = (future + 1, len(features.action), self._commands)
        out = sum(self._split)
        cameras = len(features.views)
        own = self.trunk.size - cameras * vision.latent
        self._latents = [own, *[vision.latent] * cameras]
        self.together = mlp((self.trunk.size, 256, 256), out)
        self.alone = nn.ModuleList(mlp((own + vision.latent, 256, 256), out) for _ in range(cameras))
        self.arm = nn.ModuleList(nn.Linear(vision.latent, len(features.state)) for _ in range(cameras))

    def told(self, state: Tensor, views: Pictures) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """What all cameras say, what each says alone, and what each says of the arm."""
        latent = self.trunk(state, views)
        own, *seen = torch.split(latent, self._latents, dim=-1)
        alone = [head(torch.cat((own, s), -1)) for head, s in zip(self.alone, seen, strict=True)]
        return self.together(latent), alone, [head(s) for head, s in zip(self.arm, seen, strict=True)]

    def foretold(self, out: Tensor) -> Tensor:
        """The future's part of what is said."""
        return out[..., : self._split[0] - 1]

    def loss(self, state: Tensor, views: Pictures, truth: tuple[Tensor, ...]) -> Tensor:
        """`truth`: future and time left, (B, f + 1), normalised; action; gripper; acted."""
        together, alone, arm = self.told(state, views)
        wanted = ((state - self.trunk.mean) / self.trunk.std).clamp(-5.0, 5.0)
        loss = self._loss(together, truth)
        loss = loss + ALONE * torch.stack([self._loss(out, truth) for out in alone]).mean()
        return loss + SELF * torch.stack([F.smooth_l1_loss(out, wanted, beta=BETA) for out in arm]).mean()

    def _loss(self, out: Tensor, truth: tuple[Tensor, ...]) -> Tensor:
        ahead, action, gripper, acted = truth
        told, done, command = torch.split(out, list(self._split), dim=-1)
        loss = F.smooth_l1_loss(told, ahead, beta=BETA)
        loss = loss + (acted * (done - action).square().mean(-1)).mean()
        if self._commands:
            loss = loss + 0.3 * (acted * F.cross_entropy(command, gripper, reduction="none")).mean()
        return loss
