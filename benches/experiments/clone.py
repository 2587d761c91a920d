"""Is the learner ever worse than its clone? Evaluations from before the first step on, on tasks a clone half wins.

    python benches/experiments/clone.py --out FOLDER --tasks pick_lift:5 push:10 --seeds 401 402 403

A task is named with its number of demonstrations. The clone is the policy before the first step, judged by as many
episodes as later ones; what is in FOLDER is not done again. Evaluations are pooled over the seeds, and each is compared
with the clone by the interval of the difference (Newcombe, from two of Wilson), as if scenes were others: those of an
evaluation are. Prints JSON, and draws FOLDER/NAME-DEMONSTRATIONS.png.
"""

import argparse
import sys
from collections import defaultdict
from math import sqrt
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from made import CALIBRATION, TASK, evaluations, recorded, require_make, size, trained  # noqa: E402
from plot import curves  # noqa: E402

from hilrt.config import taskfile  # noqa: E402
from hilrt.data.episodes import wilson  # noqa: E402

EVERY = 1000


def judged(folder: Path, task: str, demonstrations: int, seed: int, args: argparse.Namespace) -> list[dict]:
    """Evaluations of a training, made or found."""
    sets = {
        **CALIBRATION,
        "env.task": task,
        "seed": seed,
        "dataset.num_episodes_to_record": demonstrations,
        "learner.online_steps": args.steps,
        "eval.every_steps": EVERY,
        "eval.episodes": args.episodes,
        **dict(pair.split("=", 1) for pair in args.set),
    }
    require_make(folder, args.set, steps=args.steps, episodes=args.episodes)
    _, shown = size(recorded(folder, args.config, sets))
    fps = taskfile.load(args.config, args.set).env.fps
    return [
        e | {"step": round(e["step"] / EVERY) * EVERY, "human_s": (shown + e["human_steps"]) / fps}
        for e in evaluations(trained(folder, args.config, sets))
    ]


def difference(wins: int, n: int, wins_before: int, n_before: int) -> tuple[float, float, float]:
    """Of two shares, with its 95 % interval."""
    p, q = wins / n, wins_before / n_before
    (low, high), (low_before, high_before) = wilson(wins, n), wilson(wins_before, n_before)
    below = sqrt((p - low) ** 2 + (high_before - q) ** 2)
    above = sqrt((high - p) ** 2 + (q - low_before) ** 2)
    return p - q, p - q - below, p - q + above


def pooled(runs: list[list[dict]]) -> dict:
    """Successes of all seeds by step, each beside the clone's."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for run in runs:
        for e in run:
            sums[e["step"]][0] += e["successes"]
            sums[e["step"]][1] += e["episodes"]
    told: dict[int, dict[str, object]] = {}
    for step, (wins, n) in sorted(sums.items()):
        share, low, high = difference(wins, n, *sums[0])
        told[step] = {"successes": wins, "of": n}
        if step:
            told[step]["better_than_clone_by"] = [round(x, 3) for x in (share, low, high)]
    return told


def options(doc: str) -> argparse.ArgumentParser:
    """Those that this and its neighbours have in common."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument(
        "--config", type=lambda path: Path(path).resolve(), default=TASK, help="with cameras: encoders, too"
    )
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--episodes", type=int, default=50, help="of each evaluation")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE of all of them, as for hilrt")
    return parser


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--tasks", nargs="+", required=True, help="NAME:DEMONSTRATIONS")
    args = parser.parse_args()
    results: dict[str, object] = {}
    for name in args.tasks:
        task, _, demonstrations = name.partition(":")
        runs = []
        for seed in args.seeds:
            folder = args.out.resolve() / f"{task}-{demonstrations}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            runs.append(judged(folder, task, int(demonstrations), seed, args))
            results[f"{name}, seed {seed}"] = [
                f"{e['step']}: {e['successes']}/{e['episodes']}, {e['human_steps']} human steps"
                for e in runs[-1]
            ]
        results[name] = pooled(runs)
        curves(args.out / f"{task}-{demonstrations}.png", f"{name}, {len(runs)} seeds", {"as it is": runs})
    report("clone", results)


if __name__ == "__main__":
    main()
