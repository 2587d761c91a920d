"""One option changed at a time, on the same seeds: does every choice earn its place?

    python benches/experiments/vary.py --out FOLDER --task pick_lift:5 --seeds 601 602 603 \
        --vary learner.utd_ratio=1 --vary learner.utd_ratio=4 --vary 'learner.bc="off"'

The first of the trainings is as the task file has it. `--vary` may hold several changes, separated by `;`. The last
evaluations of all seeds are pooled, and compared with those of the first by the interval of the difference; the mean of
a seed's evaluations on the way tells how fast it was. What is in FOLDER, made by the same commit, is not done again.
Prints JSON, and draws FOLDER/vary.png.
"""

import hashlib
import sys
from pathlib import Path
from statistics import mean

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from clone import EVERY, difference, judged, options  # noqa: E402
from host import report  # noqa: E402
from plot import curves  # noqa: E402


def pooled(runs: list[list[dict]], which: int) -> tuple[int, int]:
    """Successes and episodes of all seeds' evaluation of that number."""
    return sum(r[which]["successes"] for r in runs), sum(r[which]["episodes"] for r in runs)


def beside(runs: list[list[dict]], default: list[list[dict]]) -> dict[str, object]:
    """What came of a variation, and how much better that is."""
    (first, of), (last, n) = pooled(runs, 0), pooled(runs, -1)
    told: dict[str, object] = {
        "clone": f"{first}/{of}",
        "last": f"{last}/{n}",
        "on the way, by seed": [round(mean(e["rate"] for e in run[1:]), 3) for run in runs],
        "human steps, by seed": [run[-1]["human_steps"] for run in runs],
    }
    if runs is not default:
        told["last better by"] = [round(x, 3) for x in difference(last, n, *pooled(default, -1))]
    return told


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--task", required=True, help="NAME:DEMONSTRATIONS")
    parser.add_argument("--vary", action="append", default=[], help="KEY=VALUE[;KEY=VALUE ...]")
    args = parser.parse_args()
    if args.steps < EVERY:
        parser.error(f"--steps {args.steps}: nothing is judged behind the clone before {EVERY}")
    common, results = args.set, {}
    task, _, demonstrations = args.task.partition(":")
    default: list[list[dict]] = []
    made: dict[str, list[list[dict]]] = {}
    for change in ("", *args.vary):
        args.set = [*common, *filter(None, change.split(";"))]
        mark = hashlib.sha256("\n".join(sorted(args.set)).encode()).hexdigest()[:8]
        runs = []
        for seed in args.seeds:
            folder = args.out.resolve() / f"{task}-{demonstrations}-{mark}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            runs.append(judged(folder, task, int(demonstrations), seed, args))
        default = default or runs
        made[change or "as it is"] = runs
        results[change or "as it is"] = beside(runs, default)
    curves(args.out / "vary.png", f"{args.task}, {len(args.seeds)} seeds", made)
    report("vary", results)


if __name__ == "__main__":
    main()
