"""Datasets that hilrt writes, against the format's description."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from format_rules import violations

from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import fold
from hilrt.data.lerobot.rules import verify


@pytest.fixture(params=["image", "video"])
def dataset(request, record_session, root, features):
    """Two sessions in a dataset, with pictures of either kind."""
    for numbers in (range(3), range(3, 5)):
        record_session(numbers)
        fold(root, features, video=request.param == "video", robot_type="so100_follower")
    return root


def test_what_hilrt_writes_keeps_the_format(dataset):
    """By the description of the format, and by hilrt's own rules, nothing is wrong."""
    assert violations(dataset) == []
    assert list(verify(dataset, lambda _: None)) == []


def test_columns_mean_what_their_names_say(dataset, record_session, tmp_path, features):
    """The columns that others read hold the recorded state, action with its gripper command, reward and outcome."""
    record_session(range(5), folder=tmp_path / "again")
    rows = [row for path in sorted(dataset.glob("data/*/*")) for row in pq.read_table(path).to_pylist()]
    steps = [r for e in read_episodes(tmp_path / "again") for r in e.records if not r.final]
    info = json.loads((dataset / "meta/info.json").read_text())
    assert info["features"]["action"]["names"] == ["dx", "dy", "dz", "gripper"]
    assert info["features"]["observation.state"]["names"] == ["a.pos", "b.pos"]
    assert info["robot_type"] == "so100_follower"
    assert len(rows) == len(steps)
    for row, step in zip(rows, steps, strict=True):
        assert row["observation.state"] == np.frombuffer(step.state, "<f4").tolist()
        assert row["action"] == [*np.frombuffer(step.action, "<f4").tolist(), float(step.gripper)]
        assert row["next.reward"] == np.float32(step.reward)
        ends = (step.terminated or step.truncated, step.success, step.terminated, step.truncated)
        assert tuple(row[f"next.{n}"] for n in ("done", "success", "terminated", "truncated")) == ends
        assert row["complementary_info.is_intervention"] == float(step.source)


def test_statistics_are_those_of_all_rows(dataset, features):
    """stats.json, put together session by session, says what numpy says of all rows."""
    stats = json.loads((dataset / "meta/stats.json").read_text())
    tables = [pq.read_table(path) for path in sorted(dataset.glob("data/*/*"))]
    state = np.array(pa.concat_tables(tables).column("observation.state").to_pylist())
    told = stats["observation.state"]
    np.testing.assert_allclose(told["mean"], state.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(told["std"], state.std(axis=0), rtol=1e-6)
    np.testing.assert_allclose([told["min"], told["max"]], [state.min(axis=0), state.max(axis=0)])
    assert told["count"] == [len(state)]
    front = stats["observation.images.front"]
    assert np.shape(front["mean"]) == (3, 1, 1)
    assert np.ravel(front["max"])[0] == pytest.approx(4 * 23 / 255)


def test_pictures_come_back(dataset, record_session, tmp_path, features):
    """Pictures from images are exact, from video nearly; those of the last observation are exact in both."""
    record_session(range(5), folder=tmp_path / "again")
    opened = open_dataset(dataset, features)
    exact = not opened.info.videos
    for recorded in read_episodes(tmp_path / "again", frames=True):
        found = opened.episode(recorded.number, frames=True)
        assert found.records == recorded.records
        for index in (*range(len(found.records)), 1, 4, 0):  # there and back again
            for name, picture in recorded.images(index).items():
                off = np.abs(found.images(index)[name].astype(int) - picture)
                assert off.max() <= (0 if exact or index == len(found.records) - 1 else 40)
                assert off.mean() < 4


def damage(path, change):
    """Rewrite a parquet file with one column changed."""
    table = pq.read_table(path)
    pq.write_table(change(table), path)


def shifted(column, row, by):
    """Adds to one cell."""

    def change(table):
        values = table.column(column).to_numpy().copy()
        values[row] += by
        return table.set_column(table.schema.get_field_index(column), column, pa.array(values))

    return change


def no_picture(table):
    """Takes the bytes of a picture away."""
    pictures = table.column("observation.images.front").to_pylist()
    pictures[2] = {"bytes": b"\x89PNG and then nothing", "path": None}
    at = table.schema.get_field_index("observation.images.front")
    return table.set_column(at, table.schema.field(at), pa.array(pictures, table.schema.field(at).type))


BREAKS = {
    r"file-000.parquet row 7: index is 8": ("data/chunk-000/file-000.parquet", shifted("index", 7, 1)),
    r"file-000.parquet row 3: timestamp 0.4 s is not": (
        "data/chunk-000/file-000.parquet",
        shifted("timestamp", 3, np.float32(0.1)),
    ),
    r"row 6: frame_index is 0": ("data/chunk-000/file-000.parquet", shifted("frame_index", 6, -1)),
    r"row 4: task_index 3 is none of its episode's tasks": (
        "data/chunk-000/file-000.parquet",
        shifted("task_index", 4, 3),
    ),
    r"file-001.parquet: has 9 rows, its episodes 10": (
        "data/chunk-000/file-001.parquet",
        lambda t: t.slice(0, 9),
    ),
    r"has no column next.reward": (
        "data/chunk-000/file-001.parquet",
        lambda t: t.drop_columns(["next.reward"]),
    ),
    r"episode 1: begins at row 6 of the dataset, the one before ends at 5": (
        "meta/episodes/chunk-000/file-000.parquet",
        shifted("dataset_from_index", 1, 1),
    ),
    r"episode 2: its index is 5": (
        "meta/episodes/chunk-000/file-000.parquet",
        shifted("episode_index", 2, 3),
    ),
    r"row 2: observation.images.front: a picture that cannot": (
        "data/chunk-000/file-000.parquet",
        no_picture,
    ),
    r"hilrt: has 4 last observations, of 5 episodes": ("hilrt/final-000003.parquet", lambda t: t.slice(0, 1)),
}


@pytest.mark.parametrize("told", BREAKS)
def test_what_breaks_a_rule_is_named(told, record_session, root, features):
    """A positive control of both checkers: whatever is broken, by whoever, is found, by file and row."""
    for numbers in (range(3), range(3, 5)):
        record_session(numbers)
        fold(root, features)
    name, change = BREAKS[told]
    damage(root / name, change)
    assert told in "\n".join(map(str, verify(root, lambda _: None)))
    assert name.startswith("hilrt/") or violations(root)


def test_broken_videos_are_named(record_session, root, features):
    """A video that lacks pictures, or cannot be decoded, is found by both checkers."""
    record_session(range(2))
    record_session(range(2, 3), steps=3)
    fold(root, features, video=True)
    videos = root / "videos/observation.images.front/chunk-000"
    shutil.copy(videos / "file-002.mp4", videos / "file-000.mp4")
    (videos / "file-001.mp4").write_bytes((videos / "file-001.mp4").read_bytes()[:300])
    (videos / "file-007.mp4").write_bytes(b"left over")
    told = "\n".join(map(str, verify(root, lambda _: None)))
    assert "file-000.mp4: episode 0 has 3 pictures in it, and 5 steps" in told
    assert "file-001.mp4 is damaged: cannot be decoded" in told
    assert "file-007.mp4: no episode lies in it" in told
