"""A training whose arm puts the object back by itself, beside one whose scene is put back for it.

    python benches/experiments/selfreset.py --out FOLDER --seeds 861 862 863

The same demonstrations for both. How often the operator was called, whether the places where episodes began cover the
patch (chi-square over 4 x 4 cells), and how often the policy wins, nobody intervening, in scenes that the simulator
draws. What is in FOLDER is not done again. Prints JSON.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from made import CALIBRATION, TASK, judged, once, recorded, trained  # noqa: E402

from hilrt.data.journal import read_episodes  # noqa: E402
from hilrt.step.record import Mode, vector  # noqa: E402

LOW, HIGH, CELLS = np.array((0.17, -0.05)), np.array((0.27, 0.05)), 4
OPERATOR = {"processor.reset.scene": "operator"}
TIP = np.array((-0.003, 0.0126))
"""From the middle of a cube in the gripper to the tip, whose places are told, as the arm holds it here [m]."""
SELF = {
    "processor.reset.scene": "self",
    "processor.reset.area": f"{{min={(LOW + TIP).tolist()}, max={(HIGH + TIP).tolist()}}}",
}
WAYS: dict[str, dict[str, object]] = {"operator": {**OPERATOR}, "self": {**SELF}}
CRITICAL = 24.996
"""Of chi-square with 15 degrees of freedom, at 5 %."""
HANDS_S = 8.0
"""What putting an object back by hand costs a person, about [s]."""


def coverage(run: Path) -> dict[str, object]:
    """Where training episodes found the object."""
    starts = []
    for episode in read_episodes(run / "journal"):
        names = episode.header.features.state
        x, y = (names.index(f"object.{axis}") for axis in "xy")
        if episode.mode is Mode.TRAIN:
            starts.append(vector(episode.records[0].state)[[x, y]])
    cells = np.floor((np.array(starts) - LOW) / (HIGH - LOW) * CELLS).astype(int).clip(0, CELLS - 1)
    counts = np.bincount(cells[:, 0] * CELLS + cells[:, 1], minlength=CELLS**2)
    expected = len(starts) / CELLS**2
    return {
        "episodes": len(starts),
        "in each cell": counts.reshape(CELLS, CELLS).tolist(),
        "chi_square": round(float(((counts - expected) ** 2 / expected).sum()), 1),
        "critical": CRITICAL,
    }


def measured(folder: Path, way: str, sets: dict[str, object], episodes: int) -> str:
    """A training of one way, and how its policy does, as JSON."""
    run = trained(folder, TASK, {**sets, **WAYS[way]}, f"{way}-trained")
    summary = json.loads((run / "summary.json").read_text())
    puts = summary["calls"] if way == "self" else sum(summary["episodes"].values())
    told = {
        "success": judged(run, episodes, OPERATOR)["success"],
        "clone": judged(run, episodes, OPERATOR, "--checkpoint", "0")["success"],
        "self_resets": summary["self_resets"],
        "calls": summary["calls"],
        "reset_s": summary["reset_s"],
        "human_steps": summary["human_steps"],
        "human_s": round(summary["human_steps"] / 10 + HANDS_S * puts),
        **coverage(run),
    }
    return json.dumps(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--ways", nargs="+", default=[*WAYS], choices=[*WAYS])
    parser.add_argument("--episodes", type=int, default=100, help="of each evaluation")
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    args = parser.parse_args()
    results = {}
    for seed in args.seeds:
        folder = args.out.resolve() / str(seed)
        folder.mkdir(parents=True, exist_ok=True)
        others = dict(pair.split("=", 1) for pair in args.set)
        sets: dict[str, object] = {**CALIBRATION, "seed": seed, "eval.every_steps": 0, **others}
        recorded(folder, TASK, sets)
        for way in args.ways:
            work = partial(measured, folder, way, sets, args.episodes)
            results[f"{way}, seed {seed}"] = json.loads(once(folder, way, work))
    report("selfreset", results)


if __name__ == "__main__":
    main()
