"""Trained on one simulated arm, judged on each: success of the policy, and of its clone of the demonstrations alone.

    python benches/experiments/arms.py --out FOLDER --seeds 41 42 43

Every training and every judgement leaves its result in FOLDER; what is there is not done again. A clone is the policy
before the first step. `--set` changes a value for all of it, as a rival of the default: in a FOLDER of
its own. At the end the results are printed as JSON.
"""

import argparse
import json
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from made import CALIBRATION, TASK, judged, recorded, trained  # noqa: E402

ARMS = ("so100", "stiff", "worn")
CLONE, POLICY = "clone", "policy"


def made(folder: Path, arm: str, seed: int, others: dict[str, str]) -> Path:
    """A run's folder: recorded and trained on that arm, or found; `others`: values changed besides."""
    folder.mkdir(parents=True, exist_ok=True)
    sets = {
        **CALIBRATION,
        "sim.arm.preset": arm,
        "seed": seed,
        "dataset.num_episodes_to_record": 30,
        "eval.every_steps": 0,
        **others,
    }
    recorded(folder, TASK, sets)
    return trained(folder, TASK, sets)


def scored(run: Path, kind: str, arm: str, episodes: int) -> dict:
    """Success of a run's newest policy, or of its clone, on that arm, judged or found."""
    result = run / f"{kind}-on-{arm}.json"
    if not result.exists():
        words = ("--checkpoint", "0") if kind == CLONE else ()
        result.write_text(json.dumps(judged(run, episodes, {"sim.arm.preset": arm}, *words)))
    return json.loads(result.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--arms", nargs="+", default=ARMS, help="to train on")
    parser.add_argument("--on", nargs="+", default=ARMS, help="to be judged on")
    parser.add_argument("--kinds", nargs="+", default=(CLONE, POLICY))
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    parser.add_argument("--episodes", type=int, default=100)
    args = parser.parse_args()
    others, results = dict(pair.split("=", 1) for pair in args.set), {}
    for seed in args.seeds:
        for arm in args.arms:
            run = made(args.out.resolve() / f"{arm}-{seed}", arm, seed, others)
            for kind in args.kinds:
                scores = {other: scored(run, kind, other, args.episodes) for other in args.on}
                results[f"{kind}, trained on {arm}, seed {seed}"] = scores
    report("arms", results)


if __name__ == "__main__":
    main()
