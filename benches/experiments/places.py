"""Does it pay to put the object where a policy is weak? One that knows the left half alone learns the right one.

    python benches/experiments/places.py --out FOLDER --seeds 901 902 903 --steps 4000 --more 3000 --each 10

Demonstrations and a training with the cube in the left half of its patch; then the training goes on twice, from the
same checkpoint, with the cube all over the patch: where cells are weak, and anywhere. Each policy is judged by place,
with as many episodes in each of 3 x 4 cells. Both go on for as many steps; how many episodes that were is told.
What is in FOLDER, made by the same commit, is not done again; a training that was cut is gone on with. Prints JSON.
"""

import argparse
import json
import shutil
import sys
from functools import partial
from pathlib import Path

import tomlkit

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from clone import difference, options  # noqa: E402
from host import report  # noqa: E402
from made import CALIBRATION, hilrt, once, recorded, require_make, trained  # noqa: E402

from hilrt.data.episodes import read_summaries  # noqa: E402
from hilrt.step.record import Mode  # noqa: E402

PATCH = "{min = [0.17, -0.05], max = [0.27, 0.05]}"
LEFT = "{min = [0.17, 0.0], max = [0.27, 0.05]}"
AREA = "processor.reset.area"
HALVES = ("left", "right")
WAYS = ("weak", "anywhere")

Won = dict[str, list[int]]
"""Of each half: successes and episodes."""


def judged(run: Path, each: int) -> str:
    """An evaluation by place, as JSON."""
    hilrt(run.parents[1], "eval", str(run), "--grid", "3x4", "--each", str(each), sets={AREA: PATCH})
    summary = json.loads((max((run / "evals").iterdir()) / "summary.json").read_text())
    won: Won = {half: [0, 0] for half in HALVES}
    for cell in summary["cells"]:
        half = won["left" if cell["centre_m"][1] > 0 else "right"]
        half[0] += cell["success"]["successes"]
        half[1] += cell["success"]["episodes"]
    return json.dumps(won)


def gone_on(folder: Path, run: Path, way: str, more: int) -> Path:
    """A copy of a run that has gone on with the cube all over its patch, put `way`."""
    copy = run.with_name(f"{run.name}-{way}")

    def make() -> str:
        if not copy.exists():
            half_made = copy.with_suffix(".copying")
            shutil.rmtree(half_made, ignore_errors=True)
            shutil.copytree(run, half_made, ignore=shutil.ignore_patterns("evals"))
            config = tomlkit.parse((half_made / "config.toml").read_text())
            reset = config["processor"]["reset"]
            reset["area"], reset["next_place"] = tomlkit.parse(f"area = {PATCH}")["area"], way
            config["learner"]["online_steps"] += more
            (half_made / "config.toml").write_text(tomlkit.dumps(config))
            half_made.rename(copy)
        hilrt(folder, "train", "--resume", str(copy), sets={})
        return str(copy)

    return Path(once(folder, f"gone-on-{way}", make))


def episodes(run: Path) -> int:
    """Of training."""
    return sum(e.mode is Mode.TRAIN for e in read_summaries(run / "episodes.jsonl"))


def tried(folder: Path, seed: int, args: argparse.Namespace) -> dict[str, dict]:
    """What the policies of a seed win in each half, made or found."""
    sets = {
        **CALIBRATION,
        "seed": seed,
        AREA: LEFT,
        "learner.online_steps": args.steps,
        "eval.every_steps": 0,
        **dict(pair.split("=", 1) for pair in args.set),
    }
    require_make(folder, args.set, steps=args.steps, more=args.more, each=args.each)
    recorded(folder, args.config, sets)
    run = trained(folder, args.config, sets)
    runs = {"left half alone": run} | {way: gone_on(folder, run, way, args.more) for way in WAYS}
    return {
        name: {
            "won": json.loads(once(folder, f"judged-{name}", partial(judged, of, args.each))),
            "episodes": episodes(of),
        }
        for name, of in runs.items()
    }


def pooled(seeds: list[dict[str, dict]], name: str, half: str) -> tuple[int, int]:
    """Successes and episodes of all seeds."""
    wins, of = zip(*(seed[name]["won"][half] for seed in seeds), strict=True)
    return sum(wins), sum(of)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--more", type=int, default=3000, help="steps of each training that goes on")
    parser.add_argument("--each", type=int, default=10, help="episodes in each cell")
    args = parser.parse_args()
    seeds = []
    for seed in args.seeds:
        folder = args.out.resolve() / f"places-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        seeds.append(tried(folder, seed, args))
    results: dict[str, object] = {f"seed {seed}": told for seed, told in zip(args.seeds, seeds, strict=True)}
    for name in seeds[0]:
        results[name] = {half: "{}/{}".format(*pooled(seeds, name, half)) for half in HALVES}
    halves = (pooled(seeds, "left half alone", half) for half in HALVES)
    results["left better than right by"] = [round(x, 3) for x in difference(*next(halves), *next(halves))]
    for half in HALVES:
        ways = (pooled(seeds, way, half) for way in WAYS)
        key = f"weak better than anywhere by, {half}"
        results[key] = [round(x, 3) for x in difference(*next(ways), *next(ways))]
    report("places", results)


if __name__ == "__main__":
    main()
