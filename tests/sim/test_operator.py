"""The scripted person: watches, reacts late, holds, lets go, tires."""

from pathlib import Path

import numpy as np
import pytest

from hilrt import taskfile
from hilrt.devices.operator import Scene
from hilrt.record import Mode
from hilrt.sim.operator import ScriptedOperator

SIM = Path(__file__).parents[2] / "configs" / "sim_so100.toml"
CUBE = np.array([0.22, 0.0, 0.0125, 0.0, 1.0])


def scene(step, *, ee=(0.2, 0.05, 0.1), autonomous=0.0):
    return Scene(ee=np.array(ee), opening=0.6, object=CUBE, step=step, autonomous_rate=autonomous)


def operator(*overrides):
    return ScriptedOperator(taskfile.load(SIM, list(overrides)))


def watch(person, steps, **kwargs):
    """Steps at which it intervenes while the arm does not move at all."""
    return [step for step in range(steps) if person.sense(scene(step, **kwargs)).intervening]


def test_demonstrates_all_the_time():
    """In a demonstration every step is the operator's."""
    person = operator()
    person.begin(Mode.DEMO, 1)
    assert watch(person, 30) == list(range(30))


def test_asks_for_a_failed_demonstration_again():
    """A demonstration that reaches its time limit is to be recorded again."""
    person = operator()
    person.begin(Mode.DEMO, 1)
    assert not person.sense(scene(50)).rerecord
    assert person.sense(scene(99)).rerecord


def test_takes_over_when_stalled_after_a_reaction():
    """It takes over once the task has stalled for 15 steps and 0.3 s have gone by, for 5 to 15 steps."""
    person = operator("teleop.scripted.release_early=1.0")
    person.begin(Mode.TRAIN, 1)
    held = watch(person, 40)
    assert held[0] == 15 + 3
    first = [step for i, step in enumerate(held) if step - held[0] == i]
    assert 5 <= len(first) <= 15


def test_takes_over_when_worse():
    """A clear fall of progress is noticed before the stall is."""
    person = operator()
    person.begin(Mode.TRAIN, 1)
    person.sense(scene(0, ee=(0.22, 0.02, 0.02)))
    held = [s for s in range(1, 12) if person.sense(scene(s, ee=(0.13, 0.15, 0.12))).intervening]
    assert held[0] == 1 + 3


def test_may_hold_to_the_end():
    """Of the interventions that are not released early, each lasts to the end of the episode."""
    person = operator("teleop.scripted.release_early=0.0")
    person.begin(Mode.TRAIN, 1)
    assert watch(person, 100) == list(range(18, 100))


def test_never_in_an_evaluation_nor_when_off():
    """In evaluations, and with `intervene = false`, it keeps its hands off."""
    person = operator()
    person.begin(Mode.EVAL, 1)
    assert watch(person, 60) == []
    person = operator("teleop.intervene=false")
    person.begin(Mode.TRAIN, 1)
    assert watch(person, 60) == []


def test_budget():
    """Human steps end with the budget, for good."""
    person = operator("teleop.scripted.budget_steps=7", "teleop.scripted.release_early=1.0")
    person.begin(Mode.TRAIN, 1)
    used = len(watch(person, 100))
    person.begin(Mode.TRAIN, 2)
    assert 7 <= used < 7 + 15
    assert watch(person, 100) == []


def test_attention_falls_with_success():
    """The better the policy does alone, the fewer episodes are watched; some always are."""

    def watched(rate):
        person = operator()
        count = 0
        for seed in range(60):
            person.begin(Mode.TRAIN, seed)
            count += bool(watch(person, 25, autonomous=rate))
        return count

    assert watched(0.0) == 60
    assert 0 < watched(1.0) < 20 < watched(0.5) < 45


@pytest.mark.parametrize("seed", [1, 2])
def test_chance_comes_from_the_seed(seed):
    """The same seed gives the same noise."""

    def actions():
        person = operator()
        person.begin(Mode.DEMO, seed)
        return [person.sense(scene(step)).action for step in range(20)]

    assert actions() == actions()
