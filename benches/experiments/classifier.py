"""A reward classifier from 20 recorded episodes, judged on others, on failures of a poor policy, and in other light.

    python benches/experiments/classifier.py --out FOLDER --seed 71

Recorded, with success that is held until the time limit: 14 demonstrations to learn from, 20 to judge by. A policy
cloned for a few steps fails otherwise than a demonstration does: 6 of its failures are learned from, 50 others judge.
Every other turn of attempts ends after SHORT_S, where the time limit finds some with the cube on its way up.
Where the cube is joins the state, which no classifier sees, so that each frame of those that judge has the simulator's
own truth. Where the cube was dropped after success, labels are corrected by that same truth, in place of somebody who
looks at them with `hilrt label`. Frames are judged without those in which the cube is near the height that decides, and
with them. What is in FOLDER is not done again. Prints JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402

from hilrt.classify.judgement import balanced  # noqa: E402
from hilrt.config import taskfile  # noqa: E402
from hilrt.data.episodes import wilson  # noqa: E402
from hilrt.data.journal import Episode  # noqa: E402
from hilrt.data.labels import Correction, add_correction  # noqa: E402
from hilrt.data.lerobot.dataset import Dataset, open_dataset  # noqa: E402
from hilrt.policy.device import CPU  # noqa: E402
from hilrt.reward.bundle import Bundle  # noqa: E402
from hilrt.reward.hold import Hold, frames_of  # noqa: E402
from hilrt.sim.task import CUBE_REST  # noqa: E402
from hilrt.sim.tasks import PickLift  # noqa: E402
from hilrt.step.record import vector  # noqa: E402

CLI = [sys.executable, "-c", "from hilrt.cli import main; main()"]
TASK = BENCHES.parent / "configs" / "sim_so100_pixels.toml"
SHOWN, FAILED, OTHERS, FAILURES = 14, 6, 20, 50
LIGHTS = (1.0, 0.7, 1.3)
SHORT_S = 3.0
"""Time limit of every other turn."""
EDGE_M = 0.01
"""So near the height that decides, a frame is neither: the cube may be held, or not yet."""
RAISED_M = 0.01
QUANTILES = (0.5, 0.75, 0.9, 1.0)


class Work:
    """A folder in which things are made once."""

    def __init__(self, folder: Path, seed: int, sets: dict[str, object]) -> None:
        self.folder, self.seed = folder, seed
        self._sets = {
            "robot.calibration_dir": TASK.parent / "calibration",
            "processor.reset.terminate_on_success": "false",
            "sim.observe_object": "true",
            "eval.every_steps": 0,
            "policy.weights": "encoder.safetensors",
            "dataset.root": "shown",
            **sets,
        }

    def hilrt(self, *words: str, **sets: object) -> str:
        """Run it there; its words."""
        told = self._sets | {key.replace("__", "."): value for key, value in sets.items()}
        overrides = [part for key, value in told.items() for part in ("--set", f"{key}={value}")]
        if words[0] == "dataset":
            overrides = []
        done = subprocess.run(
            [*CLI, *words, *overrides], cwd=self.folder, check=False, capture_output=True, text=True
        )
        with (self.folder / "output.txt").open("a") as out:
            out.write(done.stdout + done.stderr)
        done.check_returncode()
        return done.stdout

    def record(self, root: str, episodes: int, seed: int) -> None:
        """So many demonstrations that succeed."""
        if not (self.folder / root / "meta").exists():
            count = {"dataset__num_episodes_to_record": episodes, "seed": seed}
            self.hilrt("record", str(TASK), dataset__root=root, **count)

    def policy(self, steps: int) -> Path:
        """A run of a policy cloned for so many steps."""
        if not list(self.folder.glob("runs/*-train-*")):
            few = {
                "learner__warm_start_steps": steps,
                "learner__critic_warmup_steps": 0,
                "learner__online_steps": 1,
            }
            self.hilrt("train", str(TASK), dataset__root="first", seed=self.seed, **few)
        return max(self.folder.glob("runs/*-train-*"), key=os.path.getmtime)

    def attempts(self, run: Path, episodes: int, turn: int) -> Path:
        """So many episodes of that policy, other ones each turn, and in every other turn short ones."""
        root = self.folder / f"policy-{turn}"
        if not root.exists():
            before = set(run.glob("evals/*/summary.json"))
            short = {"processor__reset__control_time_s": SHORT_S} if turn % 2 else {}
            self.hilrt("eval", str(run), "--episodes", str(episodes), seed=self.seed + turn, **short)
            (made,) = set(run.glob("evals/*/summary.json")) - before
            self.hilrt("dataset", "export", str(made.parent), str(root))
        return root

    def numbers(self, root: Path, *, succeeded: bool) -> list[int]:
        """Episodes of a dataset that succeeded, or did not."""
        return [
            e.header.episode for e in open_dataset(root) if any(r.success for r in e.records) == succeeded
        ]

    def part(self, root: Path, numbers: Sequence[int], out: str) -> None:
        """Some of a dataset's episodes."""
        if not (self.folder / out).exists():
            self.hilrt("dataset", "export", str(root), out, "--episodes", ",".join(map(str, numbers)))


def made(work: Work, steps: int, episodes: int) -> None:
    """All datasets, the encoder and the classifier."""
    work.record("first", SHOWN, work.seed)
    work.record("others", OTHERS, work.seed + 1)
    if not (work.folder / "encoder.safetensors").exists():
        work.hilrt("pretrain", str(TASK), dataset__root="first", seed=work.seed)
    if not (work.folder / "failures").exists():
        fail(work, work.policy(steps), episodes)
    if not (work.folder / "shown").exists():
        work.hilrt("dataset", "merge", "shown", "first", "failed")
        correct(work.folder / "shown")
    if not (work.folder / "seconds.json").exists():
        began = time.monotonic()
        told = work.hilrt("train-classifier", str(TASK), seed=work.seed)
        seconds = round(time.monotonic() - began, 1)
        (work.folder / "seconds.json").write_text(json.dumps({"seconds": seconds, "said": told.splitlines()}))


def fail(work: Work, run: Path, episodes: int) -> None:
    """Failures of a policy: some to learn from, the others to judge by."""
    left, turns = FAILURES, 0
    parts: list[str] = []
    while left > 0:
        root = work.attempts(run, episodes, turns)
        failed = work.numbers(root, succeeded=False)
        if not turns:
            work.part(root, failed[:FAILED], "failed")
            failed = failed[FAILED:]
        turns += 1
        if failed := failed[: min(left, FAILURES // 2)]:
            parts.append(f"failures-{turns}")
            work.part(root, failed, parts[-1])
            left -= len(failed)
    work.hilrt("dataset", "merge", "failures", *parts)


def truth(dataset: Dataset, episode: Episode) -> np.ndarray:
    """1 where the cube is held up, 0 where it is not, -1 at the edge; by where the simulator has it."""
    height = above(dataset, episode)
    return np.where(np.abs(height) < EDGE_M, -1, height >= 0)


def above(dataset: Dataset, episode: Episode) -> np.ndarray:
    """How far the cube is above the height that decides, in each frame [m]."""
    at = dataset.features.state.index("object.z")
    return np.array([vector(r.state)[at] for r in episode.records]) - CUBE_REST - PickLift.height


def correct(root: Path) -> None:
    """Say of frames that they are failures where a reward says otherwise, and the cube is not held up."""
    dataset = open_dataset(root)
    for row, episode in zip(dataset.rows, dataset, strict=True):
        rewarded = np.array([False, *(r.reward > 0 for r in episode.records if not r.final)])
        edges = np.flatnonzero(np.diff([0, *(rewarded & (truth(dataset, episode) == 0)), 0]))
        for start, stop in edges.reshape(-1, 2).tolist():
            span = Correction(
                episode=row.episode, origin=row.origin, kind="span", name="failure", start=start, stop=stop
            )
            add_correction(root, span)


def judged(bundle: Bundle, root: Path, light: float, fps: int) -> dict:
    """Frames told, successes noticed and false ones, with all pictures so much brighter."""
    dataset, about = open_dataset(root), bundle.about
    truths, up, guesses, told, highest = [], [], [], [], []
    for number in range(len(dataset)):
        episode = dataset.episode(number, frames=True)
        hold = Hold(about.threshold, frames_of(about.hold_s, fps), about.min_steps)
        said = False
        truths += truth(dataset, episode).tolist()
        height = above(dataset, episode)
        up += (height >= 0).tolist()
        highest.append(height.max() + PickLift.height)
        for step in range(len(episode.records)):
            frames = {n: lit(p, light) for n, p in episode.images(step).items()}
            success = float(bundle.probabilities(frames)[about.rewarded])
            said |= hold.add(success)
            guesses.append(success >= 0.5)
        told.append(said)
    true, guess = np.array(truths), np.array(guesses, int)
    clear = true >= 0
    low, high = wilson(sum(told), len(told))
    interval = [round(low, 3), round(high, 3)]
    return {
        "balanced_accuracy": round(balanced(true[clear], guess[clear]), 4),
        "balanced_accuracy_of_all": round(balanced(np.array(up, int), guess), 4),
        "frames_left_out": round(1.0 - float(clear.mean()), 4),
        "cube_raised": int((np.array(highest) > RAISED_M).sum()),
        "cube_highest_mm": np.round(1e3 * np.quantile(highest, QUANTILES), 1).tolist(),
        "said": sum(told),
        "of": len(told),
        "interval": interval,
    }


def lit(picture: np.ndarray, light: float) -> np.ndarray:
    return np.clip(picture * light, 0, 255).round().astype(np.uint8) if light != 1.0 else picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--clone-steps", type=int, default=16, help="of the policy that fails")
    parser.add_argument("--policy-episodes", type=int, default=80)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, as for hilrt")
    args = parser.parse_args()
    folder = args.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    work = Work(folder, args.seed, dict(pair.split("=", 1) for pair in args.set))
    made(work, args.clone_steps, args.policy_episodes)
    bundle = Bundle.load(folder / "shown.classifier.safetensors", CPU)
    results = {"training": json.loads((folder / "seconds.json").read_text())}
    fps = taskfile.load(TASK).env.fps
    for name in ("others", "failures"):
        for light in LIGHTS:
            results[f"{name}, light {light}"] = judged(bundle, folder / name, light, fps)
    report("classifier", results)


if __name__ == "__main__":
    main()
