"""The gripper's critic: double DQN over commands, drawn to those that were shown; symbols as in `hilrt.learner.sac`.

With two arms a command is one of nine and tells both, so one choice of one critic covers what they do together.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.config import Config
from hilrt.learner.batch import Batch
from hilrt.learner.descent import Descent, mean_over
from hilrt.learner.scalars import Scalars
from hilrt.policy.actor import Actor


class GripperCritic:
    """Q_g, its slow copy Q'_g, and the way down; the trunks below them are only read."""

    def __init__(self, pupil: Actor, actor: Actor, config: Config, scalars: Scalars) -> None:
        """Q_g is the pupil's; the actor's follows it slowly and is Q'_g."""
        assert pupil.gripper_net is not None  # or there is nothing to learn
        assert actor.gripper_net is not None
        self._net, self._slow = pupil.gripper_net, actor.gripper_net
        self._trunk, self._slow_trunk = pupil.trunk, actor.trunk
        self._gamma = config.gamma
        self._penalty = config.processor.gripper.gripper_penalty
        self._scalars = scalars
        learner, constants = config.learner, config.learner.constants
        self._lead = constants.gripper_margin
        self.descents = {
            "gripper": Descent(self._net.parameters(), learner.learning_rate, constants.gradient_norm)
        }

    def update(self, latent: Tensor, batch: Batch, rows: Tensor, bc_weight: Tensor | float) -> None:
        """One step on Q_g; commands of `rows` (0 or 1, shape (B,)) are imitated."""
        q: Tensor = self._net(latent)
        loss = self.loss(q, batch) + bc_weight * mean_over(rows, margin(q, batch.gripper, self._lead))
        norm = self.descents["gripper"].step(loss)
        self._scalars.add(gripper_loss=loss, gripper_gradient=norm, gripper_q=q.amax(dim=-1).mean())

    def loss(self, q: Tensor, batch: Batch) -> Tensor:
        """Huber(Q_g(o, g) - y). `q`: Q_g(o, .), shape (B, commands)."""
        return F.huber_loss(q.gather(-1, batch.gripper[:, None]).squeeze(-1), self.bellman(batch))

    @torch.no_grad()
    def bellman(self, batch: Batch) -> Tensor:
        """Y = r + rho + gamma (1 - terminated) Q'_g(o', argmax Q_g(o', .)), rho the penalty for each change.

        No less than what the episode brought, its penalties not discounted.
        """
        best = self._net(self._trunk(*batch.next)).argmax(dim=-1, keepdim=True)
        q = self._slow(self._slow_trunk(*batch.next)).gather(-1, best).squeeze(-1)
        rho = self._penalty * batch.change
        y: Tensor = batch.reward + rho + self._gamma * (1.0 - batch.terminated) * q
        had = self._gamma**batch.steps_left + self._penalty * batch.changes_left
        return torch.maximum(y, had.where(batch.steps_left.isfinite(), y))

    def clone_loss(self, latent: Tensor, batch: Batch) -> Tensor:
        """The large margin of every row, shape (B,)."""
        return margin(self._net(latent), batch.gripper, self._lead)


class NoGripper:
    """In its place where the policy has no say in the gripper."""

    def __init__(self) -> None:
        self.descents: dict[str, Descent] = {}

    def update(self, latent: Tensor, batch: Batch, rows: Tensor, bc_weight: Tensor | float) -> None:
        """Nothing to learn."""

    def clone_loss(self, latent: Tensor, batch: Batch) -> Tensor:  # noqa: ARG002 - as the gripper's critic has it
        """Nothing to imitate."""
        return torch.zeros_like(batch.shown)


def margin(q: Tensor, shown: Tensor, lead: float) -> Tensor:
    """How far the shown command's Q is from leading the others: max_g [Q(g) + m(g)] - Q(shown), m(shown) 0.

    Large-margin imitation of a greedy policy (Hester et al. 2018); shapes (B, commands), (B,) to (B,).
    """
    leads = torch.full_like(q, lead).scatter_(-1, shown[:, None], 0.0)
    return (q + leads).amax(dim=-1) - q.gather(-1, shown[:, None]).squeeze(-1)
