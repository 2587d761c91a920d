"""Datasets made of datasets."""

import msgspec
import pytest
from format_rules import violations

from hilrt.data.journal import read_episodes
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.data.lerobot.fold import export_journal, fold
from hilrt.data.lerobot.rewrite import delete_episodes, export, merge
from hilrt.data.lerobot.rules import verify
from hilrt.errors import (
    DatasetExistsError,
    DatasetWriteError,
    EpisodesAbsentError,
    MergeError,
    NothingLeftError,
)
from hilrt.step.record import Mode


def told(_):
    """Nobody watches."""


@pytest.fixture
def make(record_session, tmp_path):
    """A dataset of these episodes."""

    def make(name, numbers, *, video=False, **session):
        record_session(numbers, tmp_path / name, **session)
        fold(tmp_path / name, video=video)
        return tmp_path / name

    return make


def contents(root):
    """All records but their episodes' numbers, pictures included."""
    dataset = open_dataset(root)
    episodes = [dataset.episode(n, frames=not dataset.info.videos) for n in range(len(dataset))]
    return [(plain(episode), episode.frames) for episode in episodes]


def plain(episode):
    """Records without the number of their episode."""
    for record in episode.records:
        record.episode = 0
    return episode.records


def films(root):
    """Video files as they are."""
    return [p.read_bytes() for p in sorted(root.glob("videos/*/*/*"))]


def sound(root):
    return violations(root) == [] == list(verify(root, told))


@pytest.mark.parametrize("video", [False, True])
def test_merge(video, make, tmp_path):
    """Datasets joined are their episodes in order, exactly, and they stay as they are."""
    a, b = make("a", range(2), video=video), make("b", range(5, 8), video=video, steps=7)
    before = contents(a), contents(b)
    assert merge(tmp_path / "out", [a, b], told) == 5
    assert contents(tmp_path / "out") == before[0] + before[1]
    assert sorted(films(tmp_path / "out")) == sorted(films(a) + films(b))
    assert (contents(a), contents(b)) == before
    assert sound(tmp_path / "out")


@pytest.mark.parametrize("video", [False, True])
def test_delete(video, make):
    """The named episodes go, the others keep every bit; what was numbered behind them moves up."""
    root = make("a", range(5), video=video)
    before, pictures = contents(root), films(root)
    assert delete_episodes(root, [1, 3, 1], told) == 3
    assert contents(root) == [before[0], before[2], before[4]]
    assert films(root) == [film for i, film in enumerate(pictures) if i % 5 not in {1, 3}]
    assert sound(root)


def test_a_session_after_a_deletion(make, record_session):
    """A dataset that was rewritten is recorded into as before."""
    root = make("a", range(3))
    delete_episodes(root, [2], told)
    before = contents(root)
    record_session(range(3, 4), root)
    fold(root)
    assert contents(root)[:2] == before
    assert len(contents(root)) == 3
    assert sound(root)


def test_export_some_as_video(make, tmp_path):
    """Chosen episodes of a dataset become one with video; its numbers are the same."""
    root = make("a", range(4))
    assert export(root, tmp_path / "out", [3, 1], told, video=True) == 2
    found, expected = open_dataset(tmp_path / "out"), open_dataset(root)
    assert found.info.videos
    assert [plain(e) for e in found] == [plain(expected.episode(n)) for n in (3, 1)]
    assert sound(tmp_path / "out")


def test_export_a_runs_journal(record_session, tmp_path):
    """Training episodes become a dataset, the journal stays; discarded and cut ones are left out."""
    journal = tmp_path / "run" / "journal"
    record_session(range(2), folder=journal, mode=Mode.TRAIN)
    record_session(range(2, 3), folder=journal, mode=Mode.TRAIN, discarded=True)
    record_session(range(3, 4), folder=journal, mode=Mode.TRAIN, complete=False)
    done = export_journal(journal, tmp_path / "out", robot_type="so100_follower")
    assert (done.kept, done.dropped, len(done.left)) == (2, 1, 1)
    assert len(list(read_episodes(journal))) == 4
    dataset = open_dataset(tmp_path / "out")
    assert {r.mode for e in dataset for r in e.records} == {Mode.TRAIN}
    assert sound(tmp_path / "out")


def test_what_cannot_be_done_is_told_and_leaves_nothing(make, tmp_path, features):
    """Other features, other kinds of pictures, a place that is taken, numbers that are not there, nothing left."""
    a, video = make("a", range(2)), make("video", range(2), video=True)
    other = make("other", range(1), features=msgspec.structs.replace(features, fps=30))
    with pytest.raises(MergeError, match=r"other cannot be joined with .*a: its rate is 30 Hz, not 10 Hz"):
        merge(tmp_path / "out", [a, other], told)
    with pytest.raises(MergeError, match=r"one keeps its pictures as video, the other as images"):
        merge(tmp_path / "out", [a, video], told)
    with pytest.raises(
        DatasetExistsError, match=r"video is there already and not empty: nothing was written"
    ):
        merge(video, [a, a], told)
    with pytest.raises(
        EpisodesAbsentError, match=r"a has episodes 0 to 1; there is no 2, 7. Nothing was changed"
    ):
        delete_episodes(a, [0, 2, 7], told)
    with pytest.raises(EpisodesAbsentError, match=r"there is no 5"):
        export(a, tmp_path / "out", [5], told, video=False)
    with pytest.raises(NothingLeftError, match=r"would have no episode left"):
        delete_episodes(a, [0, 1], told)
    assert not (tmp_path / "out").exists()
    assert sound(a)


def test_a_full_disk_leaves_nothing_behind(small_disk, make, record_session):
    """A copy that does not fit is taken back."""
    record_session(range(4), small_disk / "a", steps=30)
    fold(small_disk / "a")
    with pytest.raises(DatasetWriteError, match="No space left on device"):
        merge(small_disk / "out", [small_disk / "a"] * 12, told)
    assert [p.name for p in small_disk.iterdir()] == ["a"]
    assert sound(small_disk / "a")
