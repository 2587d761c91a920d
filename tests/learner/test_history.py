"""A run's checkpoints: the list, the best of them, and going back."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rundir import Run

from hilrt.config import Config
from hilrt.data.history import best_checkpoint, go_back, history
from hilrt.errors import CheckpointAbsentError, CheckpointError
from hilrt.learner.training import Training
from hilrt.policy.saved import checkpoints_of, newest_checkpoint
from hilrt.step.record import Mode


@pytest.fixture
def run(tmp_path: Path, make_config: Callable[..., Config]) -> Run:
    """A run with checkpoints after 8, 16 and 24 steps, judged 1 of 2, 3 of 4, and not at all."""
    run = Run(tmp_path, make_config(online_step_before_learning=0))
    run.demonstrate(run.episode(0, Mode.DEMO))
    training = run.training()
    training.load()
    number = 0
    for judged in ([True, False], [True, True, False, True], []):
        episode = run.episode(number, Mode.TRAIN)
        run.write("journal", episode)
        for record in episode:
            training.take(record)
        while training.credit.due:
            training.step()
        if judged:
            training.judge()
        for success in judged:
            number += 1
            for record in run.episode(number, Mode.EVAL, success=success):
                training.take(record)
        training.close_evaluation()
        training.save()
        number += 1
    return run


def names(run: Run) -> list[str]:
    return [path.name for path in checkpoints_of(run.folder)]


def actor(training: Training) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for p in training.algorithm.parameters())


def loaded(run: Run) -> Training:
    training = run.training()
    assert training.load()
    return training


def test_history_tells_what_there_is(run: Run) -> None:
    """Steps, updates, evaluation and marks of each, oldest first."""
    first, second, third = history(run.folder)
    assert [first.steps, second.steps, third.steps] == [8, 16, 24]
    assert [e.meta.updates for e in (first, second, third)] == [32, 64, 96]
    assert (second.meta.evaluation.successes, second.meta.evaluation.episodes) == (3, 4)
    assert third.meta.evaluation is None
    assert [e.best for e in (first, second, third)] == [False, True, False]
    assert [e.newest for e in (first, second, third)] == [False, False, True]
    assert not any(e.problem for e in (first, second, third))


def test_damage_is_in_the_history(run: Run) -> None:
    """A flipped byte, and a folder without meta.json."""
    file = run.folder / "checkpoints" / "00000008" / "actor.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (run.folder / "checkpoints" / "00000016" / "meta.json").unlink()
    first, second, _ = history(run.folder)
    assert first.problem == "is damaged: its digest is not the one in meta.json"
    assert second.meta is None
    assert second.problem == "cannot be read: No such file or directory"


def test_lucky_evaluation_is_not_the_best(run: Run) -> None:
    """One success of one is less sure than three of four."""
    training = loaded(run)
    training.judge()
    for record in run.episode(20, Mode.EVAL):
        training.take(record)
    training.close_evaluation()
    assert best_checkpoint(run.folder).name == "00000016"


def test_run_goes_on_from_where_it_is_sent_back_to(run: Run) -> None:
    """Its networks are those of then, nothing is owed for the steps since, and their rows are there to learn from."""
    before = loaded(run)
    aside = go_back(run.folder, 8, 24)
    assert names(run) == ["00000008", "00000024"]
    assert sorted(path.name for path in aside.iterdir()) == ["00000016", "00000024"]
    training = loaded(run)
    assert training.updates == 32
    assert training.credit.credit == 0.0
    assert training.credit.online_steps == 24
    assert training.replay.statistics().rows == before.replay.statistics().rows
    assert actor(training) != actor(before)
    run.write("journal", run.episode(20, Mode.TRAIN))
    assert loaded(run).credit.credit == 8 * 4.0


def test_what_was_set_aside_can_be_put_back(run: Run) -> None:
    """Nothing is lost: moved back, the newest is the newest again."""
    before = actor(loaded(run))
    aside = go_back(run.folder, 16, 24)
    assert actor(loaded(run)) != before
    checkpoint = newest_checkpoint(run.folder)
    checkpoint.rename(checkpoint.with_name("unwanted"))
    (aside / "00000024").rename(checkpoint)
    assert actor(loaded(run)) == before


def test_going_back_to_the_newest_changes_nothing(run: Run) -> None:
    """There is nothing to set aside."""
    assert not go_back(run.folder, 24, 24).exists()
    assert names(run) == ["00000008", "00000016", "00000024"]


def test_absent_and_damaged_ones_are_refused(run: Run) -> None:
    """The message has those that there are; nothing was moved."""
    with pytest.raises(
        CheckpointAbsentError, match=r"no checkpoint after 9 online steps; it has those of 8, 16, 24"
    ):
        go_back(run.folder, 9, 24)
    file = run.folder / "checkpoints" / "00000008" / "learner.safetensors"
    file.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"learner\.safetensors: is damaged"):
        go_back(run.folder, 8, 24)
    assert names(run) == ["00000008", "00000016", "00000024"]
