"""Time of the whole observation and action pipeline, without the policy, for one tick; prints JSON.

Two cameras of 640 x 480 with new frames on every tick, everything in the state that can be, a random walk of actions;
without and with the collision check, and with two arms. Beside it: the same tick as it is usually written, with
pictures turned into float tensors and resized by torch, and the plain iterative inverse kinematics of pinocchio's
documentation.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from host import report, spread_us
from ik import Plain

from hilrt.config import taskfile
from hilrt.control.assembly import Pipelines
from hilrt.control.tick import Tick
from hilrt.devices.arm import ArmReading
from hilrt.devices.calibration import Calibration
from hilrt.shm.pictures import Frame
from hilrt.step.features import from_config
from hilrt.step.record import GripperCommand, Mode

CONFIGS = Path(__file__).parents[1] / "configs"
EVERYTHING = [
    f"robot.calibration_dir={CONFIGS}/calibration",
    "processor.observation.add_current_to_observation=true",
    "robot.cameras.front={type = 'sim', width = 640, height = 480}",
    "robot.cameras.wrist={type = 'sim', width = 640, height = 480}",
]
COLLISIONS = ["safety.self_collision=true", "safety.table_height_m=0.0"]
BUDGET_US = 1500


class Bench:
    """Pipelines of a task file, and ticks for them."""

    def __init__(self, name: str, overrides: list[str]) -> None:
        config = taskfile.load(CONFIGS / name, [*EVERYTHING, *overrides])
        features = from_config(config)
        self.arms = len(features.sides)
        calibrations = [Calibration.load(config.robot.calibration_path(side)) for side in features.sides]
        self.pipelines = Pipelines(config, features, calibrations)
        self.pipelines.begin()
        self.rng = np.random.default_rng(0)
        self.pictures = [self.rng.integers(0, 256, (480, 640, 3), np.uint8) for _ in range(8)]
        self.step = 0

    def tick(self) -> Tick:
        """The arm is where it was told to be, both cameras have a new frame."""
        self.step += 1
        frames = tuple(Frame(self.pictures[(self.step + i) % 8], self.step, self.step) for i in range(2))
        readings = tuple(reading(joints) for joints in self.pipelines.setpoint.joints)
        pose = np.zeros((self.arms, 5))
        return Tick(step=0, mode=Mode.TRAIN, time_ns=self.step, readings=readings, frames=frames, object=pose)

    def run(self, tick: Tick) -> None:
        """Observe, judge, act."""
        self.pipelines.observation.run(tick)
        self.pipelines.outcome.run(tick)
        tick.policy_action = self.rng.uniform(-1, 1, 3 * self.arms).astype(np.float32)
        tick.policy_gripper = (GripperCommand.STAY,) * self.arms
        self.pipelines.action.run(tick)
        self.pipelines.setpoint.commit(tick)


class AsUsuallyWritten:
    """The same tick with tensors and the plain solver."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.kinematics = bench.pipelines.setpoint._kinematics[0]  # noqa: SLF001
        self.solve = Plain(3)
        self.q = bench.pipelines.home[0, :5].copy()
        self.target = self.kinematics.forward(self.q)

    def run(self, tick: Tick) -> None:
        """Pictures, state, target, joints."""
        for frame in tick.frames:
            picture = torch.from_numpy(frame.image).permute(2, 0, 1).float()[None] / 255
            torch.nn.functional.interpolate(picture, (128, 128), mode="area")
        joints = torch.tensor(tick.readings[0].position, dtype=torch.float32)
        current = torch.tensor(tick.readings[0].current, dtype=torch.float32)
        pose = torch.tensor(self.kinematics.forward(self.q)[:3, 3], dtype=torch.float32)
        torch.cat([joints, joints, current, pose])
        move = self.bench.rng.uniform(-0.02, 0.02, 3)
        self.target[:3, 3] = np.clip(self.target[:3, 3] + move, (0.15, -0.11, 0.005), (0.31, 0.17, 0.12))
        self.q = self.solve(self.q, self.target)


def reading(joints: np.ndarray) -> ArmReading:
    zeros = np.zeros(6)
    return ArmReading(0, joints.copy(), zeros, zeros, zeros, zeros, zeros, np.zeros(6, np.int64))


def measure(bench: Bench, run: Callable[[Tick], None], ticks: int) -> dict[str, float]:
    times = []
    for _ in range(ticks):
        tick = bench.tick()
        start = time.perf_counter_ns()
        run(tick)
        times.append(time.perf_counter_ns() - start)
    return spread_us(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=2000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    one = Bench("sim_so100.toml", [])
    benches = {
        "one arm": one,
        "one arm, collision check": Bench("sim_so100.toml", COLLISIONS),
        "two arms": Bench("sim_bimanual.toml", []),
    }
    results: dict[str, object] = {"cameras": "2 of 640x480", "budget_us": BUDGET_US}
    for name, bench in benches.items():
        results[name] = measure(bench, bench.run, args.ticks)
    results["steps_us"] = one.pipelines.take_times_us()
    usual = AsUsuallyWritten(Bench("sim_so100.toml", []))
    results["as usually written (torch, plain CLIK)"] = measure(usual.bench, usual.run, args.ticks // 10)
    report("pipeline", results)


if __name__ == "__main__":
    main()
