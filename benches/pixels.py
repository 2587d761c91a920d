"""Learning from two cameras of 128x128 on the CPU: critic updates a second at batch 256, and what acting costs.

`cached`: features of a frozen encoder in the replay, as a run has them by default; `uncached`: the encoder sees every
frame anew at every draw, shifted; `conv`: it is trained, too; `plain_cached`: cached features the usual way, as float32
in a list of transitions, beside the plain learner of `learner.py`. They take turns, so that what else the machine does
falls on all. Acting: encoder, embeddings and actor for one tick.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from host import report
from learner import STATE, Plain, race, records
from torch import Tensor, nn

from hilrt.config import Config
from hilrt.config.taskfile import from_tree
from hilrt.control.policy import Policy
from hilrt.learner.album import Album
from hilrt.learner.machine import storage_of
from hilrt.learner.process import keep_memory
from hilrt.learner.replay import Replay
from hilrt.learner.sac import Sac
from hilrt.policy.actor import Actor
from hilrt.policy.encoders.conv import Conv
from hilrt.policy.encoders.pretrained import write_encoders
from hilrt.policy.vision import sight_of, vision_of
from hilrt.step.features import Features, from_config
from hilrt.step.record import Mode, Record

BATCH, CRITIC_UPDATES, EPISODES, STEPS = 256, 2, 40, 40


def config_of(weights: Path, **policy: object) -> Config:
    camera = {"type": "sim", "width": 128, "height": 128}
    box = {"min": [0.0, 0.0, 0.0], "max": [1.0, 1.0, 1.0]}
    tree = {
        "env": {"task": "pick_lift"},
        "sim": {},
        "robot": {"id": "bench", "cameras": {"front": camera, "wrist": dict(camera)}},
        "dataset": {"root": "none"},
        "processor": {
            "reset": {"fixed_reset_joint_positions": [0, 0, 0, 0, 0, 0]},
            "inverse_kinematics": {"end_effector_bounds": box},
            "observation": {"add_joint_velocity_to_observation": True, "add_ee_pose_to_observation": True},
        },
        "policy": policy | ({} if policy.get("encoder") == "conv" else {"weights": str(weights)}),
        "learner": {"device": "cpu", "num_critics": 2, "critic_updates": CRITIC_UPDATES, "batch_size": BATCH},
    }
    return from_tree(tree, "bench")


def filled(config: Config, features: Features, device: torch.device) -> Replay:
    """Random rows and pictures."""
    rng, sight, settings = np.random.default_rng(0), sight_of(config, features), config.learner
    album = Album(sight, 2000, 1000, storage_of(settings, device, 3000 * sight.kept_bytes))
    replay = Replay(features, 2000, settings.batch_size, 0, album, device)
    for episode in range(EPISODES):
        for step in range(STEPS + 1):
            mode = Mode.DEMO if episode < EPISODES // 3 else Mode.TRAIN
            record = Record(episode=episode, step=step, mode=mode, monotonic_ns=0, wall_ns=0, state=b"")
            record.state = rng.normal(size=len(features.state)).astype(np.float32).tobytes()
            record.action = rng.uniform(-1, 1, len(features.action)).astype(np.float32).tobytes()
            record.gripper, record.final = int(rng.integers(3)), step == STEPS
            if sight.variants:
                pictures = tuple(torch.rand(shape).bfloat16() for shape in sight.kept)
            else:
                pictures = tuple(torch.randint(256, shape, dtype=torch.uint8) for shape in sight.kept)
            replay.add(record, pictures)
    return replay


def actor_of(config: Config) -> Actor:
    return Actor(from_config(config), vision_of(config), config.policy.networks)


def learner(config: Config) -> Callable[[], None]:
    features = from_config(config)
    cpu = torch.device("cpu")
    replay, sac = filled(config, features, cpu), Sac(actor_of(config), config, cpu)
    return lambda: sac.learner_step(replay.sample(CRITIC_UPDATES + 1), 1.0)


class PlainTrunk(nn.Module):
    """A state, and two maps of features behind it in the same row."""

    def __init__(self, state: int) -> None:
        super().__init__()
        self.size = state
        self.state = nn.Sequential(nn.Linear(state, 64), nn.LayerNorm(64), nn.Tanh())
        self.weights = nn.ParameterList(torch.randn(128, 8, 8, 4) / 8 for _ in range(2))
        self.out = nn.ModuleList(
            nn.Sequential(nn.Linear(512, 128), nn.LayerNorm(128), nn.Tanh()) for _ in range(2)
        )

    def forward(self, row: Tensor) -> Tensor:
        """The latent of rows."""
        state, *maps = row.split([self.size, 8192, 8192], dim=-1)
        seen = [
            out((m.reshape(-1, 128, 8, 8, 1) * w).sum((2, 3)).flatten(1))
            for out, w, m in zip(self.out, self.weights, maps, strict=True)
        ]
        return torch.cat([self.state(state), *seen], -1)


def plain() -> Callable[[], None]:
    steps = records(10, Mode.DEMO) + records(10, Mode.TRAIN)
    rng = np.random.default_rng(0)
    for step in steps:
        step.state += rng.random(2 * 8192, np.float32).tobytes()
    return Plain(steps, PlainTrunk(STATE), 64 + 2 * 128).learner_step


def acting_ms(config: Config, seconds: float) -> dict[str, float]:
    features = from_config(config)
    policy = Policy(actor_of(config), None, sight_of(config, features))
    views = tuple(np.random.default_rng(0).integers(256, size=(2, 128, 128, 3), dtype=np.uint8))
    state, times = np.zeros(len(features.state), np.float32), []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.perf_counter()
        policy.look(views)
        policy.act(state, deterministic=False)
        times.append(1e3 * (time.perf_counter() - start))
    times = times[3:]
    return {"p50": round(float(np.median(times)), 2), "p99": round(float(np.quantile(times, 0.99)), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1, help="a run's learner has one")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    keep_memory()
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "encoder.safetensors"
        views = from_config(config_of(weights, encoder="conv")).views
        write_encoders(weights, {view.name: Conv() for view in views}, views, {})
        kinds: dict[str, dict[str, object]] = {
            "cached": {},
            "uncached": {"cached_variants": 0},
            "conv": {"encoder": "conv"},
        }
        configs = {name: config_of(weights, **policy) for name, policy in kinds.items()}
        runners = {name: learner(config) for name, config in configs.items()} | {"plain_cached": plain()}
        rates = race({n: runners[n] for n in ("cached", "plain_cached")}, 0.5 * arguments.seconds, 5)
        rates |= race({n: runners[n] for n in ("uncached", "conv")}, 0.4 * arguments.seconds, 1)
        acting = {n: acting_ms(configs[n], 0.05 * arguments.seconds) for n in ("cached", "conv")}
    facts = {"batch": BATCH, "critics": 2, "threads": arguments.threads, "cameras": "2 x 128x128"}
    report("pixels", {"critic_updates_per_s": rates, "acting_ms": acting, **facts})


if __name__ == "__main__":
    main()
