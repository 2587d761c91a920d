"""Whether datasets pass between hilrt and LeRobot's own library as the guide says; one line for each fact.

    python benches/experiments/lerobot.py --lerobot PYTHON

PYTHON is an interpreter of an environment that has lerobot (0.4.4 was tried), and FFmpeg's libraries, which its loader
wants for video. Demonstrations are recorded on simulated arms; what LeRobot writes holds the same movements. Exits with
1 if a fact does not hold.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

BENCHES = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHES))

from host import report  # noqa: E402

from hilrt.config import taskfile  # noqa: E402
from hilrt.data.journal import Episode  # noqa: E402
from hilrt.data.lerobot.dataset import open_dataset  # noqa: E402
from hilrt.step.record import vector  # noqa: E402

CLI = [sys.executable, "-c", "from hilrt.cli import main; main()"]
CONFIGS = BENCHES.parent / "configs"
CAMERAS = [
    f"robot.cameras.{name}={{type='sim', width={width}, height=64, fps=30}}"
    for name, width in (("front", 96), ("wrist", 64))
]
PROMPT = [*CAMERAS, "sim.arm.preset=stiff"]
KINDS = {
    "images": ("sim_so100_pixels.toml", PROMPT),
    "video": ("sim_so100_pixels.toml", [*PROMPT, "dataset.video=true"]),
    "state only": ("sim_so100.toml", []),  # an arm that is about a tick late
}
EPISODES = 4
PICTURES = "observation.images."
NEAR, LOSSY = 3.0, 10.0
"""Mean difference of two decoders' pictures out of one video, and of a picture and LeRobot's video of it [of 255]."""

Arrays = dict[str, np.ndarray]
SAVE: Callable[..., None] = np.savez
"""Arrays by name; its declared type takes any dict of them for flags as well."""


class FailedError(Exception):
    """A fact does not hold: why."""


def require(holds: object, why: str) -> None:
    if not holds:
        raise FailedError(why)


class Place:
    """A folder for everything, and the two programs."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder, self._python = folder, python
        self.version = ""

    def hilrt(self, *words: object, refused: bool = False) -> str:
        """A command of ours; what it said."""
        done = subprocess.run(
            [*CLI, *map(str, words)], cwd=self.folder, capture_output=True, text=True, check=False
        )
        said = " ".join((done.stdout + done.stderr).split())
        require(done.returncode == (2 if refused else 0), f"hilrt {words[0]} {words[1]}: {said[-1500:]}")
        return said

    def lerobot(self, *words: object) -> None:
        """One of lerobot_side's; it looks for nothing on the network."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
        command = [self._python, str(BENCHES / "lerobot_side.py"), *map(str, words)]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        require(done.returncode == 0, f"lerobot {words[0]}: {done.stderr[-1500:]}")
        self.version = done.stdout.split()[-1]

    def read(self, root: Path) -> Arrays:
        """All rows of a dataset through LeRobot's loader."""
        out = root.with_name(f"{root.name}.npz")
        self.lerobot("read", root, out)
        with np.load(out) as arrays:
            return dict(arrays)

    def config(self, kind: str) -> Path:
        """The kind's task file."""
        name, overrides = KINDS[kind]
        root = f"dataset.root={self.folder / kind}"
        calibration = f"robot.calibration_dir={CONFIGS / 'calibration'}"
        path = self.folder / f"{kind}.toml"
        document = taskfile.document(
            CONFIGS / name, [*overrides, root, calibration, f"dataset.num_episodes_to_record={EPISODES}"]
        )
        path.write_text(document.as_string())
        return path

    def ours(self, kind: str) -> Path:
        """Recorded demonstrations."""
        root = self.folder / kind
        if not root.exists():
            self.hilrt("record", self.config(kind))
        return root

    def theirs(self, name: str, *tasks: str, kind: str = "images") -> Path:
        """The same movements as LeRobot's HIL-SERL recorder would have written them."""
        root, arrays = self.folder / name, self.folder / "theirs.npz"
        if not root.exists():
            SAVE(arrays, **hil_serl(list(recorded(self.ours(kind)))))
            self.lerobot("write", arrays, root, *tasks)
        return root

    def imported(
        self, source: Path, *words: str, kind: str = "images", refused: bool = False
    ) -> tuple[str, Path]:
        """What the import said, and where it went."""
        root = self.folder / f"{source.name}, imported"
        names = ",".join(open_dataset(self.ours(kind)).features.state)
        options = ["--config", self.config(kind), "--state-names", names, *words]
        return self.hilrt("dataset", "import", source, root, *options, refused=refused), root


def recorded(root: Path) -> Iterator[Episode]:
    """Its episodes, with pictures."""
    dataset = open_dataset(root)
    return (dataset.episode(number, frames=True) for number in range(len(dataset)))


def hil_serl(episodes: list[Episode]) -> Arrays:
    """Rows that hold an action, what was seen after it, and what that was worth."""
    steps = [(episode, index) for episode in episodes for index in range(len(episode.records) - 1)]
    records = [episode.records[index] for episode, index in steps]
    seen = [episode.images(index + 1) for episode, index in steps]
    column = {
        "observation.state": [vector(episode.records[index + 1].state) for episode, index in steps],
        "action": [[*vector(record.action), record.gripper] for record in records],
        "next.reward": [[record.reward] for record in records],
        "complementary_info.discrete_penalty": [[0.0] for _ in records],
    }
    arrays = {key: np.array(rows, np.float32) for key, rows in column.items()}
    arrays["next.done"] = np.array([[record.terminated or record.truncated] for record in records])
    arrays |= {PICTURES + camera: np.stack([pictures[camera] for pictures in seen]) for camera in seen[0]}
    ends = np.cumsum([len(episode.records) - 1 for episode in episodes])
    return arrays | {"ends": ends, "fps": np.array(episodes[0].header.features.fps)}


def require_imported(root: Path, said: str, source: list[Episode]) -> None:
    """Each step beside the observation before it, from the second on: what was seen before the first is in no row."""
    found = list(recorded(root))
    require("the observation after their action" in said, f"it does not say so: {said}")
    require(len(found) == len(source), f"{len(found)} episodes of {len(source)}")
    for ours, theirs in zip(source, found, strict=True):
        steps, wanted = theirs.records[:-1], ours.records[1:-1]
        require(len(steps) == len(wanted), f"{len(steps)} steps of {len(wanted)}")
        require(theirs.succeeded == ours.succeeded, "success is another")
        same = [
            (a.state, a.action, a.gripper, a.reward) == (b.state, b.action, b.gripper, b.reward)
            for a, b in zip(steps, wanted, strict=True)
        ]
        require(all(same), f"step {same.index(False) if False in same else 0} is another")
        require(theirs.records[-1].state == ours.records[-1].state, "the last observation is another")
        for index in range(len(theirs.records)):
            for camera, picture in theirs.images(index).items():
                far = np.abs(picture.astype(int) - ours.images(index + 1)[camera]).mean()
                require(far < LOSSY, f"{camera} at step {index} is off by {far:.1f}")


# --- facts ---------------------------------------------------------------------------------------


def imports(place: Place) -> None:
    theirs = place.theirs("theirs", "lift")
    said, root = place.imported(theirs)
    require_imported(root, said, list(recorded(place.ours("images"))))
    rows = place.read(theirs)
    taken = [episode.images(index) for episode in recorded(root) for index in range(len(episode.records))]
    for camera in taken[0]:
        shown = np.stack([pictures[camera] for pictures in taken]).astype(int)
        far = np.abs(shown - rows[PICTURES + camera]).mean(axis=(1, 2, 3)).max()
        require(far < NEAR, f"{camera} is not as its loader has it: off by {far:.1f}")


def imports_merged(place: Place) -> None:
    merged = place.folder / "merged"
    place.lerobot("merge", merged, place.theirs("theirs", "lift"), place.theirs("again", "lift"))
    said, root = place.imported(merged)
    require_imported(root, said, list(recorded(place.ours("images"))) * 2)


def imports_thinned(place: Place) -> None:
    thinned = place.folder / "thinned"
    place.lerobot("delete", thinned, place.theirs("theirs", "lift"), 0)
    said, root = place.imported(thinned)
    require_imported(root, said, list(recorded(place.ours("images")))[1:])


def says_what_is_not_told(place: Place) -> None:
    late = place.theirs("late", "lift", kind="state only")
    said, _ = place.imported(late, kind="state only")
    require("do not tell" in said and "--observation after" in said, said)
    shutil.rmtree(place.folder / "late, imported")
    said, root = place.imported(late, "--observation", "after", kind="state only")
    require_imported(root, said, list(recorded(place.ours("state only"))))


def asks_for_task(place: Place) -> None:
    theirs = place.theirs("two tasks", "lift", "push")
    said, root = place.imported(theirs, refused=True)
    require("--task" in said and not root.exists(), said)
    said, root = place.imported(theirs, "--task", "push")
    require_imported(root, said, list(recorded(place.ours("images")))[1::2])


def merges_ours(kind: str) -> Callable[[Place], None]:
    def fact(place: Place) -> None:
        ours, other = place.ours(kind), place.folder / f"{kind}, one"
        place.hilrt("dataset", "export", ours, other, "--episodes", "1")
        merged = place.folder / f"{kind}, merged"
        place.lerobot("merge", merged, ours, other)
        rows, whole, one = (place.read(root) for root in (merged, ours, other))
        for key in whole.keys() - {"index", "episode_index"}:
            same = np.array_equal(rows[key], np.concatenate((whole[key], one[key])))
            require(same or (kind == "video" and key.startswith(PICTURES)), f"{key} is another")
        require(len(rows["index"]) == len(whole["index"]) + len(one["index"]), "rows are missing")

    return fact


def loads_ours(kind: str) -> Callable[[Place], None]:
    def fact(place: Place) -> None:
        root = place.ours(kind)
        rows = place.read(root)
        files = sorted(root.glob("data/*/*.parquet"))
        for name in (name for name in pq.read_schema(files[0]).names if not name.startswith(PICTURES)):
            column = [
                value for file in files for value in pq.read_table(file, columns=[name])[name].to_pylist()
            ]
            require(
                np.array_equal(rows[name].reshape(len(column), -1).squeeze(), np.array(column)), f"{name}"
            )
        row = 0
        for episode in recorded(root):
            for index in range(len(episode.records) - 1):
                for camera, picture in episode.images(index).items():
                    far = np.abs(rows[PICTURES + camera][row].astype(int) - picture)
                    same = far.max() == 0 if kind == "images" else far.mean() < NEAR
                    require(same, f"{camera} in row {row} is off by {far.mean():.2f}, {far.max()} at worst")
                row += 1
        require(row == len(rows["index"]), f"{len(rows['index'])} rows of {row}")

    return fact


FACTS: dict[str, Callable[[Place], None]] = {
    "its HIL-SERL recorder's dataset is imported, as after the action": imports,
    "of a late arm the data do not tell, which is said": says_what_is_not_told,
    "two of them that it merged are imported": imports_merged,
    "one that it thinned is imported": imports_thinned,
    "one of two tasks asks for --task": asks_for_task,
    **{f"its merge of ours loads, {kind}": merges_ours(kind) for kind in KINDS},
    **{f"its loader has every row of ours, {kind}": loads_ours(kind) for kind in KINDS},
}


def judged(fact: Callable[[Place], None], place: Place) -> str:
    """`pass`, or why not; for who waits, too."""
    try:
        fact(place)
    except FailedError as why:
        result = f"fail: {why}"
    else:
        result = "pass"
    print(result, file=sys.stderr)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--lerobot", metavar="PYTHON", required=True, help="interpreter that has lerobot")
    python = os.path.abspath(parser.parse_args().lerobot)  # noqa: PTH100 - a link into an environment stays one
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), python)
        facts = {name: judged(fact, place) for name, fact in FACTS.items()}
        report("lerobot", {"lerobot": place.version, "facts": facts})
    sys.exit(any(result != "pass" for result in facts.values()))


if __name__ == "__main__":
    main()
