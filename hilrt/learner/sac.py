"""Soft actor-critic with demonstrations and corrections (RLPD; HIL-SERL, arXiv 2410.21845).

Symbols: o, o' latents of state and next state; a continuous action, g gripper command; Q_j the critics, Q_g
the gripper's (in `hilrt.learner.gripper`); a prime marks the slow target copies. `terminated` ends the future, a
time limit does not.
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from hilrt.config import Config
from hilrt.learner.augment import augmented
from hilrt.learner.batch import Batch
from hilrt.learner.descent import Descent, follow, mean_over
from hilrt.learner.gripper import GripperCritic, NoGripper
from hilrt.learner.networks import Critics, Target
from hilrt.learner.replay import Replay, Tier
from hilrt.learner.scalars import Scalars
from hilrt.policy.actor import Actor
from hilrt.policy.sizes import sizes_for
from hilrt.policy.trunk import Pictures
from hilrt.step.record import Float32


class Sac(nn.Module):
    """All that learns: networks, targets, temperature and their optimisers; an `hilrt.learner.algorithm.Algorithm`."""

    recordable = True

    def __init__(self, actor: Actor, config: Config, device: torch.device) -> None:
        """Networks are drawn from torch's default generator; noise comes from `self.generator`."""
        super().__init__()
        learner = config.learner
        self.actor = actor
        self.critics = Critics(
            learner.num_critics or sizes_for(gpu=device.type == "cuda").num_critics,
            actor.trunk.size,
            len(actor.features.action),
            actor.networks.hidden,
        )
        self.pupil = copy.deepcopy(actor)
        """What learns to act. What acts follows it slowly: the arm does not feel the noise of single updates."""
        self.critic_trunk = copy.deepcopy(actor.trunk)
        """The critics' own: what they learn must not move the policy."""
        self.target = Target(actor.trunk, self.critics)
        actor.requires_grad_(False)
        self.log_alpha = nn.Parameter(torch.tensor(learner.temperature_init).log())
        self.to(device)
        self.device = device
        self.generator = torch.Generator(device).manual_seed(config.seed)
        self.scalars = Scalars()
        self._learner, self._constants = learner, learner.constants
        self._gamma = config.gamma
        ends = config.processor.reset.terminate_on_success
        self._most = 1.0 if ends else 1.0 / (1.0 - config.gamma)
        """What a state can be worth: one success, or one at every step from now on."""
        self._shift, self._jitter = config.policy.shift, config.policy.jitter
        self._entropy = self._constants.target_entropy * len(actor.features.action)
        self.gripper = (
            GripperCritic(self.pupil, actor, config, self.scalars) if actor.gripper_net else NoGripper()
        )
        self.descents = {
            "critics": self._descent(self.critics, self.critic_trunk),
            "policy": self._descent(self.pupil.policy_net, self.pupil.trunk),
            **self.gripper.descents,
            "temperature": Descent(
                [self.log_alpha], self._constants.temperature_rate * learner.learning_rate
            ),
        }

    def _descent(self, *modules: nn.Module) -> Descent:
        parameters = [parameter for module in modules for parameter in module.parameters()]
        return Descent(parameters, self._learner.learning_rate, self._constants.gradient_norm)

    def normalise_by(self, states: Float32) -> None:
        """Normalise states by these, shape (n, ds), from the demonstrations."""
        for trunk in (self.actor.trunk, self.pupil.trunk, self.critic_trunk, self.target.trunk):
            trunk.normalise_by(states)

    def learner_step(self, batches: list[Batch], bc_weight: Tensor | float) -> None:
        """A critic update on every batch but the last, which updates actor, temperature and gripper.

        Nothing here is decided by a tensor's value, or waits for one, so a step can be recorded and replayed; that is
        why the weight of imitation may be a tensor.
        """
        *for_critics, for_actor = (self.blurred(batch) for batch in batches)
        for batch in for_critics:
            self.update_critics(batch)
        self.update_actor(for_actor, bc_weight)

    def blurred(self, batch: Batch) -> Batch:
        """The batch as imprecise sensors would have seen it: what random shifts are to pictures.

        A few hundred demonstrated steps are drawn thousands of times; without this, the networks learn their noise by
        heart and are arbitrary between them.
        """
        spread = self._constants.state_noise * self.actor.trunk.std
        noise = torch.randn(
            (2, *batch.state.shape), generator=self.generator, device=self.device, dtype=batch.state.dtype
        )
        state, next_state = batch.state + spread * noise[0], batch.next_state + spread * noise[1]
        return batch._replace(
            state=state,
            next_state=next_state,
            pictures=self._seen(batch.pictures),
            next_pictures=self._seen(batch.next_pictures),
        )

    @torch.no_grad()
    def _seen(self, pictures: Pictures) -> Pictures:
        """Views augmented, and seen by the encoder if that is frozen; features stronger or weaker by channel."""
        how = self._shift, self._jitter, self.generator
        seen = tuple(augmented(p, *how) if p.dtype == torch.uint8 else p for p in pictures)
        if (vision := self.actor.trunk.vision) and vision.frozen:
            seen = self.actor.trunk.encode(seen)
        return tuple(p if p.dtype == torch.uint8 else p * self._gains(p) for p in seen)

    def _gains(self, features: Tensor) -> Tensor:
        """One for each row and channel, around 1, as another light would make them."""
        noise = torch.randn((*features.shape[:2], 1, 1), generator=self.generator, device=features.device)
        return (1.0 + self._constants.feature_noise * noise).to(features.dtype)

    # --- critics ---------------------------------------------------------------------------------

    def update_critics(self, batch: Batch) -> None:
        """One step on the critics and their trunk."""
        loss = self.critic_loss(batch)
        norm = self.descents["critics"].step(loss)
        follow(self.target.trunk, self.critic_trunk, self._learner.tau)
        follow(self.target.critics, self.critics, self._learner.tau)
        self.scalars.add(critic_loss=loss, critic_gradient=norm)

    def critic_loss(self, batch: Batch) -> Tensor:
        """sum_j mean (Q_j(o, a) - y)^2."""
        y, _ = self.clipped(self.bellman(batch, self.generator))
        q = self.critics(self.critic_trunk(*batch.now), batch.action)
        loss: Tensor = (q - y).square().mean(dim=1).sum()
        return loss

    @torch.no_grad()
    def bellman(self, batch: Batch, generator: torch.Generator) -> Tensor:
        """Y = r + gamma (1 - terminated) min_j Q'_j(o', a'), a' ~ pi(o'); no entropy: reward is sparse.

        No less than gamma to the number of steps after which the episode was rewarded: what was had can be had. So a
        success is known to its first step at once, which bootstrapping alone would take thousands of updates for.
        """
        action, _ = self.actor.policy(self.actor.trunk(*batch.next)).sample(generator)
        q = self.target.critics(self.target.trunk(*batch.next), action)
        q = _random_pair(q, generator).amin(dim=0)
        y = batch.reward + self._gamma * (1.0 - batch.terminated) * q
        return torch.maximum(y, (self._gamma**batch.steps_left).where(batch.steps_left.isfinite(), y))

    def clipped(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Targets kept to what rewards of 0 or 1 can be worth, and the share of them that was outside."""
        if not self._learner.clip_targets:
            return y, torch.zeros((), device=y.device)
        clipped = y.clamp(0.0, self._most)
        return clipped, (clipped != y).float().mean()

    # --- actor -----------------------------------------------------------------------------------

    def update_actor(self, batch: Batch, bc_weight: Tensor | float) -> None:
        """One step each on policy with its trunk, temperature and gripper, which the actor follows."""
        latent = self.pupil.trunk(*batch.now)
        self._update_policy(latent, batch, bc_weight)
        self._update_gripper(latent.detach(), batch, bc_weight)
        follow(self.actor, self.pupil, self._constants.actor_tau)

    def _update_gripper(self, latent: Tensor, batch: Batch, bc_weight: Tensor | float) -> None:
        self.gripper.update(latent, batch, self._imitated(latent, batch, batch.gripper_shown), bc_weight)

    def _update_policy(self, latent: Tensor, batch: Batch, bc_weight: Tensor | float) -> None:
        loss, log_pi = self.policy_loss(latent, batch, bc_weight)
        norm = self.descents["policy"].step(loss)
        self.descents["temperature"].step(self.temperature_loss(log_pi))
        self.scalars.add(
            actor_loss=loss, actor_gradient=norm, entropy=-log_pi.mean(), alpha=self.log_alpha.exp()
        )

    def policy_loss(self, latent: Tensor, batch: Batch, bc_weight: Tensor | float) -> tuple[Tensor, Tensor]:
        """mean[alpha log pi - min_j Q_j(o, a~)] + lambda mean|Q| mean over shown rows |tanh mu(o) - a|^2.

        The least of a pair, as in the target: with the mean, the actor found what the critics overrate.

        Returns the loss and log pi(a~), shape (B,).
        """
        policy = self.pupil.policy(latent)
        action, log_pi = policy.sample(self.generator)
        with torch.no_grad():
            seen = self.critic_trunk(*batch.now)
        q = self.critics(seen, action)
        loss = (self.log_alpha.exp().detach() * log_pi - _random_pair(q, self.generator).amin(dim=0)).mean()
        rows = self._imitated(latent, batch, batch.shown)
        bc = mean_over(rows, (policy.mean.tanh() - batch.action).square().sum(-1))
        loss = loss + bc_weight * q.detach().abs().mean() * bc
        gate = rows.sum() / batch.shown.sum().clamp(min=1.0)
        self.scalars.add(bc_loss=bc, bc_gate=gate, std=policy.std.mean())
        return loss, log_pi.detach()

    def temperature_loss(self, log_pi: Tensor) -> Tensor:
        """-alpha (log pi + H), H the target entropy."""
        return -(self.log_alpha.exp() * (log_pi + self._entropy)).mean()

    @torch.no_grad()
    def _imitated(self, latent: Tensor, batch: Batch, shown: Tensor) -> Tensor:
        """Weight of each row in imitation: shown rows; with `qfilter`, those no worse than the policy."""
        if self._learner.bc != "qfilter":
            return shown
        seen = self.critic_trunk(*batch.now)
        own = self.critics(seen, self.pupil.policy(latent).mean.tanh()).mean(dim=0)
        theirs = self.critics(seen, batch.action).mean(dim=0)
        gate: Tensor = theirs >= own
        return shown * gate.float()

    # --- before the first step -------------------------------------------------------------------

    def warm_start(self, replay: Replay) -> Iterator[None]:
        """Clone the demonstrations, then go on cloning while the critics learn them, their trunk begun as the clone's.

        Yields after each update.
        """
        everything = self._descent(self.pupil)
        for _ in range(self._learner.warm_start_steps):
            (batch,) = map(self.blurred, replay.sample(1))
            everything.step(self.clone_loss(self.pupil.trunk(*batch.now), batch))
            yield
        for trunk in (self.critic_trunk, self.target.trunk):
            follow(trunk, self.pupil.trunk, 1.0)
        follow(self.actor, self.pupil, 1.0)
        for _ in range(self._learner.critic_warmup_steps):
            critics, clone = map(self.blurred, replay.sample(2))
            self.update_critics(critics)
            latent = self.pupil.trunk(*clone.now)
            self.descents["policy"].step(self.clone_loss(latent, clone))
            self._update_gripper(latent.detach(), clone, torch.ones((), device=self.device))
            follow(self.actor, self.pupil, self._constants.actor_tau)
            yield
        follow(self.actor, self.pupil, 1.0)

    def clone_loss(self, latent: Tensor, batch: Batch) -> Tensor:
        """Shown rows: |tanh mu(o) - a|^2, and the gripper's large margin."""
        error = (self.pupil.policy(latent).mean.tanh() - batch.action).square().sum(-1)
        gripper = mean_over(batch.gripper_shown, self.gripper.clone_loss(latent, batch))
        return mean_over(batch.shown, error) + gripper

    # --- looking on ------------------------------------------------------------------------------

    @torch.no_grad()
    def diagnose(self, batch: Batch) -> dict[str, float]:
        """Figures not worth taking at every update: Q by tier, ensemble spread, TD error, clipped targets.

        Draws nothing from `generator`, so looking does not change what is learned.
        """
        y, outside = self.clipped(self.bellman(batch, torch.Generator(self.device).manual_seed(0)))
        q = self.critics(self.critic_trunk(*batch.now), batch.action)
        mean = q.mean(dim=0)
        td = (mean - y).abs()
        figures = {
            "q_spread": q.std(dim=0).mean(),
            "td_p50": td.quantile(0.5),
            "td_p99": td.quantile(0.99),
            "clipped": outside,
        }
        for tier, part in zip(Tier, mean.split(batch.counts), strict=True):
            if len(part):
                figures[f"q_{tier.name.lower()}"] = part.mean()
        return dict(zip(figures, torch.stack(list(figures.values())).tolist(), strict=True))


def _random_pair(q: Tensor, generator: torch.Generator) -> Tensor:
    """The random two critics that a target is the lesser of, shape (2, B)."""
    if len(q) == 2:
        return q
    return q.index_select(0, torch.rand(len(q), generator=generator, device=q.device).topk(2).indices)
