"""Inverse kinematics, beside the plain loop of pinocchio's documentation; prints JSON.

Reachable by construction: `neighbours` are positions of random joint angles within one tick of random start
angles and within one action of their position, with the start's orientation kept (`neighbours`) or with that of
the angles themselves (`neighbour_poses`). `walk` is a random walk of actions through the demo's box; where
its target is missed, random starts tell whether one tick could have reached it.
Out of reach: `push` is one action in any direction from random angles, `lines` lead straight out and beyond.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pinocchio as pin
from host import report, spread_us

from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import POSITION_TOLERANCE, Kinematics
from hilrt.sim.world import START_POSE_DEG

STEP = 0.02  # [m]
MAX_STEP = math.pi / 10  # [rad], 180 deg/s at 10 Hz
BOX = ((0.15, -0.11, 0.005), (0.31, 0.17, 0.12))
START = np.radians(START_POSE_DEG)[:5]

Solver = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Plain:
    """Closed-loop inverse kinematics as the documentation has it: no limits, its own constants."""

    EPS, ITERATIONS, DT, DAMPING = 1e-4, 1000, 0.1, 1e-12

    def __init__(self, rows: int) -> None:
        """`rows`: 3 for the position alone, 6 for the pose."""
        self._model = pin.buildModelFromUrdf(str(SO100_URDF))
        self._data = self._model.createData()
        self._frame = self._model.getFrameId("gripper_frame_link")
        self._rows = rows

    def __call__(self, q_start: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """Joints (5,) [rad] of the last iteration."""
        q, target = np.append(q_start, 0.0), pin.SE3(pose)
        for _ in range(self.ITERATIONS):
            pin.framesForwardKinematics(self._model, self._data, q)
            missing = self._data.oMf[self._frame].actInv(target)
            error = pin.log(missing).vector if self._rows == 6 else missing.translation
            if np.linalg.norm(error) < self.EPS:
                break
            jacobian = pin.computeFrameJacobian(self._model, self._data, q, self._frame)[: self._rows]
            if self._rows == 6:
                jacobian = pin.Jlog6(missing.inverse()) @ jacobian
            inverted = np.linalg.solve(jacobian @ jacobian.T + self.DAMPING * np.eye(self._rows), error)
            q = pin.integrate(self._model, q, jacobian.T @ inverted * self.DT)
        return q[:5]


class Solve(NamedTuple):
    """One call: joints before and after, the target, and how long it took."""

    q_start: np.ndarray
    target: np.ndarray
    q: np.ndarray
    time_ns: int


def timed(solve: Solver, q_start: np.ndarray, target: np.ndarray) -> Solve:
    begin = time.perf_counter_ns()
    q = solve(q_start, target)
    return Solve(q_start, target, q, time.perf_counter_ns() - begin)


def neighbours(kinematics: Kinematics, count: int, *, whole: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    while count:
        q = rng.uniform(kinematics.lower, kinematics.upper)
        near = np.clip(q + rng.uniform(-MAX_STEP, MAX_STEP, 5), kinematics.lower, kinematics.upper)
        start, target = kinematics.forward(q), kinematics.forward(near)
        if (np.abs(target - start)[:3, 3] <= STEP).all():
            if not whole:
                target[:3, :3] = start[:3, :3]
            count -= 1
            yield q, target


def walk(kinematics: Kinematics, count: int, solve: Solver) -> list[Solve]:
    rng, solves = np.random.default_rng(0), []
    q, target = START, kinematics.forward(START)
    for _ in range(count):
        target[:3, 3] = np.clip(target[:3, 3] + rng.uniform(-STEP, STEP, 3), *BOX)
        solves.append(timed(solve, q, target.copy()))
        q = solves[-1].q
    return solves


def push(kinematics: Kinematics, count: int, solve: Solver) -> list[Solve]:
    rng, solves = np.random.default_rng(2), []
    for _ in range(count):
        q = rng.uniform(kinematics.lower, kinematics.upper)
        target = kinematics.forward(q)
        target[:3, 3] += rng.uniform(-STEP, STEP, 3)
        solves.append(timed(solve, q, target))
    return solves


def lines(kinematics: Kinematics, count: int, solve: Solver) -> list[Solve]:
    rng, solves = np.random.default_rng(3), []
    for _ in range(count // 100):
        q, target = START, kinematics.forward(START)
        direction = rng.normal(size=3)
        for _ in range(100):
            target[:3, 3] += 0.005 * direction / np.linalg.norm(direction)
            solves.append(timed(solve, q, target.copy()))
            q = solves[-1].q
    return solves


def figures(kinematics: Kinematics, solves: list[Solve], *, orientation: bool = False) -> dict:
    poses = [kinematics.forward(s.q) for s in solves]
    miss = np.array([np.linalg.norm((p - s.target)[:3, 3]) for p, s in zip(poses, solves, strict=True)])
    jump = np.array([np.abs(s.q - s.q_start).max() for s in solves])
    outside = [((s.q < kinematics.lower) | (s.q > kinematics.upper)).any() for s in solves]
    result = {
        "solve_us": spread_us([s.time_ns for s in solves]),
        "within_half_mm_pct": round(100 * float(np.mean(miss < POSITION_TOLERANCE)), 2),
        "joint_jump_max_rad": round(float(jump.max()), 3),
        "outside_joint_or_velocity_limit_pct": round(
            100 * float(np.mean((jump > MAX_STEP + 1e-9) | outside)), 2
        ),
    }
    if orientation:
        turned = [
            np.linalg.norm(pin.log3(p[:3, :3].T @ s.target[:3, :3]))
            for p, s in zip(poses, solves, strict=True)
        ]
        result["within_1_deg_pct"] = round(100 * float(np.mean(np.degrees(turned) < 1.0)), 2)
    return result


def missed_in_reach(kinematics: Kinematics, solves: list[Solve]) -> int:
    """How many targets were missed that one of 50 random starts, within the same limits, reaches."""
    rng, missed = np.random.default_rng(4), 0
    search = Kinematics(SO100_URDF)
    for q_start, target, q, _ in solves:
        if np.linalg.norm((kinematics.forward(q) - target)[:3, 3]) >= POSITION_TOLERANCE:
            search.lower = np.maximum(kinematics.lower, q_start - MAX_STEP)
            search.upper = np.minimum(kinematics.upper, q_start + MAX_STEP)
            starts = rng.uniform(search.lower, search.upper, (50, 5))
            missed += any(search.inverse(start, target).converged for start in starts)
    return missed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    count = parser.parse_args().steps
    kinematics = Kinematics(SO100_URDF, max_step=MAX_STEP)

    def ours(q_start: np.ndarray, target: np.ndarray) -> np.ndarray:
        return kinematics.inverse(q_start, target).q

    results: dict = {"hilrt": {}, "plain": {}}
    solves = walk(kinematics, count, ours)
    results["hilrt"]["walk"] = figures(kinematics, solves)
    results["hilrt"]["walk"]["missed_in_reach"] = missed_in_reach(kinematics, solves)
    for name, whole in (("neighbours", False), ("neighbour_poses", True)):
        cases = list(neighbours(kinematics, count, whole=whole))
        plain = Plain(6 if whole else 3)
        for who, solve in (("hilrt", ours), ("plain", plain)):
            solves = [timed(solve, *case) for case in cases]
            results[who][name] = figures(kinematics, solves, orientation=whole)
    results["plain"]["walk"] = figures(kinematics, walk(kinematics, count, Plain(3)))
    results["hilrt"]["push"] = figures(kinematics, push(kinematics, count, ours))
    results["hilrt"]["lines"] = figures(kinematics, lines(kinematics, count, ours))
    report("ik", results)


if __name__ == "__main__":
    main()
