"""Demonstrations recorded with other options stop a job before it starts anything."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hilrt.config import taskfile
from hilrt.data.journalwriter import JournalWriter
from hilrt.errors import DatasetBusyError, DatasetFormatError, JournalFeaturesError, TasksMixedError
from hilrt.jobs.demonstrations import fold_demonstrations, one_recording
from hilrt.jobs.record import record
from hilrt.jobs.train import train
from hilrt.step.features import Features, from_config
from hilrt.step.record import Mode, Record, encode_into

SIM = Path(__file__).parents[1] / "configs" / "sim_so100.toml"


@pytest.mark.parametrize("job", [record, train])
def test_other_demonstrations_are_refused_before_the_arm_moves(
    tmp_path: Path, job: Callable[[Path, list[str]], object]
) -> None:
    """`hilrt record` and `hilrt train` name the file, what differs from their config, and what to do."""
    here = [f"dataset.root={tmp_path}/demonstrations", f"runs_dir={tmp_path}/runs"]
    features = from_config(
        taskfile.load(SIM, [*here, "processor.observation.add_current_to_observation=true"])
    )
    state = np.zeros(len(features.state), np.float32).tobytes()
    record = Record(episode=0, step=0, mode=Mode.DEMO, final=True, monotonic_ns=0, wall_ns=0, state=state)
    with JournalWriter(tmp_path / "demonstrations" / "journal", features, "pick_lift") as journal:
        journal.write(bytes(encode_into(record, bytearray())))
    told = (
        r"episode_000000\.hilrt was recorded with other features than this config gives: its state has "
        r"shoulder_pan\.current, .*, gripper\.current\. Use the config it was recorded with, or record again"
    )
    with pytest.raises(JournalFeaturesError, match=told):
        job(SIM, here)
    assert not list(tmp_path.glob("runs/*/log.txt"))


def test_one_recording_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second `hilrt record` waits for the first, and is refused before it numbers an episode or makes a folder."""
    monkeypatch.setattr("hilrt.data.lerobot.change.WAIT_S", 0.1)
    here = [f"dataset.root={tmp_path}/demonstrations", f"runs_dir={tmp_path}/runs"]
    first = one_recording(taskfile.load(SIM, here))
    with first, pytest.raises(DatasetBusyError, match=r"is being written by another hilrt"):
        record(SIM, here)
    assert not (tmp_path / "runs").exists()
    with one_recording(taskfile.load(SIM, here)):
        pass


def one_step_each(root: Path, features: Features, tasks: list[str]) -> None:
    """Put an episode of each task into the journal."""
    state, action = (
        np.zeros(len(names), np.float32).tobytes() for names in (features.state, features.action)
    )
    for episode, task in enumerate(tasks):
        with JournalWriter(root / "journal", features, task) as journal:
            for step in range(2):
                facts = {"final": True} if step else {"action": action}
                end = Record(
                    episode=episode, step=step, mode=Mode.DEMO, monotonic_ns=episode, wall_ns=0, state=state,
                    terminated=True, success=True, **facts,
                )  # fmt: skip
                journal.write(bytes(encode_into(end, bytearray())))


def test_a_dataset_that_takes_no_more_is_refused_before_the_arm_moves(tmp_path: Path) -> None:
    """Another tool has added a column: it is named, and the way on."""
    root = tmp_path / "demonstrations"
    here = [f"dataset.root={root}", f"runs_dir={tmp_path}/runs"]
    one_step_each(root, from_config(taskfile.load(SIM, here)), ["pick_lift"])
    fold_demonstrations(taskfile.load(SIM, here))
    info = json.loads((root / "meta/info.json").read_text())
    info["features"]["returns"] = {"dtype": "float32", "shape": [1], "names": None}
    (root / "meta/info.json").write_text(json.dumps(info))
    with pytest.raises(DatasetFormatError, match=r"does not write: returns; .*`hilrt dataset export"):
        record(SIM, here)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("job", "tasks"), [(record, ["push"]), (train, ["push", "pick_lift"])])
def test_two_tasks_are_not_mixed(
    tmp_path: Path, job: Callable[[Path, list[str]], object], tasks: list[str]
) -> None:
    """Demonstrations of another task are not added to, and those of several not learned from; episodes are named."""
    root = tmp_path / "demonstrations"
    here = [f"dataset.root={root}", f"runs_dir={tmp_path}/runs"]
    features = from_config(taskfile.load(SIM, here))
    one_step_each(root, features, tasks)
    with pytest.raises(TasksMixedError, match=r"env.task, 'pick_lift'. Its episodes are of 'push': 0"):
        job(SIM, here)
    assert not (tmp_path / "runs").exists()
