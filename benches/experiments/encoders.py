"""What a policy sees with: each encoder, trained on pictures always the same and on varied ones, judged on both.

    python benches/experiments/encoders.py --out FOLDER --seeds 851 852 853 --encoders pretrained random conv

`clean` pictures are always the same; `varied` ones have another light, other colours, cameras a little elsewhere, noise
and a distractor in each episode, as the guide has them. The clone, the policy before the first step, is judged beside
each. What is in FOLDER is not done again. Prints JSON.
"""

import argparse
import json
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from made import CALIBRATION, TASK, hilrt, once, recorded, scored, trained  # noqa: E402

PIXELS = TASK.with_name("sim_so100_pixels.toml")
VARIED = {
    "light": 0.5,
    "light_angle_deg": 20,
    "colour": 0.1,
    "texture": 0.5,
    "camera_mm": 5,
    "camera_deg": 2,
    "exposure": 0.2,
    "noise": 3,
    "distractor": "true",
}
PICTURES: dict[str, dict[str, object]] = {
    "clean": {f"sim.pictures.{key}": "false" if key == "distractor" else 0 for key in VARIED},
    "varied": {f"sim.pictures.{key}": value for key, value in VARIED.items()},
}
RANDOM = "random.safetensors"
ENCODERS: dict[str, dict[str, object]] = {
    "pretrained": {},
    "random": {"policy.weights": RANDOM},
    "conv": {
        "policy.encoder": "conv",  # a core does one update in two seconds at the usual batch
        "learner.batch_size": 64,
        "learner.utd_ratio": 0.3,
        "learner.warm_start_steps": 150,
    },
}


def drawn(folder: Path, sets: dict[str, object]) -> str:
    """Encoders with the weights that they begin with."""
    hilrt(folder, "pretrain", str(PIXELS), "--steps", "0", "--out", RANDOM, sets=sets)
    return RANDOM


def made(folder: Path, encoder: str, pictures: str, sets: dict[str, object]) -> Path:
    """A run's folder: a policy that sees so, trained on such pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    seen = {**CALIBRATION, **PICTURES[pictures], **sets, "eval.every_steps": 0}
    recorded(folder, PIXELS, seen)
    if encoder == "random":
        once(folder, "random", lambda: drawn(folder, seen))
    return trained(folder, PIXELS, {**seen, **ENCODERS[encoder]}, f"{encoder}-trained")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--encoders", nargs="+", default=[*ENCODERS], choices=[*ENCODERS])
    parser.add_argument("--pictures", nargs="+", default=[*PICTURES], choices=[*PICTURES], help="to train on")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    args = parser.parse_args()
    results = {}
    for seed in args.seeds:
        for pictures in args.pictures:
            for encoder in args.encoders:
                sets = {**dict(pair.split("=", 1) for pair in args.set), "seed": seed}
                run = made(args.out.resolve() / f"{pictures}-{seed}", encoder, pictures, sets)
                results[f"{encoder}, trained on {pictures}, seed {seed}"] = {
                    "clone": scored(run, pictures, args.episodes, PICTURES[pictures], "--checkpoint", "0"),
                    "human_steps": json.loads((run / "summary.json").read_text())["human_steps"],
                    **{on: scored(run, on, args.episodes, PICTURES[on]) for on in PICTURES},
                }
    report("encoders", results)


if __name__ == "__main__":
    main()
