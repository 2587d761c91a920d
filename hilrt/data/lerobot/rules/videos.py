"""The rules of videos/: every picture can be decoded, has its size, and is shown at its time."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hilrt.data.lerobot.episodes import Clip, EpisodeRow, FileIndex
from hilrt.data.lerobot.rules.checked import Advance, Checked, Violation
from hilrt.errors import DatasetDamagedError

TOLERANCE_S = 1e-4
"""Of the time of a picture."""

Users = list[tuple[EpisodeRow, Clip]]
Times = npt.NDArray[np.float64]


def video_rules(checked: Checked, advance: Advance) -> Iterator[Violation]:
    """Every picture of every video."""
    users: dict[tuple[str, FileIndex], Users] = defaultdict(list)
    for row in checked.rows:
        for key, clip in row.clips.items():
            users[key, clip.file].append((row, clip))
    known = {checked.video_path(key, its[0][1]): (key, file) for (key, file), its in users.items()}
    for path in sorted(set(checked.root.glob("videos/**/*.mp4")) - set(known)):
        yield Violation(checked.name(path), "no episode lies in it")
    with ThreadPoolExecutor() as pool:
        for (path, user), found in zip(known.items(), pool.map(_looked_at, known), strict=True):
            if isinstance(found, str):
                yield Violation(checked.name(path), found)
                continue
            for problem in _problems(checked, user[0], users[user], *found):
                yield Violation(checked.name(path), problem)
            advance(path.stat().st_size)


def _problems(checked: Checked, key: str, users: Users, times: Times, size: tuple[int, ...]) -> Iterator[str]:
    wanted = checked.info.features[key].picture_shape
    if size != wanted[:2]:
        yield f"its pictures are {size[1]}x{size[0]}, not {'x'.join(map(str, wanted[1::-1]))}"
    for row, clip in users:
        mine = times[(times >= clip.from_s - TOLERANCE_S) & (times < clip.to_s - TOLERANCE_S)]
        expected = clip.from_s + np.arange(len(mine)) / checked.info.fps
        if len(mine) != row.length:
            yield f"episode {row.episode} has {len(mine)} pictures in it, and {row.length} steps"
        elif (late := np.abs(mine - expected)).max() > TOLERANCE_S:
            yield f"picture {late.argmax()} of episode {row.episode} is shown {late.max():.4f} s off its time"
    steps = sum(row.length for row, _ in users)
    if len(times) != steps:
        yield f"has {len(times)} pictures, its episodes {steps} steps"


def _looked_at(path: Path) -> tuple[Times, tuple[int, ...]] | str:
    """When each picture is shown, and their height and width; or what is wrong."""
    from hilrt.data.lerobot.video import looked_at  # noqa: PLC0415 - av is behind it

    try:
        times, size = looked_at(path)
    except DatasetDamagedError as error:
        return str(error)
    return np.array(times), size
