"""What an experiment makes in a folder of its own, once: demonstrations, a training, and how it went.

A recording that was cut off is made anew; a training that was cut off is gone on with.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from host import commit

from hilrt.config import taskfile
from hilrt.data.episodes import read_summaries
from hilrt.step.record import Mode

TASK = Path(__file__).parents[2] / "configs" / "sim_so100.toml"
CALIBRATION = {"robot.calibration_dir": TASK.parent / "calibration"}
CLI = [sys.executable, "-c", "from hilrt.cli import main; main()"]


def hilrt(folder: Path, *words: str, sets: Mapping[str, object]) -> None:
    """Run it in a folder, with overrides; its words go to a file there."""
    overrides = [part for key, value in sets.items() for part in ("--set", f"{key}={value}")]
    paths = filter(None, (str(Path(__file__).with_name("rivals")), os.environ.get("PYTHONPATH")))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}  # a rival learner may be named
    with (folder / "output.txt").open("a") as out:
        subprocess.run([*CLI, *words, *overrides], cwd=folder, stdout=out, stderr=out, check=True, env=env)


def once(folder: Path, name: str, make: Callable[[], str]) -> str:
    """Make it there, unless it was; what is said of it, as then."""
    mark = folder / f"{name}.made"
    if not mark.exists():
        mark.write_text(make())
    return mark.read_text()


def recorded(folder: Path, config: Path, sets: Mapping[str, object], *words: str) -> Path:
    """The demonstrations of a task file with overrides; with cameras, encoders beside them, `words` for `pretrain`."""
    overrides = [f"{key}={value}" for key, value in sets.items()]
    task = taskfile.load(config, overrides)
    root = folder / task.dataset.root

    def make() -> str:
        shutil.rmtree(root, ignore_errors=True)
        hilrt(folder, "record", str(config), sets=sets)
        if task.robot.cameras and task.policy.encoder == "pretrained":
            hilrt(folder, "pretrain", str(config), *words, sets=sets)
        return str(root)

    return Path(once(folder, f"recorded-{root.name}", make))


def require_make(folder: Path, sets: Sequence[str], **facts: object) -> None:
    """See that what is there was made by this commit, with these facts; else it would be taken for this."""
    made_with = {"commit": commit(), **facts, "set": sorted(sets)}
    note = folder / "made_with.json"
    if note.exists() and (before := json.loads(note.read_text())) != made_with:
        sys.exit(f"{folder} was made with {before}, and this is {made_with}: take another --out")
    note.write_text(json.dumps(made_with))


def size(root: Path) -> tuple[int, int]:
    """Episodes of a dataset, and their steps."""
    info = json.loads((root / "meta" / "info.json").read_text())
    return info["total_episodes"], info["total_frames"]


def trained(
    folder: Path, config: Path, sets: Mapping[str, object], name: str = "trained", *words: str
) -> Path:
    """The run's folder of a training, whose name tells it from others in this folder; `words` for `train`."""

    def make() -> str:
        runs = {str(run) for run in folder.glob("runs/*-train-*")}
        before = folder / f"{name}.begun"
        if not before.exists():
            before.write_text("\n".join(runs))
        of_others = {*before.read_text().splitlines(), *(mark.read_text() for mark in folder.glob("*.made"))}
        if begun := sorted(runs - of_others):
            hilrt(folder, "train", "--resume", begun[0], sets={})
            return begun[0]
        hilrt(folder, "train", str(config), *words, sets=sets)
        return str(max(folder.glob("runs/*-train-*"), key=os.path.getmtime))

    return Path(once(folder, name, make))


def judged(run: Path, episodes: int, sets: Mapping[str, object], *words: str) -> dict:
    """An evaluation of a run's newest policy with overrides, `words` for `eval`."""
    hilrt(run.parents[1], "eval", str(run), "--episodes", str(episodes), *words, sets=sets)
    summary = json.loads((max((run / "evals").iterdir()) / "summary.json").read_text())
    evaluation: dict = summary["evaluations"][-1]
    return evaluation


def scored(run: Path, on: str, episodes: int, sets: Mapping[str, object], *words: str) -> dict:
    """Success of a run's policy with overrides, which `on` is a name for, judged or found; `words` for `eval`."""
    result = run / f"on-{'-'.join((on, *words)).replace('--', '')}-{episodes}.json"
    if not result.exists():
        result.write_text(json.dumps(judged(run, episodes, sets, *words)["success"]))
    success: dict = json.loads(result.read_text())
    return success


def evaluations(run: Path) -> list[dict]:
    """Those of a training from before its first step on: successes by steps, and what they had taken by then.

    Seconds that the arm was at work in training, its ways back to the start left out; steps of the person, and her
    share of the steps since the evaluation before.
    """
    told, episodes = [], read_summaries(run / "episodes.jsonl")
    before_steps, before_human = 0, 0
    for e in json.loads((run / "summary.json").read_text())["evaluations"]:
        so_far = [r for r in episodes if r.mode is Mode.TRAIN and r.online_steps <= e["online_steps"]]
        human = sum(r.human_steps for r in so_far)
        steps = e["online_steps"] - before_steps
        told.append(
            e["success"]
            | {
                "step": e["online_steps"],
                "human_steps": human,
                "human_share": round((human - before_human) / steps, 4) if steps else 0.0,
                "arm_s": round(sum(r.duration_s for r in so_far), 1),
            }
        )
        before_steps, before_human = e["online_steps"], human
    return told
