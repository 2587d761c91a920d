"""The scripted person: watches, reacts late, holds, lets go, tires."""

from pathlib import Path

import numpy as np
import pytest

from hilrt.config import taskfile
from hilrt.devices.operator import Scene
from hilrt.sim.layout import bases
from hilrt.sim.operator import ScriptedOperator
from hilrt.step.record import GripperCommand, Mode

CONFIGS = Path(__file__).parents[2] / "configs"
NO_VARIETY = "teleop.scripted.variety=0"
CUBE = np.array([0.22, 0.0, 0.0125, 0.0, 1.0])


def scene(step, *, ee=(0.2, 0.05, 0.1), autonomous=0.0, done=False):
    return Scene(np.array([ee]), np.array([0.6]), CUBE[np.newaxis], done, step, autonomous)


def scene_of_two(step, cube_y):
    """The cube on the table at `cube_y`, world frame, both arms at rest in front of their bases."""
    cube = np.tile(CUBE, (2, 1))
    cube[:, 1] = cube_y - bases(2)[:, 1]
    return Scene(np.full((2, 3), (0.2, 0.05, 0.1)), np.full(2, 0.6), cube, False, step, 0.0)


def operator(*overrides, config="sim_so100.toml"):
    return ScriptedOperator(taskfile.load(CONFIGS / config, list(overrides)))


def halves(wish):
    """Motion and gripper command of each of two arms."""
    return [(wish.action[3 * arm : 3 * arm + 3], wish.gripper[arm]) for arm in (0, 1)]


def watch(person, steps, **kwargs):
    """Steps at which it intervenes while the arm does not move at all."""
    return [step for step in range(steps) if person.sense(scene(step, **kwargs)).intervening]


def test_knows_its_tool():
    """As the start pose holds it: the jaw opens to -y, or with half a turn of the roll to +y; the box is its floor."""
    assert operator()._tools[0].turn == pytest.approx(0.0, abs=0.01)
    assert operator()._tools[0].floor == 0.005
    grasp = operator(config="published/grasp_wrist_leader.toml")._tools[0]
    assert np.cos(grasp.turn) == pytest.approx(-1.0, abs=0.01)
    assert grasp.floor == 0.01
    assert [tool.floor for tool in operator(config="sim_bimanual.toml")._tools] == [0.005, 0.005]


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


def test_keeps_a_demonstration_that_was_done():
    """One that was done on the way, and went on because success does not end it, is not asked for again."""
    person = operator()
    person.begin(Mode.DEMO, 1)
    person.sense(scene(50, done=True))
    assert not person.sense(scene(99)).rerecord
    person.begin(Mode.DEMO, 2)
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
    """The better the policy does alone, the fewer episodes are watched, if she is told so; else all are."""

    def watched(rate, *overrides):
        person = operator(*overrides)
        count = 0
        for seed in range(60):
            person.begin(Mode.TRAIN, seed)
            count += bool(watch(person, 25, autonomous=rate))
        return count

    assert watched(0.0) == watched(1.0) == 60
    less = "teleop.scripted.attention=0.1"
    assert watched(0.0, less) == 60
    assert 0 < watched(1.0, less) < 20 < watched(0.5, less) < 45


def test_may_forget_to_let_go():
    """Then the arm stays hers to the end of the episode, and she wants nothing of it; the next episode is another."""
    person = operator("teleop.scripted.release_early=1.0", "teleop.scripted.forgets=1.0")
    for seed in (1, 2):
        person.begin(Mode.TRAIN, seed)
        wishes = [person.sense(scene(step)) for step in range(100)]
        active = [step for step, wish in enumerate(wishes) if wish.active]
        assert active[0] == 18
        assert 5 <= len(active) <= 15
        assert all(wish.intervening for wish in wishes[18:])
        assert not any(wish.active for wish in wishes[18 + 15 :])


def test_may_be_away():
    """In most episodes, however badly the policy does."""
    person, there = operator("teleop.scripted.attendance=0.1"), 0
    for seed in range(60):
        person.begin(Mode.TRAIN, seed)
        there += bool(watch(person, 25))
    assert 0 < there < 15


@pytest.mark.parametrize("seed", [1, 2])
def test_chance_comes_from_the_seed(seed):
    """The same seed gives the same noise."""

    def actions():
        person = operator()
        person.begin(Mode.DEMO, seed)
        return [person.sense(scene(step)).action for step in range(20)]

    assert actions() == actions()


def test_no_two_episodes_are_alike():
    """Without noise and slips, demonstrations of the same scene still differ, but for no variety."""

    def actions(seed, *overrides):
        person = operator("teleop.scripted.noise=0", "teleop.scripted.wrong_bursts=0", *overrides)
        person.begin(Mode.DEMO, seed)
        return [person.sense(scene(step)).action for step in range(3)]

    assert actions(1) == actions(1) != actions(2)
    assert actions(1, NO_VARIETY) == actions(2, NO_VARIETY)


def test_one_arm_is_demonstrated_as_before_there_were_two():
    """A single arm's demonstration without variety is the recorded one: published results were made with it."""
    person = operator(NO_VARIETY)
    person.begin(Mode.DEMO, 1)
    actions = [person.sense(scene(step)).action for step in range(4)]
    recorded = [
        (1.0, -0.9669562923816613, -1.0),
        (0.6767580160649582, -0.9979719830574532, -0.9418881895803647),
        (0.6451126056706685, -0.7991610967295913, -0.9453287013387554),
        (0.6050090341792526, -0.8710142535703324, -0.9401153787365373),
    ]
    np.testing.assert_allclose(actions, recorded, rtol=0, atol=1e-12)


@pytest.mark.parametrize("arm", [0, 1])
def test_moves_the_arm_that_the_cube_lies_in_front_of(arm):
    """Of two arms the one nearer to the cube gets the very motion a single one would; the other rests."""
    person, lone = operator(config="sim_bimanual.toml"), operator()
    for one in (person, lone):
        one.begin(Mode.DEMO, 1)
    for step in range(20):
        expected = lone.sense(scene(step))
        both = halves(person.sense(scene_of_two(step, bases(2)[arm, 1])))
        np.testing.assert_allclose(both[arm][0], expected.action, atol=1e-12)
        assert (both[arm][1],) == expected.gripper
        assert both[1 - arm] == ((0.0, 0.0, 0.0), GripperCommand.STAY)


def test_keeps_its_arm_until_the_other_is_clearly_nearer():
    """A cube that slides a little past the middle stays with its arm; further over it changes hands."""
    person = operator(config="sim_bimanual.toml")
    person.begin(Mode.DEMO, 1)

    def moved(cube_y):
        return [any(motion) for motion, _ in halves(person.sense(scene_of_two(0, cube_y)))]

    assert moved(0.05) == moved(-0.03) == [True, False]
    assert moved(-0.10) == moved(0.03) == [False, True]


def test_an_intervention_moves_one_arm():
    """A stalled policy with two arms is helped at the arm in front of the cube."""
    person = operator(config="sim_bimanual.toml")
    person.begin(Mode.TRAIN, 1)
    wishes = [person.sense(scene_of_two(step, -0.15)) for step in range(20)]
    assert [wish.intervening for wish in wishes] == [False] * 18 + [True] * 2
    assert [any(motion) for motion, _ in halves(wishes[-1])] == [False, True]


@pytest.mark.parametrize(
    ("axes", "motion"), [("{x=0.02,y=0.02,z=0.02,pitch=0.1,roll=0.1}", 3), ("{x=0.02,y=0.02}", 2)]
)
def test_drives_the_axes_that_there_are(axes, motion):
    """Pitch and roll stay at rest, and an axis that the action lacks is left out."""
    steps = f"processor.inverse_kinematics.end_effector_step_sizes={axes}"
    person, usual = operator(steps), operator()
    for one in (person, usual):
        one.begin(Mode.DEMO, 1)
    action, expected = (one.sense(scene(0)).action for one in (person, usual))
    assert action[:motion] == expected[:motion]
    assert action[motion:] == (0.0, 0.0)[: axes.count("=") - motion]


def test_waits_for_what_is_coming():
    """What it has asked for and not seen yet it does not ask for again, the longer the more an arm lags."""
    again = []
    for lag_s in (0.0, 0.3):
        habits = (NO_VARIETY, "teleop.scripted.noise=0.0", "teleop.scripted.wrong_bursts=0.0")
        person = operator(f"sim.arm.lag_s={lag_s}", *habits)
        person.begin(Mode.DEMO, 1)
        asked = [person.sense(scene(step, ee=(0.205, 0.024, 0.05))).action[0] for step in range(2)]
        assert asked[0] == pytest.approx(0.75)
        again.append(asked[1])
    assert 0.4 < again[0] < 0.6
    assert 0.0 < again[1] < again[0] - 0.2
