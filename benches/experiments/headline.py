"""Does the human in the loop pay? One task, four ways to spend a person's time on it, and their clones.

    python benches/experiments/headline.py --out FOLDER --task pick_lift:4 --seeds 601 602 603

With interventions; without; without, from as many more demonstrations as interventions took steps; and HG-DAgger, which
clones demonstrations and corrections and learns nothing else. The first evaluation of each is its clone: behaviour
cloning of as many demonstrations. What is in FOLDER, made by the same commit, is not done again. Prints JSON, and draws
FOLDER/headline.png.
"""

import argparse
import sys
from math import ceil
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from clone import judged, options, pooled  # noqa: E402
from host import report  # noqa: E402
from made import size  # noqa: E402
from plot import curves  # noqa: E402

from hilrt.config import taskfile  # noqa: E402

WITH, WITHOUT, SHOWN, CLONED = "with interventions", "without", "as many demonstrations", "HG-DAgger"
ALONE = "teleop.intervene=false"
DAGGER = [
    "learner.algorithm=hgdagger:HgDagger",
    "learner.warm_start_steps=1500",
    "learner.critic_warmup_steps=0",
]
WAYS = {WITH: [], WITHOUT: [ALONE], SHOWN: [ALONE], CLONED: DAGGER}


def by_way(folder: Path, task: str, demonstrations: int, seed: int, args: argparse.Namespace) -> dict:
    """Evaluations of each way."""
    told: dict[str, list[dict]] = {}
    for way in args.ways:
        count = demonstrations
        if way == SHOWN:
            episodes, steps = size(folder / WITH / taskfile.load(args.config).dataset.root)
            count += ceil(told[WITH][-1]["human_steps"] * episodes / steps)
        (folder / way).mkdir(parents=True, exist_ok=True)
        its_own = argparse.Namespace(**{**vars(args), "set": [*args.set, *WAYS[way]]})
        points = judged(folder / way, task, count, seed, its_own)
        told[way] = [e | {"demonstrations": count} for e in points]
    return told


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--task", required=True, help="NAME:DEMONSTRATIONS")
    parser.add_argument("--ways", nargs="+", default=[*WAYS], choices=[*WAYS])
    args = parser.parse_args()
    if SHOWN in args.ways and args.ways[0] != WITH:
        parser.error(f"--ways: '{SHOWN}' counts the steps of '{WITH}', which has to come first")
    task, _, demonstrations = args.task.partition(":")
    out = args.out.resolve()
    place = f"{task}-{demonstrations}"
    seeds = [by_way(out / f"{place}-{s}", task, int(demonstrations), s, args) for s in args.seeds]
    arms = {way: [told[way] for told in seeds] for way in args.ways}
    curves(out / "headline.png", f"{task}, {demonstrations} demonstrations, {len(seeds)} seeds", arms)
    report("headline", {way: {"pooled": pooled(runs), "seeds": runs} for way, runs in arms.items()})


if __name__ == "__main__":
    main()
