"""Trained on one simulated arm, judged on each: success of the policy, and of its clone of the demonstrations alone.

    python benches/experiments/arms.py --out FOLDER --seeds 41 42 43

Every training and every judgement leaves its result in FOLDER; what is there is not done again. A clone is the same
training, stopped after its warm start. `--set` changes a value for all of it, as a rival of the default: in a FOLDER of
its own. At the end the results are printed as JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402

ARMS = ("so100", "stiff", "worn")
CLI = [sys.executable, "-c", "from hilrt.cli import main; main()"]
TASK = BENCHES.parent / "configs" / "sim_so100.toml"
CLONE, POLICY = "clone", "policy"


def hilrt(folder: Path, *words: str, sets: dict[str, object]) -> None:
    """Run it in a folder, with overrides; its words go to a file there."""
    overrides = [part for key, value in sets.items() for part in ("--set", f"{key}={value}")]
    paths = filter(None, (str(Path(__file__).with_name("rivals")), os.environ.get("PYTHONPATH")))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}  # a rival learner may be named
    with (folder / "output.txt").open("a") as out:
        subprocess.run([*CLI, *words, *overrides], cwd=folder, stdout=out, stderr=out, check=True, env=env)


def newest(folder: Path, kind: str) -> Path:
    """The last run of a job there."""
    return max(folder.glob(f"runs/*-{kind}-*"), key=os.path.getmtime)


def trained(folder: Path, arm: str, seed: int, kind: str, others: dict[str, str]) -> Path:
    """A run's folder: recorded and trained on that arm, or found; `others`: values changed besides."""
    mark = folder / f"{kind}.txt"
    if mark.exists():
        return folder / mark.read_text()
    sets = {
        "robot.calibration_dir": TASK.parent / "calibration",
        "sim.arm.preset": arm,
        "seed": seed,
        "dataset.num_episodes_to_record": 30,
        "eval.every_steps": 0,
        **others,
    }
    if not (folder / "datasets").exists():
        hilrt(folder, "record", str(TASK), sets=sets)
    steps = {"learner.online_steps": 1} if kind == CLONE else {}
    hilrt(folder, "train", str(TASK), sets=sets | steps)
    run = newest(folder, "train")
    mark.write_text(str(run.relative_to(folder)))
    return run


def judged(run: Path, arm: str, episodes: int) -> dict:
    """Success of a run's newest policy on that arm, judged or found."""
    result = run / f"on-{arm}.json"
    if not result.exists():
        hilrt(run.parents[1], "eval", str(run), "--episodes", str(episodes), sets={"sim.arm.preset": arm})
        summary = json.loads((max((run / "evals").iterdir()) / "summary.json").read_text())
        result.write_text(json.dumps(summary["evaluations"][-1]))
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
            folder = args.out.resolve() / f"{arm}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            for kind in args.kinds:
                began = time.monotonic()
                run = trained(folder, arm, seed, kind, others)
                minutes = round((time.monotonic() - began) / 60, 1)
                scores = {other: judged(run, other, args.episodes) for other in args.on}
                results[f"{kind}, trained on {arm}, seed {seed}"] = {"minutes": minutes, "on": scores}
    report("arms", results)


if __name__ == "__main__":
    main()
