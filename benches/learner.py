"""Critic updates a second at batch 256, state only, one thread: hilrt's learner beside a plain implementation.

The plain one does the same arithmetic the usual way: a list of critics, Adam's default loop, one batch sampled per
update from a list of transitions, a loss read back at every update. An actor update follows every second critic
update in both. They take turns in short rounds, so that what else the machine does falls on both.
"""

import argparse
import copy
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from host import report
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from hilrt.config.taskfile import from_tree
from hilrt.learner.process import keep_memory
from hilrt.learner.replay import Replay
from hilrt.learner.sac import Sac
from hilrt.policy.actor import Actor
from hilrt.step.features import GRIPPER, Features
from hilrt.step.record import GripperCommand, Mode, Record, Source

STATE, ACTION, BATCH, CRITIC_UPDATES = 36, 3, 256, 2
STEPS = 60
"""Length of an episode."""


def records(episodes: int, mode: Mode) -> list[Record]:
    rng = np.random.default_rng(int(mode))
    made = []
    for episode in range(episodes):
        for step in range(STEPS + 1):
            record = Record(episode=episode, step=step, mode=mode, monotonic_ns=0, wall_ns=0, state=b"")
            record.state = rng.normal(size=STATE).astype(np.float32).tobytes()
            record.action = rng.uniform(-1, 1, ACTION).astype(np.float32).tobytes()
            record.gripper = GripperCommand(int(rng.integers(3)))
            record.source = Source.HUMAN if mode is Mode.DEMO or (episode % 2 and step < 9) else Source.POLICY
            record.terminated = record.success = step == STEPS - 1
            record.reward, record.final = float(record.terminated), step == STEPS
            made.append(record)
    return made


def ours(steps: list[Record]) -> Callable[[], None]:
    names = tuple(f"s{i}" for i in range(STATE)), tuple(f"a{i}" for i in range(ACTION))
    features = Features(10, ("",), *names, GRIPPER, (), ())
    box = {"min": [0.0, 0.0, 0.0], "max": [1.0, 1.0, 1.0]}
    tree = {
        "env": {"task": "pick_lift"},
        "sim": {},
        "robot": {"id": "bench"},
        "dataset": {"root": "none"},
        "processor": {
            "reset": {"fixed_reset_joint_positions": [0, 0, 0, 0, 0, 0]},
            "inverse_kinematics": {"end_effector_bounds": box},
        },
        "learner": {"num_critics": 2, "critic_updates": CRITIC_UPDATES, "batch_size": BATCH},
    }
    replay = Replay(features, 20_000, BATCH, 0)
    for step in steps:
        replay.add(step)
    sac = Sac(Actor(features), from_tree(tree, "bench"), torch.device("cpu"))
    return lambda: sac.learner_step(replay.sample(CRITIC_UPDATES + 1), 1.0)


class Plain:
    """The same networks and losses, written the usual way."""

    def __init__(self, steps: list[Record], trunk: nn.Module | None = None, latent: int = 64) -> None:
        """`trunk`: from a record's state to `latent` numbers."""
        self.transitions = [
            (np.frombuffer(a.state, "f4"), np.frombuffer(a.action, "f4"), int(a.gripper), a.reward,
             float(a.terminated), np.frombuffer(b.state, "f4"), float(a.source is Source.HUMAN))
            for a, b in pairwise(steps) if not a.final
        ]  # fmt: skip
        self.trunk = trunk or nn.Sequential(nn.Linear(STATE, 64), nn.LayerNorm(64), nn.Tanh())
        self.critics = nn.ModuleList(net(latent + ACTION, 256, 1) for _ in range(2))
        self.policy, self.gripper = net(latent, 256, 2 * ACTION), net(latent, 128, 3)
        self.slow = copy.deepcopy(nn.ModuleList([self.trunk, self.critics, self.gripper]))
        self.log_alpha = nn.Parameter(torch.tensor(0.01).log())
        groups = (
            [*self.critics.parameters(), *self.trunk.parameters()],
            list(self.policy.parameters()),
            list(self.gripper.parameters()),
            [self.log_alpha],
        )
        self.adams = [torch.optim.Adam(group, lr=3e-4, foreach=False) for group in groups]
        self.losses: list[float] = []

    def sample(self) -> list[Tensor]:
        """One batch."""
        drawn = [
            self.transitions[i] for i in np.random.default_rng().integers(len(self.transitions), size=BATCH)
        ]
        return [torch.as_tensor(np.array(column)) for column in zip(*drawn, strict=True)]

    def descend(self, adam: torch.optim.Adam, loss: Tensor) -> None:
        """One step of one optimiser."""
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([p for group in adam.param_groups for p in group["params"]], 10.0)
        adam.step()
        self.losses.append(loss.item())

    def act(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Sampled action, its log-density, and the mean before the tanh."""
        mean, log_std = self.policy(latent).chunk(2, dim=-1)
        normal = torch.distributions.Normal(mean, log_std.exp().clamp(1e-5, 1.0))
        u = normal.rsample()
        log_pi = (normal.log_prob(u) - torch.log(1 - u.tanh() ** 2 + 1e-6)).sum(-1)
        return u.tanh(), log_pi, mean

    def follow(self) -> None:
        """Move the slow copies."""
        fast = nn.ModuleList([self.trunk, self.critics, self.gripper])
        with torch.no_grad():
            for slow, quick in zip(self.slow.parameters(), fast.parameters(), strict=True):
                slow.copy_(0.995 * slow + 0.005 * quick)

    def update_critics(self) -> None:
        """Critics and trunk."""
        state, action, _, reward, terminated, after, _ = self.sample()
        with torch.no_grad():
            sampled, _, _ = self.act(self.trunk(after))
            z = torch.cat([self.slow[0](after), sampled], -1)
            q = torch.stack([c(z).squeeze(-1) for c in self.slow[1].children()]).min(0).values
            y = (reward.float() + 0.97 * (1 - terminated.float()) * q).clamp(0, 1)
        x = torch.cat([self.trunk(state), action], -1)
        self.descend(
            self.adams[0], torch.stack([F.mse_loss(c(x).squeeze(-1), y) for c in self.critics]).sum()
        )
        self.follow()

    def update_actor(self) -> None:
        """Policy, temperature, gripper."""
        state, action, command, reward, terminated, after, human = self.sample()
        latent = self.trunk(state).detach()
        sampled, log_pi, mean = self.act(latent)
        q = torch.stack([c(torch.cat([latent, sampled], -1)).squeeze(-1) for c in self.critics])
        bc = (human.float() * (mean.tanh() - action).square().sum(-1)).mean()
        self.descend(self.adams[1], (self.log_alpha.exp().item() * log_pi - q.mean(0)).mean() + bc)
        self.descend(self.adams[3], -(self.log_alpha.exp() * (log_pi.detach() - 1.5)).mean())
        with torch.no_grad():
            best = self.gripper(self.trunk(after)).argmax(-1, keepdim=True)
            slow = self.slow[2](self.slow[0](after)).gather(-1, best).squeeze(-1)
            y = reward.float() + 0.97 * (1 - terminated.float()) * slow
        self.descend(
            self.adams[2], F.huber_loss(self.gripper(latent).gather(-1, command[:, None]).squeeze(-1), y)
        )

    def learner_step(self) -> None:
        """The same share of updates as ours."""
        for _ in range(CRITIC_UPDATES):
            self.update_critics()
        self.update_actor()


def net(inputs: int, width: int, outputs: int) -> nn.Sequential:
    hidden = [nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU()]
    hidden += [nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


def race(
    runners: dict[str, Callable[[], None]], seconds: float, steps: int = 10
) -> dict[str, dict[str, float]]:
    """Rounds in turn; updates a second of each round."""
    rates: dict[str, list[float]] = {name: [] for name in runners}
    for step in runners.values():
        for _ in range(max(1, steps // 2)):
            step()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, step in runners.items():
            start = time.perf_counter()
            for _ in range(steps):
                step()
            rates[name].append(steps * CRITIC_UPDATES / (time.perf_counter() - start))
    return {
        name: {"median": round(float(np.median(r)), 1), "best": round(max(r), 1)} for name, r in rates.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    torch.manual_seed(0)
    steps = records(20, Mode.DEMO) + records(60, Mode.TRAIN)
    plain = race(
        {"plain": Plain(steps).learner_step}, 0.2 * seconds
    )  # before our allocator setting, which helps it
    keep_memory()
    together = race({"hilrt": ours(steps), "plain": Plain(steps).learner_step}, 0.8 * seconds)
    names = {"hilrt": together["hilrt"], "plain": together["plain"], "plain_as_it_comes": plain["plain"]}
    report("learner", {"critic_updates_per_s": names, "batch": BATCH, "critics": 2, "threads": 1})


if __name__ == "__main__":
    main()
