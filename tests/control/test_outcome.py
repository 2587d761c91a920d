"""What an observation decides about the action before it."""

import pytest
from rig import Rig

from hilrt.devices.operator import OperatorInput
from hilrt.step.record import Mode

FIVE_STEPS = "processor.reset.control_time_s=0.5"


@pytest.fixture
def judge():
    rig = Rig(FIVE_STEPS)

    def run(step, *, task=False, interrupted=False, mode=Mode.TRAIN, **wish):
        tick = rig.tick(step=step, mode=mode, task_success=task, interrupted=interrupted)
        tick.wish = OperatorInput(**wish)
        rig.pipelines.outcome.run(tick)
        return tick

    return run


def outcome(tick):
    return tick.reward, tick.terminated, tick.truncated, tick.success, tick.discarded


def test_limit_of_n_steps_allows_n_actions(judge):
    """Defect seen elsewhere: one step short. Here observation N, after N actions, truncates, and does not terminate."""
    assert not judge(4).over
    assert outcome(judge(5)) == (0.0, False, True, False, False)


def test_control_time_sets_the_limit():
    """`control_time_s` and `fps` together are the number of steps."""
    assert Rig("processor.reset.control_time_s=3.0", "env.fps=20").config.max_episode_steps == 60


def test_success_terminates_with_reward(judge):
    """Success ends the episode with reward one and no future, at the time limit too."""
    assert outcome(judge(2, task=True)) == (1.0, True, False, True, False)
    assert outcome(judge(5, task=True)) == (1.0, True, False, True, False)


def test_operator_success_counts(judge):
    """The operator's success counts like the task's."""
    assert outcome(judge(2, success=True)) == (1.0, True, False, True, False)


def test_failure_terminates_without_reward(judge):
    """A declared failure ends the episode with nothing."""
    assert outcome(judge(2, failure=True)) == (0.0, True, False, False, False)


def test_rerecord_discards(judge):
    """An episode to be recorded again is cut and marked, even one that has just succeeded."""
    assert outcome(judge(2, task=True, rerecord=True)) == (1.0, False, True, True, True)


@pytest.mark.parametrize(("mode", "discarded"), [(Mode.DEMO, True), (Mode.EVAL, True), (Mode.TRAIN, False)])
def test_interruption_truncates(judge, mode, discarded):
    """A stop cuts the episode, whose future goes on unseen; half a demonstration or evaluation does not count."""
    assert outcome(judge(2, interrupted=True, mode=mode)) == (0.0, False, True, False, discarded)


def test_success_stays_without_termination():
    """With `terminate_on_success = false` each step after success has reward one, to the time limit."""
    rig = Rig(FIVE_STEPS, "processor.reset.terminate_on_success=false")
    seen = []
    for step, task in ((1, False), (2, True), (3, False), (5, False)):
        tick = rig.tick(step=step, task_success=task)
        rig.pipelines.outcome.run(tick)
        seen.append((tick.reward, tick.over))
    assert seen == [(0.0, False), (1.0, False), (1.0, False), (1.0, True)]
    rig.pipelines.begin()
    tick = rig.tick(step=1)
    rig.pipelines.outcome.run(tick)
    assert tick.reward == 0.0
