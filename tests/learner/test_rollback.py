"""Going back to the networks that did best, after a fall of autonomous success that is no chance."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rundir import Run

from hilrt.config import Config
from hilrt.learner.training import Training
from hilrt.policy.saved import checkpoints_of, newest_checkpoint
from hilrt.step.record import Mode

GOOD, BAD = [True] * 60, [False] * 20


@pytest.fixture
def make_run(tmp_path: Path, make_config: Callable[..., Config]) -> Callable[..., Run]:
    """A run with a demonstration; keywords go to the learner."""

    def make(**settings: object) -> Run:
        run = Run(tmp_path, make_config(online_step_before_learning=0, **settings))
        run.demonstrate(run.episode(0, Mode.DEMO))
        return run

    return make


class Story:
    """Episodes one after the other, with a learner step after each."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.training = run.training()
        self.training.load()
        self.number = 0

    def go(self, outcomes: list[bool], mode: Mode = Mode.TRAIN) -> None:
        if mode is Mode.EVAL:
            self.training.judge()
        for success in outcomes:
            for record in self.run.episode(self.number, mode, steps=2, success=success):
                self.training.take(record)
            self.number += 1
            if mode is Mode.TRAIN:
                self.training.step()
        self.training.close_evaluation()


def spoil(file: Path) -> None:
    """Flip a bit of its last byte."""
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def weights(training: Training) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in training.algorithm.state_dict().items()}


def test_a_fall_brings_the_best_networks_back(make_run: Callable[..., Run]) -> None:
    """Twenty failures after sixty successes: networks, targets and optimisers are those that were evaluated best."""
    story = Story(make_run())
    story.go(GOOD)
    story.go([True] * 4, Mode.EVAL)
    best = weights(story.training)
    moments = story.training.algorithm.descents["policy"].adam.state_dict()["state"][0]["exp_avg"].clone()
    story.go(BAD[:19])
    assert weights(story.training) != best
    updates = story.training.updates
    for record in story.run.episode(99, Mode.TRAIN, steps=2, success=False):
        story.training.take(record)
    assert weights(story.training) == best
    assert story.training.algorithm.descents["policy"].adam.state_dict()["state"][0]["exp_avg"].equal(moments)
    assert story.training.updates == updates
    assert story.training.notice == (
        "autonomous success fell from 100% to 0% at episode 64; went back to the networks of 00000120"
    )


def test_it_happens_once_for_one_fall(make_run: Callable[..., Run]) -> None:
    """Failures that go on after it change nothing more, until success has risen again."""
    story = Story(make_run())
    story.go(GOOD)
    story.go([True] * 4, Mode.EVAL)
    best = weights(story.training)
    story.go(BAD)
    story.go(BAD)
    assert weights(story.training) != best


@pytest.mark.parametrize(
    ("rollback", "outcomes"),
    [(False, GOOD + BAD), (True, GOOD + BAD[:19]), (True, GOOD[:59] + BAD), (True, (GOOD + BAD)[::-1])],
    ids=["switched off", "a few failures", "one that begins too early", "a rise"],
)
def test_otherwise_nothing_happens(
    make_run: Callable[..., Run], rollback: bool, outcomes: list[bool]
) -> None:
    """Without the option, and after what is no fall, or is not certain yet."""
    story = Story(make_run(rollback=rollback))
    story.go([True] * 4, Mode.EVAL)
    story.go(outcomes)
    assert story.training.notice == ""


def test_without_an_evaluation_it_says_so(make_run: Callable[..., Run]) -> None:
    """There is nothing to go back to; the screen says why, and the run goes on."""
    story = Story(make_run())
    story.go(GOOD + BAD)
    assert "there is no evaluated checkpoint to go back to" in story.training.notice


def test_damaged_checkpoint_does_not_end_the_run(make_run: Callable[..., Run]) -> None:
    """It says what is wrong, and goes on with the networks of now."""
    story = Story(make_run())
    story.go(GOOD)
    story.go([True] * 4, Mode.EVAL)
    file = newest_checkpoint(story.run.folder) / "learner.safetensors"
    spoil(file)
    story.go(BAD)
    assert "going on, because" in story.training.notice
    assert "is damaged" in story.training.notice


def test_resumed_run_does_not_roll_back_again(make_run: Callable[..., Run]) -> None:
    """A fall that lies in the journal is over: a checkpoint was left after going back, and is gone on from."""
    run = make_run()
    story = Story(run)
    episodes = [run.episode(n, Mode.TRAIN, steps=2, success=n < 60) for n in range(80)]
    story.go(GOOD)
    story.go([True] * 4, Mode.EVAL)
    story.go(BAD)
    assert newest_checkpoint(run.folder).name == "00000160"
    assert len(checkpoints_of(run.folder)) == 2
    run.write("journal", *episodes)
    other = run.training()
    assert other.load()
    assert other.notice == ""
