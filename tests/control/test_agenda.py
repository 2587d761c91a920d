"""What comes next, and when it is enough."""

from pathlib import Path

import pytest

from hilrt.config import taskfile
from hilrt.control.agenda import Agenda
from hilrt.data.episodes import Tally
from hilrt.errors import NoDemonstrationError
from hilrt.run.job import Job, Role, Spec
from hilrt.step.record import Mode, Record

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"


def agenda(job, *, episodes=0, online_steps=0, overrides=(), history=(), task=SIM):
    spec = Spec(
        role=Role.CONTROL, job=job, run="r", run_dir="", fds={}, episodes=episodes, online_steps=online_steps
    )
    return Agenda(taskfile.load(task, list(overrides)), spec, history)


ENVIRONMENT = """
[env]
type = "gymnasium"
task = "t"
id = "A-v0"
operator = "mine:toward"

[dataset]
root = "d"
"""


def judged(online_steps):
    """Summary of one evaluation episode."""
    tally = Tally()
    tally.online_steps = online_steps
    record = Record(episode=0, step=0, mode=Mode.EVAL, monotonic_ns=0, wall_ns=0, state=b"", final=True)
    return tally.add(record)


def play(plan, mode, steps, *, discarded=False, success=True):
    """One episode of so many steps."""
    record = Record(episode=0, step=0, mode=mode, monotonic_ns=0, wall_ns=0, state=b"")
    for _ in range(steps):
        plan.stepped(record)
    record.final, record.discarded, record.success = True, discarded, success
    plan.ended(record)


def test_record_counts_successful_demonstrations():
    """Neither an episode to be recorded again nor a failed demonstration counts towards the target."""
    plan = agenda(Job.RECORD, episodes=2)
    play(plan, Mode.DEMO, 5)
    play(plan, Mode.DEMO, 5, discarded=True)
    play(plan, Mode.DEMO, 5, success=False)
    assert plan.next() is Mode.DEMO
    play(plan, Mode.DEMO, 5)
    assert plan.next() is None


def test_work_goes_on_for_as_many_episodes_as_are_wanted():
    """Of a policy at work each episode that is kept counts, won or not; without a number it has no end."""
    plan = agenda(Job.RUN, episodes=2)
    play(plan, Mode.TRAIN, 5, success=False)
    play(plan, Mode.TRAIN, 5, discarded=True)
    assert plan.next() is Mode.TRAIN
    play(plan, Mode.TRAIN, 5)
    assert plan.next() is None
    plan = agenda(Job.RUN, episodes=None, online_steps=10**9)
    play(plan, Mode.TRAIN, 5)
    assert plan.next() is Mode.TRAIN


def test_training_is_interrupted_by_evaluations():
    """Before the first step, and after each thousand, come the evaluation's episodes, whose steps are not online."""
    overrides = ["learner.online_steps=2000", "eval.episodes=2"]
    plan = agenda(Job.TRAIN, overrides=overrides)
    modes = []
    while (mode := plan.next()) is not None:
        modes.append(mode)
        play(plan, mode, 500)
    t, e = Mode.TRAIN, Mode.EVAL
    assert modes == [e, e, t, t, e, e, t, t, e, e]
    assert plan.online_steps == 2000


def test_resume_goes_on_counting():
    """A resumed run evaluates at the next thousand, not at those behind it that were evaluated."""
    plan = agenda(Job.TRAIN, online_steps=1700, overrides=["eval.episodes=1"], history=[judged(1020)])
    assert plan.next() is Mode.TRAIN
    play(plan, Mode.TRAIN, 300)
    assert plan.next() is Mode.EVAL


def test_resume_takes_up_an_evaluation_that_was_cut():
    """Of an evaluation in whose middle the run was cut, the rest is made first."""
    plan = agenda(Job.TRAIN, online_steps=1020, overrides=["eval.episodes=3"], history=[judged(1020)])
    for _ in range(2):
        assert plan.next() is Mode.EVAL
        play(plan, Mode.EVAL, 5)
    assert plan.next() is Mode.TRAIN


def test_resume_does_not_judge_the_warm_start_again():
    """A run that was cut before its first thousand goes on, if the clone has been judged."""
    plan = agenda(Job.TRAIN, online_steps=300, overrides=["eval.episodes=1"], history=[judged(0)])
    assert plan.next() is Mode.TRAIN


def test_evaluation_counts_failures():
    """An evaluation is of so many episodes, however they end."""
    plan = agenda(Job.EVAL, episodes=2)
    for _ in range(2):
        assert plan.next() is Mode.EVAL
        play(plan, Mode.EVAL, 5, success=False)
    assert plan.next() is None


@pytest.mark.parametrize("discarded", [True, False])
def test_a_person_may_discard_and_fail_as_often_as_she_likes(discarded):
    """She knows what she does; recording goes on."""
    plan = agenda(Job.RECORD, episodes=2, overrides=["teleop.type=keyboard"])
    for _ in range(30):
        play(plan, Mode.DEMO, 1, discarded=discarded, success=False)
    assert plan.next() is Mode.DEMO


def test_recording_in_an_environment_gives_up(tmp_path):
    """After ten failures in a row its function is told so; a success in between is a new beginning."""
    (tmp_path / "task.toml").write_text(ENVIRONMENT)
    plan = agenda(Job.RECORD, episodes=2, task=tmp_path / "task.toml")
    for success in (*[False] * 9, True, *[False] * 9):
        play(plan, Mode.DEMO, 1, success=success)
    with pytest.raises(
        NoDemonstrationError, match=r"10 demonstrations in a row .* mine:toward \(env\.operator\)"
    ):
        play(plan, Mode.DEMO, 1, success=False)


def test_a_policy_may_fail_as_often_as_it_likes():
    """Only demonstrations need to succeed."""
    plan = agenda(Job.TRAIN, overrides=["eval.every_steps=0"])
    for _ in range(30):
        play(plan, Mode.TRAIN, 1, success=False)
    assert plan.next() is Mode.TRAIN


@pytest.mark.parametrize(
    "teleop", [[], ["teleop.type=so101_leader", "teleop.id=sim"]], ids=["script", "hand"]
)
def test_recording_gives_up(teleop):
    """A script that discards one demonstration after another is told so, instead of going on for ever."""
    plan = agenda(Job.RECORD, episodes=2, overrides=teleop)
    with pytest.raises(NoDemonstrationError, match="10 demonstrations in a row"):  # noqa: PT012 - the tenth raises
        for _ in range(10):
            play(plan, Mode.DEMO, 1, discarded=True)


def test_no_evaluations():
    """`eval.every_steps = 0` means none."""
    plan = agenda(Job.TRAIN, overrides=["eval.every_steps=0", "learner.online_steps=10"])
    play(plan, Mode.TRAIN, 10)
    assert plan.next() is None
