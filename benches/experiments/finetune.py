"""Does a policy for one object help with another? Steps to a goal from that policy on, beside training anew.

    python benches/experiments/finetune.py --out FOLDER --seeds 701 702 703 --second sim.object_scale=1.25

For each seed a policy is trained on the first object. Then two are trained on the second, each with the same new
demonstrations of that: `--from` the first, with its steps and demonstrations, and anew. `--second` may hold several
changes, separated by `;`, another task among them. The first evaluation is before the first step. What is in FOLDER,
made by the same commit, is not done again, and what was cut off is gone on with. Prints JSON, and draws
FOLDER/finetune.png.
"""

import argparse
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from clone import options, pooled  # noqa: E402
from host import report  # noqa: E402
from made import CALIBRATION, evaluations, recorded, require_make, size, trained  # noqa: E402
from plot import curves  # noqa: E402

from hilrt.config import taskfile  # noqa: E402

FROM, ANEW = "from the first policy", "anew"
SECOND = "datasets/second"


def judged(folder: Path, seed: int, args: argparse.Namespace) -> dict[str, list[dict]]:
    """Evaluations on the second object, of either way, made or found."""
    facts = {name: getattr(args, name) for name in ("steps", "every", "episodes", "demonstrations", "second")}
    require_make(folder, args.set, **facts)
    first = {
        **CALIBRATION,
        "seed": seed,
        "dataset.num_episodes_to_record": args.demonstrations,
        "learner.online_steps": args.steps,
        "eval.every_steps": args.every,
        "eval.episodes": args.episodes,
        **dict(pair.split("=", 1) for pair in args.set),
    }
    changes = dict(pair.split("=", 1) for pair in args.second.split(";"))
    second = first | {"dataset.root": SECOND, **changes}
    for sets in (first, second):
        recorded(folder, args.config, sets)
    policy = trained(folder, args.config, first, "first")
    _, shown = size(folder / SECOND)
    fps = taskfile.load(args.config, args.set).env.fps
    runs = {
        FROM: trained(folder, args.config, second, "finetuned", "--from", str(policy)),
        ANEW: trained(folder, args.config, second, "anew"),
    }
    return {
        way: [
            e
            | {
                "step": round(e["step"] / args.every) * args.every,
                "human_s": (shown + e["human_steps"]) / fps,
            }
            for e in evaluations(run)
        ]
        for way, run in runs.items()
    }


def reached(run: list[dict], goal: float) -> int | None:
    """Steps at the first evaluation that reaches the goal."""
    return next((e["step"] for e in run if e["rate"] >= goal), None)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--second", required=True, help="KEY=VALUE[;KEY=VALUE ...], as for hilrt")
    parser.add_argument("--demonstrations", type=int, default=4, help="of each object")
    parser.add_argument("--every", type=int, default=500, help="steps between evaluations")
    parser.add_argument("--goal", type=float, default=0.9, help="success rate")
    args = parser.parse_args()
    seeds = []
    for seed in args.seeds:
        folder = args.out.resolve() / str(seed)
        folder.mkdir(parents=True, exist_ok=True)
        seeds.append(judged(folder, seed, args))
    ways = {way: [told[way] for told in seeds] for way in (FROM, ANEW)}
    curves(args.out / "finetune.png", f"{args.second}, {len(seeds)} seeds", ways)
    results = {
        way: {
            f"steps to {args.goal:.0%}, by seed": [reached(run, args.goal) for run in runs],
            "pooled": pooled(runs),
            "seeds": runs,
        }
        for way, runs in ways.items()
    }
    report("finetune", results)


if __name__ == "__main__":
    main()
