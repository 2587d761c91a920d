"""Time of the reward classifier's step on one tick: features of its own, and those that the policy has already; JSON.

By the clock, and of the CPU alone, which other work beside it changes less. Two cameras of 640 x 480, views of
128 x 128, new frames on every tick, one thread, on the CPU; as many heads as a file has that learned from five episodes
or more of each class behind a frozen encoder. Weights are what they begin as: time does not depend on them.
"""

import argparse
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from host import report, spread_us

from hilrt.classify.folds import FOLDS
from hilrt.config import Config, taskfile
from hilrt.control.judge import Judge
from hilrt.control.tick import Tick
from hilrt.reward.about import About, Make
from hilrt.reward.bundle import Bundle
from hilrt.reward.network import blank
from hilrt.shm.pictures import Frame
from hilrt.step.features import Features, from_config
from hilrt.step.record import Mode

CONFIGS = Path(__file__).parents[1] / "configs"
CAMERAS = [
    f"robot.calibration_dir={CONFIGS}/calibration",
    "reward.type=classifier",
    *(f"robot.cameras.{name}={{type='sim', width=640, height=480}}" for name in ("front", "wrist")),
]
Model = Literal["cnn", "transformer"]
KINDS: tuple[tuple[str, Model], ...] = (
    ("pretrained", "cnn"),
    ("pretrained", "transformer"),
    ("resnet10", "cnn"),
    ("resnet18", "cnn"),
)


def judge_of(
    config: Config, features: Features, encoder: str, model: Model, heads: int
) -> tuple[Judge, Bundle]:
    make = Make(
        encoder=encoder,
        encoder_digest="0",
        model=model,
        heads=heads,
        views=features.views,
        classes=("no", "yes"),
    )
    about = About(
        make=make, images=features.images, fps=features.fps, reward_class="yes", threshold=0.5, hold_s=0.5
    )
    bundle = Bundle(about, blank(make, {}))
    return Judge(config, features, bundle), bundle


def measure(
    judge: Judge, bundle: Bundle, names: list[str], seconds: float, *, shared: bool
) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (8, 480, 640, 3), np.uint8)
    known = {name: bundle.features(i, pictures[i])[0] for i, name in enumerate(names)} if shared else {}
    if shared:
        assert judge.share(bundle.about.make.encoder, "0") == {*names}
    times: list[int] = []
    of_cpu: list[int] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        step = len(times)
        frames = tuple(Frame(pictures[(step + i) % 8], step, step) for i in range(2))
        tick = Tick(step=step, mode=Mode.TRAIN, time_ns=step, readings=(), frames=frames, features=known)
        start, before = time.perf_counter_ns(), time.thread_time_ns()
        judge(tick)
        of_cpu.append(time.thread_time_ns() - before)
        times.append(time.perf_counter_ns() - start)
    return {"clock": spread_us(times[3:]), "cpu": spread_us(of_cpu[3:])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each figure")
    parser.add_argument("--heads", type=int, default=FOLDS + 1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    config = taskfile.load(CONFIGS / "sim_so100.toml", CAMERAS)
    features = from_config(config)
    names = [view.name for view in features.views]
    results: dict[str, object] = {"cameras": "2 of 640x480, views of 128x128", "heads": args.heads}
    for encoder, model in KINDS:
        judge, bundle = judge_of(config, features, encoder, model, args.heads)
        results[f"{encoder}, {model}"] = {
            "own features": measure(judge, bundle, names, args.seconds, shared=False),
            "the policy's": measure(judge, bundle, names, args.seconds, shared=True),
        }
    report("judge", results)


if __name__ == "__main__":
    main()
