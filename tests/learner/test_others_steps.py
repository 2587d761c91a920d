"""What a learner makes of steps that another run has recorded."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import torch
from rundir import Run

from hilrt.config import Config
from hilrt.data.sessions import look, take
from hilrt.learner.replay import Tier
from hilrt.step.record import Mode, Source

STEPS = 8


@pytest.fixture
def runs(tmp_path: Path, make_config: Callable[..., Config]) -> Iterator[list[Run]]:
    """A run with two demonstrations and an episode of its own, and a session of two, one of them a person's."""
    times = count(1)
    made = []
    for name, numbers in (("train", [0]), ("session", [0, 1])):
        (tmp_path / name).mkdir()
        config = make_config(
            utd_ratio=1.0, online_step_before_learning=0, warm_start_steps=3, critic_warmup_steps=0
        )
        run = Run(tmp_path / name, config)
        episodes = [run.episode(number, Mode.TRAIN, steps=STEPS) for number in numbers]
        for record in (r for episode in episodes for r in episode):
            record.wall_ns = next(times)
        if name == "session":
            for record in episodes[0]:
                record.source = Source.HUMAN
        run.write("journal", *episodes)
        made.append(run)
    made[0].demonstrate(*(made[0].episode(number, Mode.DEMO) for number in range(2)))
    yield made
    for run in made:
        for training in run.trainings:
            training.close()
        run.metrics.close()


def brought(runs: list[Run], *, earlier: bool) -> None:
    """Bring the session into the run."""
    run, session = (each.folder for each in runs)
    take(run, session, look(run, session, runs[0].features).fresh, earlier=earlier)


def test_steps_that_were_taken_in_are_online_steps(runs: list[Run]) -> None:
    """The person's are interventions, all are online and owed for, and each row knows its session."""
    brought(runs, earlier=False)
    training = runs[0].training()
    assert not training.load()
    rows = training.replay.statistics()
    assert rows.rows["online"] == 3 * STEPS
    assert rows.rows["interventions"] == STEPS
    assert rows.sessions == {"demonstrations": 2 * STEPS, "train": STEPS, "session": 2 * STEPS}
    assert training.credit.online_steps == training.credit.credit == 3 * STEPS
    assert training.tally.episodes[Mode.TRAIN] == 3
    assert training.last
    assert (training.last.episode, training.last.step) == (2, STEPS)


def test_steps_from_before_are_learned_from_and_nothing_else(runs: list[Run]) -> None:
    """They are rows like others, and neither steps nor episodes of the run; what comes next goes behind them."""
    brought(runs, earlier=True)
    training = runs[0].training()
    training.load()
    assert len(training.replay.tiers[Tier.ONLINE]) == 3 * STEPS
    assert len(training.replay.tiers[Tier.INTERVENTIONS]) == STEPS
    assert training.credit.online_steps == training.credit.credit == STEPS
    assert training.tally.episodes[Mode.TRAIN] == 1
    assert training.last
    assert training.last.episode == 2


def test_going_on_is_exact_with_steps_of_others(runs: list[Run]) -> None:
    """A learner that is loaded from a checkpoint written after they came does what the first would have done."""
    brought(runs, earlier=False)
    first = runs[0].training()
    first.load()
    for _ in first.warm_start():
        pass
    first.step()
    first.save()
    second = runs[0].training()
    assert second.load()
    assert second.replay.statistics() == first.replay.statistics()
    first.step()
    second.step()
    weights = [training.algorithm.state_dict() for training in (first, second)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_what_a_session_won_is_no_evidence_of_this_policy(tmp_path: Path, runs: list[Run]) -> None:
    """57 of 60 without noise, then 10 of 20 with it, are no fall, and end no imitation: 10 successes are known of."""
    run, (folder, features) = runs[0], (tmp_path / "session", runs[0].features)
    episodes = [runs[1].episode(n, Mode.TRAIN, steps=2, success=n >= 5) for n in range(2, 62)]
    for record in (r for episode in episodes for r in episode):
        record.wall_ns += 10**6 * record.episode
    runs[1].write("journal", *episodes)
    take(run.folder, folder, look(run.folder, folder, features).fresh, earlier=False)
    training = run.training()
    training.load()
    assert training.tally.episodes[Mode.TRAIN] == 63
    for number in range(63, 83):
        for record in run.episode(number, Mode.TRAIN, steps=2, success=number % 2 == 0):
            training.take(record)
    assert training.notice == ""
    assert training.tally.autonomous_rate == training.tally.sure_autonomous_rate == 0.5
