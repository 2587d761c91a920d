"""Scripted operators with bad habits, and one with good ones: does the coach say to each what is meant for her, alone?

    python benches/experiments/coach.py --out FOLDER --task place:4 --steps 1500 --seeds 701

A task is named with its number of demonstrations. What is in FOLDER, made by the same commit, is not done again, and
a training that was cut is gone on with. Prints JSON: of each operator how often each line was said, and what she did.
"""

import argparse
import json
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from made import CALIBRATION, TASK, recorded, require_make, trained  # noqa: E402

OPERATORS = {
    "good": {},
    "long": {"release_early": 0.0},
    "sparse": {"attendance": 0.1},
    "forgetful": {"release_early": 1.0, "forgets": 1.0},
    "early": {"stall_steps": 1, "reaction_s": 0.1},
}
"""Her `teleop.scripted`, where it is not the usual."""


def coached(folder: Path, operator: str, seed: int, args: argparse.Namespace) -> dict:
    """What was said in a training, made or found, and how she intervened."""
    task, _, demonstrations = args.task.partition(":")
    sets = {
        **CALIBRATION,
        "env.task": task,
        "seed": seed,
        "dataset.num_episodes_to_record": demonstrations,
        "learner.online_steps": args.steps,
        "eval.every_steps": 0,
        "teleop.scripted.budget_steps": 10 * args.steps,
        **dict(pair.split("=", 1) for pair in args.set),
    }
    require_make(folder, args.set, steps=args.steps)
    recorded(folder, TASK, sets)
    habits = {f"teleop.scripted.{name}": value for name, value in OPERATORS[operator].items()}
    summary = json.loads((trained(folder, TASK, sets | habits, operator) / "summary.json").read_text())
    return {"said": summary["advice"], "episodes": summary["episodes"]["train"], **summary["human"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--task", required=True, help="NAME:DEMONSTRATIONS")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--operators", nargs="+", choices=OPERATORS, default=list(OPERATORS))
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of all of them, as for hilrt")
    args = parser.parse_args()
    results: dict[str, dict] = {}
    for seed in args.seeds:
        folder = args.out.resolve() / f"{args.task.replace(':', '-')}-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        results |= {f"{name}, seed {seed}": coached(folder, name, seed, args) for name in args.operators}
    report("coach", results)


if __name__ == "__main__":
    main()
