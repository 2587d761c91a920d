"""What control has of the learner: weights, and in lockstep the pace."""

import os
import random
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from hilrt.control.supply import Supply
from hilrt.run.lockstep import LAG
from hilrt.shm.status import Status
from hilrt.shm.weights import WeightsWriter, claim_weights


class Learner:
    """Learns from the steps it was sent, one at a time; its weights are how many those were."""

    def __init__(self, run: str, status: Status, stack: ExitStack) -> None:
        stack.enter_context(claim_weights(run))
        self.weights = stack.enter_context(WeightsWriter.open(run, self.arrays(0)))
        self.status, self.sent, self.taken, self.published = status.learner, 0, 0, 0
        self.weights.publish(self.arrays(0))
        self.status.ready = 1

    @staticmethod
    def arrays(steps: int) -> dict[str, np.ndarray]:
        """What it publishes."""
        return {"steps": np.array([steps])}

    def work(self, most: int) -> None:
        """Take in so many of the steps that wait."""
        for _ in range(min(most, self.sent - self.taken)):
            self.taken += 1
            if self.taken - self.published >= LAG:
                self.published = self.taken
                self.weights.publish(self.arrays(self.taken), place=self.taken)
            self.status.learned = self.taken


@pytest.fixture
def made() -> Iterator[ExitStack]:
    """What is open is closed, and its names taken away."""
    with ExitStack() as stack:
        yield stack


def status_of(run: str, stack: ExitStack) -> Status:
    status = stack.enter_context(Status.create(run))
    for what in ("status", "weights"):
        stack.callback(Path(f"/dev/shm/hilrt-{os.getuid()}-{run}-{what}").unlink, missing_ok=True)
    return status


def acted_with(stack: ExitStack, speed: random.Random) -> list[int]:
    """The weights of each of 100 steps, with a learner that comes to its turn as chance has it."""
    run = f"test-{uuid.uuid4().hex[:12]}"
    status = status_of(run, stack)
    learner = Learner(run, status, stack)
    sent = deque([0] * (LAG + 1), maxlen=LAG + 1)
    supply = Supply(run, status, sent)
    stack.callback(supply.close)
    adopted, acting = supply.newest(), []
    for step in range(1, 101):
        while supply.behind:
            learner.work(speed.randint(0, 3))
        sent.append(step)
        learner.sent = step
        learner.work(speed.choice((0, 0, 1, 20)))
        adopted = supply.due() or adopted
        assert adopted
        acting.append(int(adopted.arrays["steps"][0]))
    return acting


def test_weights_of_a_step_do_not_depend_on_the_learners_speed(made: ExitStack) -> None:
    """They are the newest that are at least LAG steps old."""
    expected = [max(0, (step - LAG) // LAG * LAG) for step in range(1, 101)]
    for seed in range(5):
        assert acted_with(made, random.Random(seed)) == expected


def test_control_waits_for_a_learner_that_is_not_there(made: ExitStack) -> None:
    """One that starts, one that has not answered, and one that is LAG steps behind."""
    run = f"test-{uuid.uuid4().hex[:12]}"
    status = status_of(run, made)
    sent = deque([0] * (LAG + 1), maxlen=LAG + 1)
    supply = Supply(run, status, sent)
    assert supply.behind
    status.learner.ready = 1
    assert not supply.behind
    supply.ask()
    assert supply.behind
    assert not supply.answered
    status.learner.answered = status.control.asked
    assert not supply.behind
    sent.extend(range(1, LAG))
    assert not supply.behind
    sent.append(LAG)
    assert supply.behind
    status.learner.learned = 1
    assert not supply.behind
