"""Film strips of a training run."""

import time

import numpy as np
import pytest
from pictured import picture, step_of, task_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hilrt.config import taskfile
from hilrt.data.episodes import Tally
from hilrt.data.journal import episode_path
from hilrt.data.journalwriter import JournalWriter
from hilrt.data.pictures import packed
from hilrt.learner import films as module
from hilrt.learner.films import Films
from hilrt.report.metrics import Metrics
from hilrt.step.features import from_config
from hilrt.step.record import Mode, Source, encode_into


@pytest.fixture
def task(tmp_path):
    return taskfile.load(task_file(tmp_path))


def train(task, folder, numbers, *, success=(), human=()):
    """Training episodes into a journal; their summaries."""
    features, tally, ended = from_config(task), Tally(), []
    raw = np.zeros(features.frame_bytes, np.uint8)
    for image in features.images:
        raw[image.offset : image.offset + image.nbytes] = picture(0.5, np.random.default_rng(0)).ravel()
    with JournalWriter(folder, features, "test") as journal:
        for number in numbers:
            for step in range(4):
                record = step_of(features, number, step, final=step == 3, mode=Mode.TRAIN)
                record.success = number in success and step >= 2
                record.source = Source.HUMAN if number in human and step == 1 else Source.POLICY
                journal.write(bytes(encode_into(record, bytearray())), packed(raw, features.images, "png"))
                ended.append(tally.add(record))
    return [summary for summary in ended if summary]


def images(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [image.step for image in events.Images(tag)] for tag in events.Tags()["images"]}


def test_the_last_of_each_kind_is_drawn(task, tmp_path, monkeypatch):
    """A success without help is a success alone, a rescued one an intervention too; of two failures the later one."""
    monkeypatch.setattr(module, "EVERY_S", 0.0)
    summaries = train(task, tmp_path / "journal", range(4), success={0, 1}, human={1})
    with Metrics(tmp_path / "board", task) as metrics:
        films = Films(tmp_path / "journal", metrics)
        for summary in summaries:
            films.note(summary)
        for _ in range(4):
            films.draw(flushed=3)
    steps = {summary.episode: summary.online_steps for summary in summaries}
    assert images(tmp_path / "board") == {
        "Films/last_success": [steps[1]],
        "Films/last_intervention": [steps[1]],
        "Films/last_failure": [steps[3]],
    }


def test_an_episode_waits_for_the_disk_and_for_its_turn(task, tmp_path):
    """What is not on disk yet is not drawn, and two pictures are `EVERY_S` apart: the learner has other work."""
    summaries = train(task, tmp_path / "journal", range(2), success={1})
    with Metrics(tmp_path / "board", task) as metrics:
        films = Films(tmp_path / "journal", metrics)
        for summary in summaries:
            films.note(summary)
        films.draw(flushed=-1)
        before = time.monotonic()
        films.draw(flushed=1)
        films.draw(flushed=1)
        assert time.monotonic() - before < module.EVERY_S
    assert list(images(tmp_path / "board")) == ["Films/last_failure"]


def test_a_damaged_journal_costs_a_picture_not_the_run(task, tmp_path, caplog):
    """It is logged."""
    (summary,) = train(task, tmp_path / "journal", range(1))
    episode_path(tmp_path / "journal", 0).unlink()
    with Metrics(tmp_path / "board", task) as metrics:
        films = Films(tmp_path / "journal", metrics)
        films.note(summary)
        films.draw(flushed=0)
    assert "no film of episode 0" in caplog.text
    assert images(tmp_path / "board") == {}
