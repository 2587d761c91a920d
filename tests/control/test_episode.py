"""Verdicts and records of one episode."""

from pathlib import Path

import numpy as np
import pytest

from hilrt import taskfile
from hilrt.control.episode import Episode, Judge, Verdict
from hilrt.control.observation import Observation
from hilrt.devices.operator import OperatorInput
from hilrt.record import Mode, Record

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"
NOTHING = OperatorInput()


@pytest.fixture
def judge():
    return Judge(taskfile.load(SIM, ["processor.reset.control_time_s=0.5"]))  # five steps


def test_limit_of_n_steps_allows_n_actions(judge):
    """The episode is truncated, not terminated, by the observation after its last allowed action."""
    assert not judge.judge(4, False, NOTHING, False).over
    verdict = judge.judge(5, False, NOTHING, False)
    assert (verdict.truncated, verdict.terminated) == (True, False)


def test_success_terminates_with_reward(judge):
    """Success ends the episode with reward one and no future."""
    assert judge.judge(2, True, NOTHING, False) == Verdict(1.0, terminated=True, success=True)


def test_operator_success_counts(judge):
    """The operator's success counts like the task's."""
    assert judge.judge(2, False, OperatorInput(success=True), False).success


def test_failure_terminates_without_reward(judge):
    """A declared failure ends the episode with nothing."""
    assert judge.judge(2, False, OperatorInput(failure=True), False) == Verdict(0.0, terminated=True)


def test_rerecord_discards(judge):
    """An episode to be recorded again is cut and marked."""
    verdict = judge.judge(2, True, OperatorInput(rerecord=True), False)
    assert verdict.discarded
    assert verdict.truncated
    assert not verdict.terminated


def test_interruption_truncates(judge):
    """A stop cuts the episode without saying that its future is worth nothing."""
    verdict = judge.judge(2, False, NOTHING, True)
    assert (verdict.truncated, verdict.terminated) == (True, False)


@pytest.mark.parametrize(("mode", "discarded"), [(Mode.DEMO, True), (Mode.EVAL, True), (Mode.TRAIN, False)])
def test_interrupted_halves(judge, mode, discarded):
    """A demonstration or an evaluation episode that a stop has cut does not count; training steps do."""
    judge.begin(mode)
    assert judge.judge(2, False, NOTHING, True).discarded is discarded


def test_success_stays_without_termination():
    """With terminate_on_success off, each step after success has reward one, to the time limit."""
    judge = Judge(
        taskfile.load(
            SIM, ["processor.reset.control_time_s=0.5", "processor.reset.terminate_on_success=false"]
        )
    )
    assert judge.judge(2, True, NOTHING, False) == Verdict(1.0, success=True)
    assert judge.judge(3, False, NOTHING, False) == Verdict(1.0, success=True)
    assert judge.judge(5, False, NOTHING, False) == Verdict(1.0, truncated=True, success=True)
    judge.begin(Mode.TRAIN)
    assert judge.judge(1, False, NOTHING, False).reward == 0.0


def observation(value):
    state = np.full(3, value, np.float32)
    return Observation(time_ns=int(value), state=state, joints=np.zeros(6), ee=np.zeros(3), object=None)


def test_records_of_an_episode():
    """Each step carries the outcome that the next observation decided; the final record has no action."""
    sent: list[Record] = []
    episode = Episode(7, Mode.TRAIN, lambda record, _frames: sent.append(record))
    assert episode.settle(Verdict()) is None
    for step in range(2):
        state = observation(step).state.tobytes()
        record = Record(
            episode=7,
            step=step,
            mode=Mode.TRAIN,
            monotonic_ns=step,
            wall_ns=0,
            state=state,
            action=b"a",
            policy_version=step,
        )
        episode.acted(record, [])
        episode.settle(Verdict(float(step), terminated=step == 1, success=step == 1))
    episode.end(observation(2), [], Verdict(1.0, terminated=True, success=True))
    assert [r.step for r in sent] == [0, 1, 2]
    assert [r.reward for r in sent] == [0.0, 1.0, 0.0]
    assert [r.final for r in sent] == [False, False, True]
    assert [r.action for r in sent] == [b"a", b"a", b""]
    assert sent[-1].success
    assert sent[-1].policy_version == 1
