"""HG-DAgger (Kelly et al. 2019): the policy is cloned from demonstrations and corrections, and nothing else.

python benches/experiments/vary.py ... \
        --vary 'learner.algorithm="hgdagger:HgDagger";learner.warm_start_steps=1500;learner.critic_warmup_steps=0'

As many updates of cloning before the first step as our own learner has, which goes on cloning while critics warm up.
"""

import torch
from torch import Tensor

from hilrt.config import Config
from hilrt.learner.batch import Batch
from hilrt.learner.descent import follow
from hilrt.learner.replay import Tier
from hilrt.learner.sac import Sac
from hilrt.policy.actor import Actor


class HgDagger(Sac):
    """Our networks, warm start and blur; no critics, no reward, and no imitation of the policy's own successes."""

    def __init__(self, actor: Actor, config: Config, device: torch.device) -> None:
        super().__init__(actor, config, device)
        self.descents = {"clone": self._descent(self.pupil)}

    def learner_step(self, batches: list[Batch], bc_weight: Tensor | float) -> None:  # noqa: ARG002 - it is all there is
        """Clone each batch."""
        for batch in map(self.blurred, batches):
            taught = torch.zeros_like(batch.shown)
            first = batch.counts[Tier.ONLINE]
            taught[first : first + batch.counts[Tier.DEMONSTRATIONS] + batch.counts[Tier.INTERVENTIONS]] = 1.0
            shown = batch._replace(shown=batch.shown * taught, gripper_shown=batch.gripper_shown * taught)
            self.descents["clone"].step(self.clone_loss(self.pupil.trunk(*shown.now), shown))
            follow(self.actor, self.pupil, self._constants.actor_tau)
