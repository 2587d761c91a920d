"""A task file with two cameras, and a dataset of episodes in which a block moves within a known region."""

from pathlib import Path

import numpy as np

from hilrt.config import taskfile
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.fold import fold
from hilrt.data.pictures import packed
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Record, Source, encode_into

ROOT = Path(__file__).parents[1]
HEIGHT, WIDTH = 96, 128
ROWS, COLUMNS = (20, 60), (30, 90)
"""Where the block is at one time or another."""
BLOCK = 12
CAMERA = '[robot.cameras.{}]\ntype = "sim"  # as it came\nwidth = 128\nheight = 96\n\n'


def task_file(folder, *lines):
    """The simulated task with two cameras; its dataset is `folder`/demos."""
    text = (ROOT / "configs/sim_so100.toml").read_text()
    text = text.replace('"datasets/sim_so100"', f'"{folder}/demos"').replace(
        "configs/cali", f"{ROOT}/configs/cali"
    )
    path = folder / "task.toml"
    path.write_text("\n".join([text, *map(CAMERA.format, ("front", "wrist")), *lines]))
    return path


def picture(share, rng):
    """A noisy grey wall, and the block that share of its way along the region's diagonal."""
    wall = rng.integers(90, 100, (HEIGHT, WIDTH, 3), np.uint8)
    top = round(ROWS[0] + share * (ROWS[1] - BLOCK - ROWS[0]))
    left = round(COLUMNS[0] + share * (COLUMNS[1] - BLOCK - COLUMNS[0]))
    wall[top : top + BLOCK, left : left + BLOCK] = (250, 20, 10)
    return wall


def demos(path, episodes=2, **how):
    """The task file's dataset, with episodes in it; see `journal`."""
    root = journal(path, episodes, **how)
    assert fold(root).kept == episodes
    return root


def journal(path, episodes=2, steps=12, *, success=True, still=("wrist",), mode=Mode.DEMO, human=range(100)):
    """Record episodes that are not in the dataset yet; in `still` cameras nothing moves."""
    config = taskfile.load(path)
    features, rng = from_config(config), np.random.default_rng(0)
    root = Path(config.dataset.root)
    with JournalWriter(root / "journal", features, config.env.task) as writer:
        for episode in range(episodes):
            for step in range(steps + 1):
                raw = np.zeros(features.frame_bytes, np.uint8)
                for image in features.images:
                    share = 0.0 if image.name in still else step / steps
                    raw[image.offset : image.offset + image.nbytes] = picture(share, rng).ravel()
                record = step_of(features, episode, step, final=step == steps, mode=mode)
                ends = step >= steps - 1
                record.terminated, record.success = ends, ends and success
                record.reward = float(step == steps - 1 and success)
                record.source = Source.HUMAN if step in human else Source.POLICY
                writer.write(bytes(encode_into(record, bytearray())), packed(raw, features.images, "png"))
    return root


def step_of(features, episode, step, *, final, mode):
    """A record without anything of interest in it."""
    vectors = {"action": len(features.action), "joint_goal": 6}
    acted = {} if final else {name: np.zeros(n, np.float32).tobytes() for name, n in vectors.items()}
    return Record(
        episode=episode,
        step=step,
        mode=mode,
        final=final,
        monotonic_ns=10**9 * (episode + 1) + step,
        wall_ns=step,
        state=np.zeros(len(features.state), np.float32).tobytes(),
        **acted,
    )
