"""The page about a classifier: the words above it, and the frames in it."""

from pathlib import Path

import numpy as np
from reward.bundles import bundle_of

from hilrt.classify.frames import DOUBTFUL, Frames, Told
from hilrt.classify.job import Outcome
from hilrt.classify.judgement import Judgement
from hilrt.classify.page import COLUMNS, page, title
from hilrt.classify.threshold import Counts

JUDGED = Judgement(
    classes=("failure", "success"),
    loss=0.1234,
    balanced_accuracy=0.975,
    precision=0.961,
    recall=0.883,
    confusion=((90, 2), (3, 80)),
    sessions=((4, 1.0), (12, 0.95)),
    threshold=0.8125,
    counts=Counts(alarms=1, failed=20, told=14, succeeded=15),
)


def test_all_figures_are_above_the_page() -> None:
    """Loss, precision, recall and each session in numbers, and what an episode comes to; in lines that fit."""
    lines = title(JUDGED).split("\n")
    assert lines[0].startswith("episodes held out: balanced accuracy 97.5% of frames, loss 0.123; ")
    assert lines[0].endswith("precision 96.1% and recall 88.3% at a threshold of 0.812")
    assert lines[1:] == [
        "false alarms in 1 of 20 episodes, 14 of 15 successes noticed",
        "balanced accuracy by session 1, 4 episodes: 100.0%; session 2, 12 episodes: 95.0%",
    ]
    many = Judgement(
        **{**{f: getattr(JUDGED, f) for f in JUDGED.__struct_fields__}, "sessions": ((4, 1.0),) * 9}
    )
    assert max(map(len, title(many).split("\n"))) <= COLUMNS
    assert title(many).count("session") == 9


def test_the_most_wrong_frames_are_of_different_episodes(tmp_path: Path) -> None:
    """Of four episodes, the worst first: failures told with most success, then successes with least; none in doubt."""
    frames = {
        10: [(0, 0.70), (0, 0.99), (0, 0.98), (1, 0.20)],
        11: [(0, 0.10), (DOUBTFUL, 1.00), (1, 0.95), (1, 0.90)],
        12: [(0, 0.97), (DOUBTFUL, 0.00), (1, 0.01), (1, 0.02)],
        13: [(0, 0.30), (0, 0.40), (1, 0.60), (1, 0.50)],
        14: [(0, 0.60), (0, 0.20), (1, 0.80), (1, 0.99)],
    }
    shown: list[tuple[int, int]] = []

    def picture(episode: int, step: int):
        shown.append((episode, step))
        return np.zeros((8, 8, 3), np.uint8)

    page(outcome_of(tmp_path, frames), picture)
    assert shown[:4] == [(10, 1), (12, 0), (14, 0), (13, 1)]
    assert shown[4:] == [(12, 2), (10, 3), (13, 3), (14, 2)]


def outcome_of(folder: Path, frames: dict[int, list[tuple[int, float]]]) -> Outcome:
    """Of episodes whose frames have these classes, and were told to be a success with these probabilities."""
    pairs = [pair for episode in frames.values() for pair in episode]
    success = np.array([p for _, p in pairs], np.float32)
    lengths = [len(episode) for episode in frames.values()]
    told = tuple(Told(number=n, began_s=0.0, digest="", labels="", classes=(), shut_m=None) for n in frames)
    looked = Frames(
        pictures=(),
        classes=np.array([c for c, _ in pairs]),
        episode=np.repeat(np.arange(len(frames)), lengths),
        step=np.concatenate([np.arange(n) for n in lengths]),
        told=told,
    )
    bundle = bundle_of(folder, encoder="conv")
    return Outcome(bundle, JUDGED, [], looked, np.stack([1 - success, success], axis=1), [], [])
