"""`hilrt dataset view`."""

import cv2
import jobs
import numpy as np
import pytest
from pictured import demos, step_of, task_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hilrt.config import taskfile
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.errors import EpisodesAbsentError, NoEpisodesError, PictureFileError
from hilrt.report.episodes import view
from hilrt.report.film import film
from hilrt.step.features import from_config
from hilrt.step.record import Mode, encode_into


@pytest.fixture
def root(tmp_path):
    """Three demonstrations."""
    return demos(task_file(tmp_path), 3, steps=6)


def test_a_file_for_each_episode(root, tmp_path):
    """By its number, and what `film` draws of it."""
    lines = []
    view(lines.append, root, None, tmp_path / "png", None)
    assert sorted(p.name for p in (tmp_path / "png").iterdir()) == [f"episode_{i:06d}.png" for i in range(3)]
    drawn = film(open_dataset(root).episode(1, frames=True))
    assert (cv2.imread(str(tmp_path / "png/episode_000001.png"))[:, :, ::-1] == drawn).all()
    assert lines == [f"3 pictures are in {tmp_path}/png"]


def test_a_journals_episodes_go_by_their_own_numbers(tmp_path):
    """As for `hilrt dataset export`: where numbers are missing, the others keep theirs."""
    features = from_config(taskfile.load(task_file(tmp_path), ["robot.cameras={}"]))
    with JournalWriter(tmp_path / "journal", features, "task") as journal:
        for number in (3, 5):
            for step in range(4):
                record = step_of(features, number, step, final=step == 3, mode=Mode.TRAIN)
                journal.write(bytes(encode_into(record, bytearray())))
    view(lambda _: None, tmp_path, [5], tmp_path / "png", None)
    assert [p.name for p in (tmp_path / "png").iterdir()] == ["episode_000005.png"]
    with pytest.raises(EpisodesAbsentError, match="there is no 4"):
        view(print, tmp_path, [4], tmp_path / "png", None)


def test_into_tensorboard(root, tmp_path):
    """The chosen episodes, a tag for each."""
    view(lambda _: None, root, [0, 2], None, tmp_path / "board")
    events = EventAccumulator(str(tmp_path / "board"))
    events.Reload()
    assert events.Tags()["images"] == ["Episodes/000000", "Episodes/000002"]
    encoded = np.frombuffer(events.Images("Episodes/000002")[0].encoded_image_string, np.uint8)
    drawn = film(open_dataset(root).episode(2, frames=True))
    assert (cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB) == drawn).all()


def test_absent_episodes_and_folders(root, tmp_path):
    """No such episode, nothing to look at, nowhere to write: each by its name."""
    with pytest.raises(EpisodesAbsentError, match="there is no 3, 9"):
        view(print, root, [1, 3, 9], tmp_path, None)
    with pytest.raises(NoEpisodesError, match="nowhere is neither a dataset"):
        view(print, tmp_path / "nowhere", None, tmp_path, None)
    (tmp_path / "file").write_text("")
    with pytest.raises(PictureFileError, match=r"file cannot be written: it is a file"):
        view(print, root, None, tmp_path / "file", None)


def test_the_command_draws_a_runs_journal_too(tmp_path):
    """A training run's folder is as good as a dataset; the default is PNG files in ./episodes."""
    root = jobs.record(tmp_path)
    overrides = [*jobs.SMALL, "learner.online_steps=60"]
    assert jobs.run(tmp_path, "train", jobs.SIM, overrides=overrides).returncode == 0
    for source in (root, jobs.newest_run(tmp_path, "train")):
        words = jobs.command("dataset", "view", source)
        done = jobs.subprocess.run(words, cwd=tmp_path, capture_output=True, check=True)
        assert b"pictures are in episodes" in done.stdout
    assert len(list((tmp_path / "episodes").iterdir())) >= 2
