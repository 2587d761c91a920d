"""Policies trained from pixels under one lamp, with and without `policy.jitter`, judged under that lamp and others.

    python benches/experiments/jitter.py --out FOLDER --seeds 871 872 873 --jitter 0 1

The same demonstrations and the same encoder for all of a seed; each keeps as many versions of a frame's features
(`--variants`; the first is of the frame as it is), so that jitter alone tells them apart. The clone, the policy before
the first step, is judged beside each. What is in FOLDER is not done again, and a training that was cut off is gone on
with. Prints JSON.
"""

import argparse
import json
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from made import CALIBRATION, TASK, recorded, require_make, scored, trained  # noqa: E402

PIXELS = TASK.with_name("sim_so100_pixels.toml")
USUAL: dict[str, object] = {"sim.pictures.lamp": 1.0, "sim.pictures.warmth": 0.0}
LIGHTS: dict[str, dict[str, object]] = {
    "usual": USUAL,
    "dim": USUAL | {"sim.pictures.lamp": 0.6},
    "bright": USUAL | {"sim.pictures.lamp": 1.4},
    "warm": USUAL | {"sim.pictures.warmth": 0.15},
    "cold": USUAL | {"sim.pictures.warmth": -0.15},
}


def compared(
    folder: Path, jitter: float, args: argparse.Namespace, sets: dict[str, object]
) -> dict[str, object]:
    """A training with so much jitter, and how its policy does in each light."""
    folder.mkdir(parents=True, exist_ok=True)
    recorded(folder, PIXELS, sets)
    seeing = {"policy.jitter": jitter, "policy.cached_variants": args.variants}
    run = trained(folder, PIXELS, sets | seeing, f"jitter-{jitter:g}-trained")
    return {
        "human_steps": json.loads((run / "summary.json").read_text())["human_steps"],
        **{light: scored(run, light, args.episodes, LIGHTS[light]) for light in args.lights},
        "clone": {
            light: scored(run, light, args.episodes, LIGHTS[light], "--checkpoint", "0")
            for light in args.lights
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--jitter", type=float, nargs="+", default=[0.0, 1.0], help="of policies to compare")
    parser.add_argument("--variants", type=int, default=4, help="policy.cached_variants, 2 or more")
    parser.add_argument("--lights", nargs="+", default=[*LIGHTS], choices=[*LIGHTS], help="to judge under")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    args = parser.parse_args()
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    require_make(out, args.set, variants=args.variants)
    others = dict(pair.split("=", 1) for pair in args.set)
    results = {}
    for seed in args.seeds:
        sets: dict[str, object] = {**CALIBRATION, **USUAL, "seed": seed, "eval.every_steps": 0, **others}
        for jitter in args.jitter:
            told = compared(out / str(seed), jitter, args, sets)
            results[f"jitter {jitter:g}, seed {seed}"] = told
    report("jitter", results)


if __name__ == "__main__":
    main()
