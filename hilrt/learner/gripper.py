"""The gripper's critic: double DQN over commands, drawn to those that were shown; symbols as in `hilrt.learner.sac`.

With two arms a command is one of nine and tells both, so one choice of one critic covers what they do together.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.config import Config
from hilrt.learner.batch import Batch
from hilrt.learner.descent import Descent, follow, mean_over
from hilrt.learner.networks import Target
from hilrt.learner.scalars import Scalars
from hilrt.policy.actor import Actor

GRIPPER_MARGIN = 0.05
"""Lead in Q that a human's gripper command is given over the others; one step is worth about 0.03."""


class GripperCritic:
    """Q_g, its slow copy Q'_g, and the way down; the trunks below them are only read."""

    def __init__(
        self, net: nn.Module, slow: nn.Module, actor: Actor, target: Target, config: Config, scalars: Scalars
    ) -> None:
        """`net` is the actor's and `slow` the target's."""
        self._net, self._slow = net, slow
        self._trunk, self._slow_trunk = actor.trunk, target.trunk
        self._gamma = config.gamma
        self._tau = config.learner.tau
        self._penalty = config.processor.gripper.gripper_penalty
        self._scalars = scalars
        self.descents = {"gripper": Descent(net.parameters(), config.learner.learning_rate)}

    def update(self, latent: Tensor, batch: Batch, rows: Tensor, bc_weight: Tensor | float) -> None:
        """One step on Q_g; commands of `rows` (0 or 1, shape (B,)) are imitated."""
        q: Tensor = self._net(latent)
        loss = self.loss(q, batch) + bc_weight * mean_over(rows, margin(q, batch.gripper))
        norm = self.descents["gripper"].step(loss)
        follow(self._slow, self._net, self._tau)
        self._scalars.add(gripper_loss=loss, gripper_gradient=norm, gripper_q=q.amax(dim=-1).mean())

    def loss(self, q: Tensor, batch: Batch) -> Tensor:
        """Huber(Q_g(o, g) - y). `q`: Q_g(o, .), shape (B, commands)."""
        return F.huber_loss(q.gather(-1, batch.gripper[:, None]).squeeze(-1), self.bellman(batch))

    @torch.no_grad()
    def bellman(self, batch: Batch) -> Tensor:
        """Y = r + rho + gamma (1 - terminated) Q'_g(o', argmax Q_g(o', .)), rho the penalty for each change."""
        best = self._net(self._trunk(*batch.next)).argmax(dim=-1, keepdim=True)
        q = self._slow(self._slow_trunk(*batch.next)).gather(-1, best).squeeze(-1)
        rho = self._penalty * batch.change
        y: Tensor = batch.reward + rho + self._gamma * (1.0 - batch.terminated) * q
        return y

    def clone_loss(self, latent: Tensor, batch: Batch) -> Tensor:
        """The large margin of every row, shape (B,)."""
        return margin(self._net(latent), batch.gripper)

    def catch_up(self) -> None:
        """Make the slow copy equal."""
        follow(self._slow, self._net, 1.0)


class NoGripper:
    """In its place where the policy has no say in the gripper."""

    def __init__(self) -> None:
        self.descents: dict[str, Descent] = {}

    def update(self, latent: Tensor, batch: Batch, rows: Tensor, bc_weight: Tensor | float) -> None:
        """Nothing to learn."""

    def clone_loss(self, latent: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002 - as the gripper's critic has it
        """Nothing to imitate."""
        return torch.zeros_like(batch.shown)

    def catch_up(self) -> None:
        """Nothing to copy."""


def margin(q: Tensor, shown: Tensor) -> Tensor:
    """How far the shown command's Q is from leading the others by the margin: max_g [Q(g) + m(g)] - Q(shown).

    Large-margin imitation of a greedy policy (Hester et al. 2018); shapes (B, commands), (B,) to (B,).
    """
    lead = torch.full_like(q, GRIPPER_MARGIN).scatter_(-1, shown[:, None], 0.0)
    return (q + lead).amax(dim=-1) - q.gather(-1, shown[:, None]).squeeze(-1)
