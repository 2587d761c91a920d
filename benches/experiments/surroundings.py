"""A trained policy where things are otherwise: another arm, another cube, old pictures, a cube that is nudged away.

    python benches/experiments/surroundings.py --run RUN --on sim.arm.preset=worn --on sim.nudge_mm=30

`--on` may hold several changes, separated by `;`; what is judged first is what the policy was trained on. Scenes are
the same for all, as `hilrt eval RUN` has them; a result is kept in the run's folder and not made again. Prints JSON.
"""

import argparse
import json
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402
from made import judged  # noqa: E402

from hilrt.policy.saved import newest_checkpoint  # noqa: E402


def kept(run: Path, change: str, episodes: int) -> dict:
    """Success of a run's newest policy with something changed, made or found."""
    notes = run / "elsewhere.json"
    known = json.loads(notes.read_text()) if notes.exists() else {}
    checkpoint = newest_checkpoint(run)
    assert checkpoint is not None, f"{run} has no policy"
    name = f"{checkpoint.name}, {change or 'as trained'}, {episodes} episodes"
    if name not in known:
        pairs = (pair.partition("=") for pair in change.split(";") if pair)
        sets: dict[str, object] = {key: value for key, _, value in pairs}
        known[name] = judged(run, episodes, sets)["success"]
        notes.write_text(json.dumps(known))
    return known[name]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", type=Path, required=True, nargs="+")
    parser.add_argument("--on", action="append", default=[], help="KEY=VALUE[;KEY=VALUE ...], as for hilrt")
    parser.add_argument("--episodes", type=int, default=100)
    args = parser.parse_args()
    report(
        "surroundings",
        {
            run.name: {
                change or "as trained": kept(run.resolve(), change, args.episodes)
                for change in ("", *args.on)
            }
            for run in args.run
        },
    )


if __name__ == "__main__":
    main()
