"""Trained by a reward of its own finding, judged by the simulator: does a policy want anybody to press a key?

    python benches/experiments/rewards.py --out FOLDER --rewards task grasp --seeds 501 502
    python benches/experiments/rewards.py --out FOLDER --rewards task classifier --seeds 501 502 \
        --task configs/sim_so100_pixels.toml --classifier CLASSIFIER

Demonstrations end as the reward has it, but with a classifier as the simulator has it: somebody's keys, before there
was one. Training knows that reward alone. What is in FOLDER is not done again. Prints JSON.
"""

import argparse
import json
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from made import CALIBRATION, TASK, judged, recorded, trained  # noqa: E402


class Seed:
    """What is made of one seed: demonstrations, and a policy for each reward."""

    def __init__(self, folder: Path, task: Path, seed: int, others: dict[str, str]) -> None:
        """`others`: values changed besides."""
        self.folder, self.task = folder, task
        self._sets = {**CALIBRATION, "seed": seed, "eval.every_steps": 0, **others}
        folder.mkdir(parents=True, exist_ok=True)

    def policy(self, reward: str, classifier: Path | None) -> Path:
        """A run's folder: a policy that knows of this reward alone."""
        shown_by = "task" if reward == "classifier" else reward
        sets = self._sets | {"dataset.root": f"datasets/{shown_by}", "reward.type": shown_by}
        recorded(self.folder, self.task, sets)
        if classifier is not None:
            sets |= {"processor.reward_classifier.pretrained_path": classifier.resolve()}
        return trained(self.folder, self.task, sets | {"reward.type": reward}, f"trained-by-{reward}")

    def scored(self, reward: str, classifier: Path | None, episodes: int) -> dict:
        """How often the simulator says that such a policy, and its clone, succeed; made or found."""
        result = self.folder / f"{reward}.json"
        if not result.exists():
            run = self.policy(reward, classifier if reward == "classifier" else None)
            by_truth = {"reward.type": "task"}
            found = {
                "clone": judged(run, episodes, by_truth, "--checkpoint", "0")["success"],
                "success": judged(run, episodes, by_truth)["success"],
                "human_steps": json.loads((run / "summary.json").read_text())["human_steps"],
            }
            result.write_text(json.dumps(found))
        return json.loads(result.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rewards", nargs="+", required=True, choices=("task", "grasp", "classifier"))
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--task", type=Path, default=TASK)
    parser.add_argument("--classifier", type=Path, help="file that `hilrt train-classifier` made")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    args = parser.parse_args()
    if "classifier" in args.rewards and args.classifier is None:
        parser.error("--rewards classifier needs --classifier FILE")
    others, results = dict(pair.split("=", 1) for pair in args.set), {}
    for seed in args.seeds:
        folder = args.out.resolve() / f"{args.task.stem}-{seed}"
        made = Seed(folder, args.task.resolve(), seed, others)
        for reward in args.rewards:
            results[f"{reward}, seed {seed}"] = made.scored(reward, args.classifier, args.episodes)
    report("rewards", results)


if __name__ == "__main__":
    main()
