"""What experiments/lerobot.py asks of LeRobot's own library; run by it, with an interpreter that has lerobot.

`write ARRAYS ROOT TASK...`: a dataset as its HIL-SERL recorder declares it, tasks by turns; `merge OUT ROOT...`;
`delete OUT ROOT NUMBER`; `read ROOT ARRAYS`: every row through its loader.
"""

import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from lerobot.datasets.dataset_tools import delete_episodes, merge_datasets
from lerobot.datasets.lerobot_dataset import LeRobotDataset

PICTURES = "observation.images."
SAVE: Callable[..., None] = np.savez
"""Arrays by name; its declared type takes any dict of them for flags as well."""


def opened(root: str) -> LeRobotDataset:
    """A dataset on disk."""
    return LeRobotDataset(f"local/{Path(root).name}", root=root)


def write(source: str, root: str, *tasks: str) -> None:
    """As `control_loop` of lerobot.rl.gym_manipulator does: video, channels first, names of the action alone."""
    with np.load(source) as arrays:
        rows = dict(arrays)
    ends, fps = rows.pop("ends"), int(rows.pop("fps"))
    one = {"dtype": "float32", "shape": (1,), "names": None}
    axes = {f"delta_{axis}": place for place, axis in enumerate("xyz")} | {"gripper": 3}
    features = {
        "action": {"dtype": "float32", "shape": (4,), "names": axes},
        "next.reward": one,
        "next.done": {**one, "dtype": "bool"},
        "complementary_info.discrete_penalty": {**one, "names": ["discrete_penalty"]},
        "observation.state": {
            "dtype": "float32",
            "shape": rows["observation.state"].shape[1:],
            "names": None,
        },
    }
    for key in (key for key in rows if key.startswith(PICTURES)):
        height, width, _ = rows[key].shape[1:]
        features[key] = {
            "dtype": "video",
            "shape": torch.Size((3, height, width)),
            "names": ["channels", "height", "width"],
        }
        rows[key] = torch.from_numpy(rows[key]).permute(0, 3, 1, 2) / 255
    dataset = LeRobotDataset.create(
        "local/theirs", fps, root=root, use_videos=True, image_writer_threads=4, features=features
    )
    episode = 0
    for row in range(len(rows["action"])):
        dataset.add_frame({key: rows[key][row] for key in features} | {"task": tasks[episode % len(tasks)]})
        if row + 1 in ends:
            dataset.save_episode()
            episode += 1
    dataset.finalize()


def merge(out: str, *roots: str) -> None:
    """Its merge of datasets."""
    merge_datasets([opened(root) for root in roots], "local/merged", out)


def delete(out: str, root: str, number: str) -> None:
    """A dataset without an episode."""
    delete_episodes(opened(root), [int(number)], out)


def read(root: str, out: str) -> None:
    """All rows, an array for each feature; pictures as uint8, (rows, height, width, 3)."""
    dataset = opened(root)
    rows = [dataset[index] for index in range(len(dataset))]
    arrays = {key: np.stack([np.asarray(row[key]) for row in rows]) for key in dataset.features}
    for key in dataset.meta.camera_keys:
        arrays[key] = np.rint(arrays[key].transpose(0, 2, 3, 1) * 255).astype(np.uint8)
    arrays["task"] = np.array([row["task"] for row in rows])
    SAVE(out, **arrays)


def main(what: str, *words: str) -> None:
    """Do it, and print which version of the library has done it."""
    asked: dict[str, Callable[..., None]] = {"write": write, "merge": merge, "delete": delete, "read": read}
    asked[what](*words)
    print(version("lerobot"))


if __name__ == "__main__":
    main(*sys.argv[1:])
