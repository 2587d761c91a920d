"""What TensorBoard gets to read."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hilrt.data.episodes import Tally
from hilrt.report import boards
from hilrt.report.events import Events
from hilrt.report.metrics import Metrics
from hilrt.step.record import Mode, Override, Record, Source


def steps(episode: int, humans: set[int], *, success: bool) -> list[Record]:
    """Ten steps, some by the human, half a unit away from what the policy wanted."""
    records = []
    for step in range(11):
        record = Record(
            episode=episode, step=step, mode=Mode.TRAIN, monotonic_ns=step * 10**8, wall_ns=0, state=b""
        )
        record.action, record.policy_action = (np.float32([x, 0, 0]).tobytes() for x in (0.5, 0.0))
        record.source = Source.HUMAN if step in humans else Source.POLICY
        record.final, record.success = step == 10, success and step == 10
        record.truncated = not success and step == 9
        records.append(record)
    return records


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder))
    events.Reload()
    return events


def test_episodes_are_plotted_over_online_steps(tmp_path: Path) -> None:
    """Success, interventions and the jump at takeover stand at the number of training steps taken so far."""
    tally = Tally()
    with Metrics(tmp_path, fps=10) as metrics:
        for episode, humans in enumerate(({3, 4, 8}, set())):
            for record in steps(episode, humans, success=episode == 1):
                metrics.observe(record)
                summary = tally.add(record)
                if summary is not None:
                    metrics.episode(summary, tally)
        metrics.evaluation(100, 100, 20)
    events = read(tmp_path)

    def points(tag: str) -> list[tuple[int, float]]:
        return [(e.step, pytest.approx(e.value)) for e in events.Scalars(tag)]

    assert points("Task/success") == [(10, 0.0), (20, 0.5)]
    assert points("Task/autonomous_success") == [(10, 0.0), (20, 0.5)]
    assert points("Task/failures_time_limit") == [(10, 1.0)]
    assert points("Human/interventions") == [(10, 2.0), (20, 0.0)]
    assert points("Human/first_human_step") == [(10, 3.0)]
    assert points("Human/intervention_steps") == [(10, 1.5)]
    assert points("Human/human_seconds") == [(10, 0.3), (20, 0.3)]
    assert points("Human/takeover_jump") == [(10, 0.5)]
    assert points("Evaluation/low") == [(20, 0.9630065)]


def test_what_the_classifier_said_at_the_end(tmp_path: Path) -> None:
    """Its last word of each episode, and how often it was overridden so far; nothing where none was asked."""
    tally = Tally()
    with Metrics(tmp_path, fps=10) as metrics:
        for episode, (probability, override) in enumerate(((0.25, 0), (0.75, 2), (0.5, 1), (-1.0, 0))):
            for record in steps(episode, set(), success=False):
                if not record.final:
                    record.probability = probability if record.step == 9 else 0.0
                    record.override = Override(override if record.step == 9 else 0)
                if (summary := tally.add(record)) is not None:
                    metrics.episode(summary, tally)
    assert tally.overrides == {Override.SUCCESS: 1, Override.FAILURE: 1}
    events = read(tmp_path)
    assert [(e.step, e.value) for e in events.Scalars("Classifier/probability")] == [
        (10, 0.25), (20, 0.75), (30, 0.5),
    ]  # fmt: skip
    assert [e.value for e in events.Scalars("Classifier/overrides")] == [0.0, 1.0, 2.0]


def test_boards_name_the_scalars_there_are(tmp_path: Path) -> None:
    """The custom layout is in the event file, and what an episode writes is on a board."""
    with Metrics(tmp_path, fps=10) as metrics:
        tally = Tally()
        for record in steps(0, {2}, success=False):
            metrics.observe(record)
            if (summary := tally.add(record)) is not None:
                metrics.episode(summary, tally)
    events = read(tmp_path)
    known = {f"Task/{name}" for name in boards.TASK} | {f"Human/{name}" for name in boards.HUMAN}
    assert set(events.Tags()["scalars"]) <= known
    assert "custom_scalars__config__" in events.Tags()["tensors"]


def test_a_disk_that_refuses_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk does not take, from the start or later, is not plotted; what comes when it does again is."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)  # of TensorBoard's own thread
    folder = tmp_path / "board"
    folder.write_bytes(b"no folder can be made here")
    with Events(folder, retry_s=0.0) as events:
        events.write(lambda writer: writer.add_scalar("a", 1.0, 1))
        folder.unlink()
        events.write(lambda writer: writer.add_scalar("a", 2.0, 2))
        shutil.rmtree(folder)
        while not folder.exists():
            events.write(lambda writer: writer.add_scalar("a", 3.0, 3))
        events.write(lambda writer: writer.add_scalar("a", 4.0, 4))
    assert [(e.step, e.value) for e in read(folder).Scalars("a")] == [(3, 3.0), (4, 4.0)]
