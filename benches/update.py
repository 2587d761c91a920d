"""Critic updates a second with two cameras, features kept or encoded at every draw, and their share of the device.

Everything between the replay and the weights is in it, as in a run: drawing, copying, both critic updates and the
actor's, figures read every 50 updates. Floating-point operations are counted by torch while one step runs; the rate
that they are compared with is that of a large matrix product in the same type, measured in the same process. Weights
are random: they take no longer than trained ones.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from host import report
from pixels import filled
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from hilrt.config import Config, taskfile
from hilrt.learner.machine import computing_type
from hilrt.learner.process import keep_memory
from hilrt.learner.sac import Sac
from hilrt.learner.stepper import WARM, CudaGraph, Stepper
from hilrt.policy.actor import Actor
from hilrt.policy.device import device_of
from hilrt.policy.encoders.names import HIL_SERL, TORCHVISION
from hilrt.policy.vision import vision_of
from hilrt.step.features import from_config

ROOT = Path(__file__).parents[1]
NAMES = {"resnet10": (HIL_SERL, 1), "resnet18": (TORCHVISION, 2)}


def weights(folder: Path, encoder: str) -> Path:
    """A file that an encoder can be loaded from."""
    naming, depth = NAMES[encoder]
    path = folder / f"{encoder}.safetensors"
    shapes = [shape for part in naming.parts(depth) for shape in naming.shapes(part)]
    save_file({name: 0.05 * torch.rand(shape) for name, shape in shapes}, path)
    return path


class Learning:
    """One case: a learner, its replay, and a step of both."""

    def __init__(self, config: Config, device: torch.device, *, graphs: bool) -> None:
        torch.manual_seed(0)
        features = from_config(config)
        self.sac = Sac(Actor(features, vision_of(config), config.policy.networks), config, device)
        self.replay = filled(config, features, device)
        self.batches = config.learner.critic_updates + 1
        graph = CudaGraph(self.sac.generator) if graphs else None
        self.stepper = Stepper(self.sac, config.learner, graph)
        self.updates = 0

    def step(self) -> None:
        """Two critic updates, and one of the actor."""
        self.stepper(self.replay.sample(self.batches), 1.0)
        self.updates += self.batches - 1
        if self.updates % 50 == 0:
            self.sac.scalars.read()

    def flops(self) -> int:
        """Of one step, taken by itself."""
        with FlopCounterMode(display=False) as counter:
            self.step()
        return counter.get_total_flops()

    def rate(self, seconds: float) -> tuple[float, float]:
        """Critic updates a second of wall clock, median of stretches; and processor time of one [s], the least."""
        rates: list[float] = []
        costs: list[float] = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until or len(rates) < 3:
            began, before, used = time.perf_counter(), self.updates, time.process_time()
            while time.perf_counter() - began < seconds / 10 or self.updates == before:
                self.step()
            synchronise(self.sac.device)
            rates.append((self.updates - before) / (time.perf_counter() - began))
            costs.append((time.process_time() - used) / (self.updates - before))
        return float(np.median(rates)), min(costs)


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large matrix product, best of ten."""
    n, repeats = (8192, 20) if device.type == "cuda" else (1024, 2)
    a = torch.randn(n, n, device=device, dtype=dtype)
    times = []
    for _ in range(10):
        synchronise(device)
        began = time.perf_counter()
        for _ in range(repeats):
            a @ a
        synchronise(device)
        times.append((time.perf_counter() - began) / repeats)
    return 2 * n**3 / min(times)


def case(
    options: argparse.Namespace, device: torch.device, path: Path, kept: bool, critics: int, graphs: bool
) -> dict:
    """Figures of one case."""
    overrides = [
        f"policy.encoder={options.encoder}",
        f"policy.weights={path}",
        f"learner.num_critics={critics}",
        f"learner.batch_size={options.batch}",
        f"learner.precision={options.precision}",
        f"learner.storage_device={options.storage_device}",
        f"learner.device={device}",
        *([] if kept else ["policy.cached_variants=0"]),
        *options.set,
    ]
    config = taskfile.load(ROOT / "configs" / "sim_so100_pixels.toml", overrides)
    learning = Learning(config, device, graphs=graphs)
    flops = learning.flops() / (learning.batches - 1)
    for _ in range(
        WARM if graphs else 1
    ):  # with the one that was counted, these are taken one by one; then it records
        learning.step()
    rate, cost = learning.rate(options.seconds)
    dtype = computing_type(config.learner, device)
    return {
        "features": "kept" if kept else "encoded at every draw",
        "critics": critics,
        "recorded": graphs,
        "type": str(dtype).removeprefix("torch."),
        "updates_per_s": round(rate, 1),
        "processor_ms_per_update": round(1e3 * cost, 2),
        "gflop_per_update": round(flops / 1e9, 2),
        "share_of_matmul_rate": round(rate * flops / matmul_rate(device, dtype), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--storage-device", default="auto")
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--encoder", default="resnet10", choices=list(NAMES))
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--critics", type=int, nargs="+", help="default: 2 on a CPU, 2 and 10 on a GPU")
    parser.add_argument("--features", nargs="+", default=["kept", "encoded"], choices=["kept", "encoded"])
    parser.add_argument("--seconds", type=float, default=10.0, help="for each case")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the task file")
    options = parser.parse_args()
    device = device_of(options.device)
    on_gpu = device.type == "cuda"
    torch.set_num_threads(1)
    keep_memory()
    critics = options.critics or ([2, 10] if on_gpu else [2])
    with tempfile.TemporaryDirectory() as folder:
        path = weights(Path(folder), options.encoder)
        cases = [
            case(options, device, path, features == "kept", count, graphs)
            for features in options.features
            for count in critics
            for graphs in ([True, False] if on_gpu else [False])
        ]
    name = torch.cuda.get_device_name(device) if on_gpu else "one thread of the CPU"
    report("update", {"device": name, "encoder": options.encoder, "batch": options.batch, "cases": cases})


if __name__ == "__main__":
    main()
