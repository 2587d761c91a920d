"""How often a camera's view is said to differ from the demonstrations: in scenes as they were, and in changed ones.

    MUJOCO_GL=egl python benches/experiments/light.py --demonstrations 20 --scenes 200

Pictures are rendered as `configs/sim_so100_pixels.toml` has its cameras, the arm at its start pose, the cube anywhere
in its patch. A camera is turned about an axis, or moved along a way, that is drawn anew with each scene. `--varied` has
light and colour vary between demonstrations, and in the scenes that are judged. Prints JSON.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mujoco
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from host import report

from hilrt.config import SimPictures
from hilrt.data.likeness import Kind, Likeness
from hilrt.sim.look import in_ball, quat_of
from hilrt.sim.model import CAMERAS
from hilrt.sim.world import World

SIDE = 128
VARIED = {"light": 0.3, "light_angle_deg": 15.0, "colour": 0.05, "exposure": 0.1, "noise": 2.0}
LIGHT = {
    **{f"light x {lamp:g}": {"lamp": lamp} for lamp in (0.9, 0.8, 0.7, 0.6, 1.2, 1.4)},
    **{f"colour {100 * warmth:.0f} %": {"warmth": warmth} for warmth in (0.05, 0.1)},
}
MOUNT = {
    **{f"turned by {deg} degrees": (np.radians(deg), 0.0) for deg in (1, 2, 5)},
    **{f"moved by {mm} mm": (0.0, 1e-3 * mm) for mm in (2, 5, 10)},
}
DEMONSTRATIONS, SCENES = 0, 100_000
"""Seeds of the first ones."""


def pictures(
    first: int, count: int, looks: dict, angle: float = 0.0, metres: float = 0.0
) -> Iterator[dict[str, np.ndarray]]:
    """What each camera sees of scenes put up from these seeds; `angle` [rad] and `metres`: every camera's."""
    with World("pick_lift", first, pictures=SimPictures(**looks)) as world:
        model = world._model  # noqa: SLF001 - its options turn all cameras one way
        places, turns = model.cam_pos.copy(), model.cam_quat.copy()
        for seed in range(first, first + count):
            rng = np.random.default_rng(seed)
            for camera in range(model.ncam):
                way, axis = (v / np.linalg.norm(v) for v in (in_ball(rng), in_ball(rng)))
                model.cam_pos[camera] = places[camera] + metres * way
                mujoco.mju_mulQuat(model.cam_quat[camera], turns[camera], quat_of(angle * axis))
            world.place(seed)
            yield {name: world.render(name, SIDE, SIDE).copy() for name in CAMERAS}


def shares(known: dict[str, Likeness], scenes: list[dict[str, np.ndarray]]) -> dict:
    """Share of the scenes in which something is told, by camera and kind, and of any kind by any camera."""
    told = {
        name: np.array([[f.excess >= 1.0 for f in known[name].compare(scene[name])] for scene in scenes])
        for name in known
    }
    by = {
        f"{name}, {kind.name.lower()}": round(float(told[name][:, kind].mean()), 3)
        for name in told
        for kind in Kind
    }
    anything = np.any([each.any(axis=1) for each in told.values()], axis=0)
    return {"any": round(float(anything.mean()), 3), **{k: v for k, v in by.items() if v}}


def nearest(known: dict[str, Likeness], scenes: list[dict[str, np.ndarray]]) -> dict:
    """The largest difference of each kind, as a multiple of what is told."""
    excess = [[f.excess for f in known[name].compare(scene[name])] for name in known for scene in scenes]
    return {
        kind.name.lower(): round(float(top), 3)
        for kind, top in zip(Kind, np.max(excess, axis=0), strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--demonstrations", type=int, default=20)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--varied", action="store_true")
    args = parser.parse_args()
    looks = VARIED if args.varied else {}
    shown = list(pictures(DEMONSTRATIONS, args.demonstrations, looks))
    began = time.perf_counter()
    known = {name: Likeness([each[name] for each in shown]) for name in CAMERAS}
    learned_s = time.perf_counter() - began
    usual = list(pictures(SCENES, args.scenes, looks))
    began = time.perf_counter()
    result = {"as they were": shares(known, usual)}
    compared_ms = 1e3 * (time.perf_counter() - began) / (len(usual) * len(known))
    for words, more in LIGHT.items():
        result[words] = shares(known, list(pictures(SCENES, args.scenes, looks | more)))
    for words, (angle, metres) in MOUNT.items():
        result[words] = shares(known, list(pictures(SCENES, args.scenes, looks, angle, metres)))
    still = {name: round(float(likeness.still.mean()), 2) for name, likeness in known.items()}
    report(
        "light",
        {
            "demonstrations": args.demonstrations,
            "scenes": args.scenes,
            "varied": args.varied,
            "share of still pixels": still,
            "looking at the demonstrations, a camera [s]": round(learned_s / len(known), 2),
            "comparing a picture [ms]": round(compared_ms, 1),
            "nearest to a warning as they were (1 is one)": nearest(known, usual),
            "told": result,
        },
    )


if __name__ == "__main__":
    main()
