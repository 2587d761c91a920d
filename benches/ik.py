"""Time of one inverse-kinematics solve along a random walk of control ticks; prints JSON."""

import time

import numpy as np
from host import report, spread_us

from hilrt.control.kinematics import Kinematics
from hilrt.robots import SO100_URDF
from hilrt.sim.world import START_POSE_DEG

SOLVES = 5000
STEP = 0.02  # [m]
BOX = ((0.15, -0.11, 0.005), (0.31, 0.17, 0.12))


def main() -> None:
    kinematics = Kinematics(SO100_URDF, max_step=0.3)
    rng = np.random.default_rng(0)
    q = np.radians(START_POSE_DEG)[:5]
    target = kinematics.forward(q)
    times, errors = [], []
    for _ in range(SOLVES):
        target[:3, 3] = np.clip(target[:3, 3] + rng.uniform(-STEP, STEP, 3), *BOX)
        start = time.perf_counter_ns()
        result = kinematics.inverse(q, target)
        times.append(time.perf_counter_ns() - start)
        errors.append(result.position_error)
        q = result.q
    report("ik", {"solve_us": spread_us(times), "error_p99_mm": float(np.percentile(errors, 99)) * 1e3})


if __name__ == "__main__":
    main()
