"""Time of one self-collision and table check, beside MuJoCo's distances of the same shapes; prints JSON."""

import time
from collections.abc import Callable
from itertools import combinations

import mujoco
import numpy as np
from host import report, spread_us

from hilrt.control.collision import Collisions
from hilrt.robots import SO100_URDF
from hilrt.robots.kinematics import Kinematics
from hilrt.robots.shapes import BOXES, CAPSULES
from hilrt.sim.model import build_spec

CALLS = 5000
FAR = 1.0  # [m], up to where MuJoCo measures; as far as the arm reaches, so that both measure every pair


def main() -> None:
    kinematics = Kinematics(SO100_URDF)
    lower, upper = np.append(kinematics.lower, -0.17), np.append(kinematics.upper, 1.74)
    poses = np.random.default_rng(0).uniform(lower, upper, (CALLS, 6))
    both = Collisions(SO100_URDF, table_height=0.0)
    itself = Collisions(SO100_URDF)
    table = Collisions(SO100_URDF, table_height=0.0, itself=False)
    results = {
        "itself_and_table_us": measure(both.clearance, poses),
        "itself_us": measure(itself.clearance, poses),
        "table_us": measure(table.clearance, poses),
        "mujoco_itself_and_table_us": measure(mujoco_clearance(), poses),
    }
    report("collision", results)


def measure(check: Callable[[np.ndarray], object], poses: np.ndarray) -> dict:
    times = []
    for pose in poses:
        start = time.perf_counter_ns()
        check(pose)
        times.append(time.perf_counter_ns() - start)
    return spread_us(times)


def mujoco_clearance() -> Callable[[np.ndarray], float]:
    """Smallest `mj_geomDistance` of the pairs that hilrt checks."""
    model = build_spec().compile()
    data = mujoco.MjData(model)
    links = {model.body(part.link).id for part in (*CAPSULES, *BOXES)}
    on, parents = model.geom_bodyid, model.body_parentid
    arm = [geom for geom in range(model.ngeom) if on[geom] in links]
    pairs = [
        (a, b)
        for a, b in combinations(arm, 2)
        if on[a] != on[b] and parents[on[a]] != on[b] and parents[on[b]] != on[a]
    ]
    base, floor = model.body("base_link").id, model.geom("table").id
    pairs += [(geom, floor) for geom in arm if base not in {on[geom], parents[on[geom]]}]

    def clearance(pose: np.ndarray) -> float:
        data.qpos[:6] = pose
        mujoco.mj_kinematics(model, data)
        return min(mujoco.mj_geomDistance(model, data, a, b, FAR, None) for a, b in pairs)

    return clearance


if __name__ == "__main__":
    main()
