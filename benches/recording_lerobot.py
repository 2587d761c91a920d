"""recording.py's loop through LeRobotDataset; run by it, with an interpreter that has lerobot.

`images`: PNG by the image writer's threads, kept as images; `video`: the same, encoded at an episode's end, which is
its default; `streaming`: video encoded while recording, as H.264.
"""

import json
import sys
from pathlib import Path

import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from recording_loop import FPS, HEIGHT, WIDTH, paced, pictures

CAMERAS = ("front", "wrist")
THREADS = 4 * len(CAMERAS)
"""Four for each camera, as its own recording script has by default."""


def main(root: Path, steps: int, episodes: int, how: str) -> None:
    picture = {"dtype": "image" if how == "images" else "video", "shape": (HEIGHT, WIDTH, 3)}
    features = {
        "observation.state": {"dtype": "float32", "shape": (30,), "names": None},
        "action": {"dtype": "float32", "shape": (3,), "names": None},
        **{
            f"observation.images.{name}": {**picture, "names": ["height", "width", "channels"]}
            for name in CAMERAS
        },
    }
    streaming = {"streaming_encoding": True, "vcodec": "h264"} if how == "streaming" else {}
    dataset = LeRobotDataset.create(
        "bench/recording",
        FPS,
        features,
        root=root,
        use_videos=how != "images",
        image_writer_threads=THREADS,
        **streaming,
    )
    shots = pictures()

    def write(_: int, step: int) -> None:
        images = zip(CAMERAS, shots[step % len(shots)], strict=True)
        dataset.add_frame(
            {
                "observation.state": np.zeros(30, np.float32),
                "action": np.zeros(3, np.float32),
                **{f"observation.images.{name}": image for name, image in images},
                "task": "bench",
            }
        )

    figures = paced(write, steps, episodes, dataset.save_episode)
    dataset.finalize()
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
