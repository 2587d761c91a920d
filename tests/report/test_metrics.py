"""What TensorBoard gets to read."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import parse_session_start_info_plugin_data

from hilrt.config import taskfile
from hilrt.data.episodes import Tally
from hilrt.report.boards import layout
from hilrt.report.events import Events
from hilrt.report.metrics import Metrics
from hilrt.step.record import Mode, Override, Record, Source

CONFIGS = Path(__file__).parents[2] / "configs"
TASK = taskfile.load(CONFIGS / "sim_so100.toml")


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
    with Metrics(tmp_path, TASK) as metrics:
        for episode, humans in enumerate(({3, 4, 8}, set())):
            for record in steps(episode, humans, success=episode == 1):
                metrics.observe(record)
                summary = tally.add(record)
                if summary is not None:
                    metrics.count(summary)
                    metrics.episode(summary, tally)
        metrics.evaluation(100, 100, 20)
    events = read(tmp_path)

    def points(tag: str) -> list[tuple[int, float]]:
        return [(e.step, pytest.approx(e.value)) for e in events.Scalars(tag)]

    assert points("1_Success/success") == [(10, 0.0), (20, 0.5)]
    assert points("1_Success/autonomous_success") == [(10, 0.0), (20, 0.5)]
    assert points("4_Episodes/failures_time_limit") == [(10, 1.0), (20, 1.0)]
    assert points("3_Human/interventions") == [(10, 2.0), (20, 0.0)]
    assert points("3_Human/first_human_step") == [(10, 3.0)]
    assert points("3_Human/intervention_steps") == [(10, 1.5)]
    assert points("3_Human/human_seconds") == [(10, 0.3), (20, 0.3)]
    assert points("3_Human/takeover_jump") == [(10, 0.5)]
    assert points("2_Evaluation/success_low") == [(20, 0.9630065)]


def test_what_the_classifier_said_at_the_end(tmp_path: Path) -> None:
    """Its last word of each episode, and how often it was overridden so far; nothing where none was asked."""
    tally = Tally()
    with Metrics(tmp_path, TASK) as metrics:
        for episode, (probability, override) in enumerate(((0.25, 0), (0.75, 2), (0.5, 1), (-1.0, 0))):
            for record in steps(episode, set(), success=False):
                if not record.final:
                    record.probability = probability if record.step == 9 else 0.0
                    record.override = Override(override if record.step == 9 else 0)
                if (summary := tally.add(record)) is not None:
                    metrics.episode(summary, tally)
    assert tally.overrides == {Override.SUCCESS: 1, Override.FAILURE: 1}
    events = read(tmp_path)
    assert [(e.step, e.value) for e in events.Scalars("4_Episodes/classifier_probability")] == [
        (10, 0.25), (20, 0.75), (30, 0.5),
    ]  # fmt: skip
    assert [e.value for e in events.Scalars("4_Episodes/classifier_overrides")] == [0.0, 1.0, 2.0]


def test_failures_are_counted_on(tmp_path: Path) -> None:
    """Those of an earlier start are in the first figure of a resumed run."""
    tally = Tally()
    before, after = ([tally.add(r) for r in steps(n, set(), success=False)][-1] for n in (0, 1))
    assert before
    assert after
    with Metrics(tmp_path, TASK) as metrics:
        metrics.count(before)
        metrics.count(after)
        metrics.episode(after, tally)
    assert [e.value for e in read(tmp_path).Scalars("4_Episodes/failures_time_limit")] == [2.0]


def shown(*overrides: str, file: str = "sim_so100.toml") -> dict[str, set[str]]:
    """Titles of the charts of each board."""
    made = layout(taskfile.load(CONFIGS / file, overrides))
    return {board: set(charts) for board, charts in made.items()}


def test_a_run_has_the_boards_of_its_kind() -> None:
    """No evaluation, no operator, no gripper, no rollback: no chart of it; lateness on a clock that can be late."""
    every, late = shown(), {"ticks begin late by [us]", "ticks missed so far"}
    assert list(every) == ["Success", "You", "Episodes", "Learning", "Motion", "Timing", "Storage"]
    assert not late & every["Timing"]
    assert late <= shown("sim.clock=realtime")["Timing"]
    assert len(shown("eval.every_steps=0")["Success"]) == 1
    assert "You" not in shown("teleop.intervene=false")
    assert every["Episodes"] - shown("learner.rollback=false")["Episodes"] == {"rollbacks so far"}
    gripper = {"gripper's loss", "gripper's Q"}
    without = shown("processor.gripper.use_gripper=false", "processor.gripper.gripper_penalty=0")
    assert every["Learning"] - without["Learning"] == gripper
    assert shown("learner.algorithm=my_own:Algorithm")["Learning"] == {"figures of the algorithm"}


def test_options_are_there_to_compare_runs(tmp_path: Path) -> None:
    """HParams has numbers, words and flags as the config has them, and nothing for what the machine is to choose."""
    overrides = ("learner.bc_weight=2.5", "learner.bc=qfilter", "teleop.intervene=false")
    with Metrics(tmp_path, taskfile.load(CONFIGS / "sim_so100.toml", overrides)):
        pass
    content = read(tmp_path).PluginTagToContent("hparams")
    options = parse_session_start_info_plugin_data(content["_hparams_/session_start_info"]).hparams
    assert options["learner.bc_weight"].number_value == 2.5
    assert options["learner.bc"].string_value == "qfilter"
    assert not options["teleop.intervene"].bool_value
    assert options["learner.rollback"].bool_value
    assert "learner.utd_ratio" not in options


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
