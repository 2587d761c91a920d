"""Where the object is to go for each episode of an evaluation, and where it was."""

import msgspec
import numpy as np
import pytest
from hand import Hand
from rig import Rig, load

from hilrt.control.places import Places
from hilrt.control.scene import RealScene
from hilrt.control.spotter import Spotter
from hilrt.data.episodes import EpisodeSummary
from hilrt.data.places import ADVISED, grid_of
from hilrt.devices.calibration import Calibration
from hilrt.run.job import Job, Trial
from hilrt.shm.status import ControlStatus
from hilrt.step.record import GripperCommand, Mode, Record

GRID = Trial(rows=2, columns=2)
SPOT = (0.2, 0.03)
AREA = "processor.reset.area={min = [0.2, 0.0], max = [0.3, 0.1]}"


@pytest.fixture
def status():
    """A status block of its own."""
    return ControlStatus(memoryview(bytearray(ControlStatus.blank())))


def final(mode=Mode.EVAL, *, discarded=False):
    """The end of an episode."""
    return Record(
        episode=0, step=1, mode=mode, final=True, monotonic_ns=0, wall_ns=0, state=b"", discarded=discarded
    )


def aims(places, count=4):
    """How so many episodes are set up, each of which is kept."""
    for number in range(count):
        yield places.aim(number, Mode.EVAL)
        places.ended(final())


def test_a_grid_has_its_cells_in_turn(status):
    """All of them, then all again; a simulated object is drawn within them."""
    places = Places(load(AREA), Job.EVAL, GRID, status)
    corners = [aim.within.min for aim in aims(places, 5)]
    near, right = 0.2, 0.0
    far, left = pytest.approx(0.25), pytest.approx(0.05)
    assert corners == [(far, left), (far, right), (near, left), (near, right), (far, left)]


def test_the_screen_says_where(status):
    """In words, and in centimetres."""
    places = Places(load(AREA), Job.EVAL, GRID, status)
    places.aim(0, Mode.EVAL)
    assert status.put == "put it left, far (27.5 cm ahead, 7.5 cm left)"


def test_an_episode_that_is_not_kept_is_made_again_there(status):
    """A crash of control, too, leaves no cell with less."""
    places = Places(load(AREA), Job.EVAL, GRID, status)
    first = places.aim(0, Mode.EVAL)
    places.ended(final(discarded=True))
    assert places.aim(1, Mode.EVAL).within == first.within
    places.ended(final())
    status.episodes_eval = 1  # as the account counts it
    second = places.aim(2, Mode.EVAL)
    assert (
        Places(load(AREA), Job.EVAL, GRID, status).aim(3, Mode.EVAL).within == second.within != first.within
    )


def test_two_policies_take_turns_on_the_same_scene(status):
    """With equal chance in it, each first at every second place; the screen says when the object goes back."""
    places = Places(load(AREA), Job.EVAL, msgspec.structs.replace(GRID, other="checkpoint"), status)
    seen, told = [], []
    for aim in aims(places, 8):
        seen.append(aim)
        told.append(status.put)
    assert [aim.policy for aim in seen] == [0, 1, 1, 0, 0, 1, 1, 0]
    assert [aim[:2] for aim in seen[::2]] == [aim[:2] for aim in seen[1::2]]
    assert len({aim.seed for aim in seen}) == 4
    assert told[:3] == [
        "put it left, far (27.5 cm ahead, 7.5 cm left)",
        "put it back: left, far (27.5 cm ahead, 7.5 cm left)",
        "put it right, far (27.5 cm ahead, 2.5 cm left)",
    ]
    anywhere = Places(load(), Job.EVAL, Trial(other="checkpoint"), status)
    told = [status.put for _ in aims(anywhere, 2)]
    assert told == ["", "put it back: to the same place"]


def test_without_a_grid_nothing_is_told(status):
    """The object goes anywhere in its area, if the task file has one."""
    assert Places(load(), Job.EVAL, None, status).aim(0, Mode.EVAL).within is None
    aim = Places(load(AREA), Job.EVAL, None, status).aim(0, Mode.EVAL)
    assert (aim.within.min, aim.within.max, status.put) == ((0.2, 0.0), (0.3, 0.1), "")


def test_a_person_puts_it_where_she_is_told(status):
    """On a real arm that is where it was; a simulated object is seen, once, when the episode begins."""
    real = Places(load(name="so100.toml"), Job.EVAL, GRID, status)
    real.aim(0, Mode.EVAL)
    real.look(None, lambda _: SPOT)
    assert real.spot == real._grid.centre(0)
    by_itself = Places(load("processor.reset.scene='self'", name="so100.toml"), Job.EVAL, GRID, status)
    by_itself.aim(0, Mode.EVAL)
    by_itself.look(None, lambda _: SPOT)
    assert by_itself.spot == SPOT
    simulated = Places(load(), Job.EVAL, GRID, status)
    simulated.aim(0, Mode.EVAL)
    assert simulated.spot == ()
    for seen in (None, SPOT, (0.3, 0.3)):
        simulated.look(None, lambda _, seen=seen: seen)
    assert simulated.spot == SPOT
    simulated.aim(1, Mode.EVAL)
    assert simulated.spot == ()


def spotter_of(rig, arms=1):
    """Of a real arm, or two."""
    path = rig.config.robot.calibration_path(next(iter(rig.config.robot.sides)))
    return Spotter(RealScene(0.0), rig.pipelines, [Calibration.load(path)] * arms)


def test_an_object_is_where_the_gripper_closes_on_it():
    """Not before it is stopped, and not when it shuts on nothing."""
    hand = Hand(Rig(), width=0.3)
    see = spotter_of(hand.rig)
    assert see(hand.go(1, GripperCommand.CLOSE)) is None
    tick = hand.go(20, GripperCommand.CLOSE)
    assert np.allclose(see(tick), tick.pose[0, :2, 3])
    empty = Hand(Rig(), width=0.0)
    assert spotter_of(empty.rig)(empty.go(20, GripperCommand.CLOSE)) is None


def test_an_object_is_where_the_arm_has_put_it():
    """Known before anything closes on it."""
    rig = Rig('processor.reset.scene="self"')
    see = spotter_of(rig)
    assert see(rig.tick()) is None
    rig.pipelines.possession.place = (0.2, 0.01)
    assert see(rig.tick()) == (0.2, 0.01)


def test_of_two_arms_nobody_knows_whose_it_is():
    """Cells are of one area."""
    hand = Hand(Rig(), width=0.3)
    assert spotter_of(hand.rig, arms=2)(hand.go(20, GripperCommand.CLOSE)) is None


def trained(spot, *, won, human=False):
    """A training episode."""
    return EpisodeSummary(
        episode=0, mode=Mode.TRAIN, steps=1, success=won, autonomous=won and not human,
        human_steps=int(human), interventions=0, first_human_step=None, return_=0.0, terminated=True,
        truncated=False, discarded=False, wall_ns=0, duration_s=1.0, policy_version=0, online_steps=0, spot=spot,
    )  # fmt: skip


def covered(config, status, won, job=Job.TRAIN):
    """A training all of whose cells but the sixth have been won, by the policy or by a person; or another job."""
    grid = grid_of(config)
    history = [trained(grid.centre(cell), won=True) for cell in range(9) if cell != 5 for _ in range(5)]
    return Places(config, job, None, status, [*history, *([trained(grid.centre(5), **won)] if won else [])])


@pytest.mark.parametrize("won", [None, {"won": False}, {"won": True, "human": True}])
def test_the_next_object_goes_where_it_is_wanted(status, won):
    """Unseen cells at once, weak ones in half of the episodes; a success by a person's help is none."""
    config = load('processor.reset.next_place="weak"')
    places, wanted = covered(config, status, won), grid_of(config).cell(5)
    aims = [places.aim(number, Mode.TRAIN).within for number in range(60)]
    assert 20 < aims.count(wanted) < 50
    assert (aims[:ADVISED] == [wanted] * ADVISED) == (won is None)


def test_at_work_nobody_looks_for_weak_places(status):
    """The object goes where it comes from, and the screen names no cell: nobody learns from it."""
    places = covered(load('processor.reset.next_place="weak"'), status, {"won": False}, Job.RUN)
    assert [places.aim(number, Mode.TRAIN).within for number in range(20)] == [None] * 20
    assert status.put == ""


def test_the_screen_only_advises_where_nothing_is_asked(status):
    """It names a cell, and the object goes anywhere; evaluations and demonstrations are nobody's advice."""
    places = covered(load(), status, None)
    aim = places.aim(0, Mode.TRAIN)
    assert (aim.within, status.put) == (None, "best put it right, middle (none there yet)")
    places.count(trained(grid_of(load()).centre(5), won=False))
    seen = {(places.aim(number, Mode.TRAIN), status.put)[1] for number in range(60)}
    assert "best put it right, middle (0 of 1 won there)" in seen
    for mode in (Mode.EVAL, Mode.DEMO):
        assert (places.aim(0, mode).within, status.put) == (None, "")


def test_a_person_who_is_steered_is_believed(status):
    """On a real arm the object is in the cell that she was told; where she was only advised, nobody knows."""
    steered = covered(load('processor.reset.next_place="weak"', name="so100.toml"), status, None)
    steered.aim(0, Mode.TRAIN)
    assert steered.spot == grid_of(load(name="so100.toml")).centre(5)
    assert status.put == "put it right, middle (none there yet)"
    advised = covered(load(name="so100.toml"), status, None)
    advised.aim(0, Mode.TRAIN)
    assert advised.spot == ()
