"""An arm that puts the object back by itself, with its cell, its servos and a cube under simulated physics."""

import asyncio

import numpy as np
import pytest
from armbench import Bench
from cellbench import make_cell
from drive import put_cube
from rig import Rig

from hilrt.config import Area, SimArm
from hilrt.control.putback import CELLS, Cover, PutBack
from hilrt.control.reset import go
from hilrt.devices.calibration import Calibration
from hilrt.errors import ConfigError
from hilrt.sim.task import CUBE_REST
from hilrt.sim.world import World

LOW, HIGH = np.array((0.17, -0.05)), np.array((0.27, 0.05))
SELF = ('processor.reset.scene="self"', f"processor.reset.area={{min={LOW.tolist()}, max={HIGH.tolist()}}}")
HERE, HEIGHT = (0.22, 0.0), 0.012
BESIDE = 0.02
"""How far the middle of a cube between the jaws is from the tip that the place is one of [m]."""
ELSEWHERE = (0.30, 0.12, CUBE_REST)


class Table:
    """An arm at its start pose over a cube, which it knows to have let go with its gripper `HERE`."""

    def __init__(self, *overrides, cube=(HERE[0], HERE[1] - BESIDE, CUBE_REST)):
        self.rig = Rig(*SELF, *overrides)
        self._cube = cube

    async def __aenter__(self):
        calibration = Calibration.load(self.rig.config.robot.calibration_path(""))
        self.world = World("pick_lift", 0, nature=SimArm())
        put_cube(self.world, self._cube)
        self.bench = await Bench(self.world, calibration, SimArm()).__aenter__()
        await self.bench.arm.enable_torque()
        self.cell = make_cell(self.rig, self.bench)
        self.possession = self.rig.pipelines.possession
        self.possession.place, self.possession.height = HERE, HEIGHT
        self.told = []
        self.put_back = PutBack(
            self.rig.config, self.cell, self.possession, self.cell._status, bool, self.told.append
        )
        await go(self.cell, self.rig.home, await self.cell.sense(), bool)
        return self

    async def __aexit__(self, *_):
        self.cell.close()
        await self.bench.__aexit__()
        self.world.close()

    async def put_it_back(self, within=None):
        return await self.put_back.run(await self.cell.sense(), len(self.told), within)

    @property
    def cube(self):
        return self.world.object_pose()[:3]


def at_a_table(story, *overrides, **table):
    async def main():
        async with Table(*overrides, **table) as there:
            await story(there)

    asyncio.run(main())


def test_the_cube_is_carried_from_place_to_place():
    """It is let go where the arm says so, within the places, and is found there again for the next time."""

    async def story(table):
        seen = []
        for count in range(1, 7):
            assert await table.put_it_back()
            x, y, z = table.cube
            assert z == pytest.approx(CUBE_REST, abs=0.003)
            assert np.hypot(*np.subtract((x, y), table.possession.place)) < BESIDE + 0.005
            assert ((x, y) > LOW - BESIDE).all()
            assert ((x, y) < HIGH + BESIDE).all()
            assert not table.possession.held
            assert (table.cell._status.self_resets, table.cell._status.calls) == (count, 0)
            seen.append((x, y))
        assert np.ptp(seen, axis=0).min() > 0.04
        assert table.cell._status.reset_ticks > 60

    at_a_table(story)


def test_a_cube_that_is_not_there_is_called_for():
    """Nobody looks for it a second time."""

    async def story(table):
        assert not await table.put_it_back()
        assert table.possession.place is None
        assert "put the object back, then Enter" in table.cell.notice
        assert np.hypot(*(table.cube - ELSEWHERE)[:2]) < 0.001
        ticks = table.cell._status.ticks
        assert not await table.put_it_back()
        assert table.cell._status.ticks - ticks <= 1
        assert (table.cell._status.self_resets, table.cell._status.calls) == (0, 2)

    at_a_table(story, cube=ELSEWHERE)


def test_a_cube_that_is_lost_on_the_way_is_called_for():
    """Taken out of the gripper when it is up."""

    async def story(table):
        def told(joints):
            if table.possession.held and table.cube[2] > 0.06:
                put_cube(table.world, ELSEWHERE)

        table.put_back._told = told
        assert not await table.put_it_back()
        assert (table.cell._status.self_resets, table.cell._status.calls) == (0, 1)

    at_a_table(story)


def test_a_stop_on_the_way_drops_nothing():
    """The arm stays where it is, with the cube in its gripper, and calls nobody."""

    async def story(table):
        table.put_back._stopping = lambda: table.possession.held and table.cube[2] > 0.04
        assert not await table.put_it_back()
        assert table.cell._status.calls == 0
        for _ in range(10):
            await table.cell.sense()
        assert table.cube[2] > 0.04

    at_a_table(story)


def test_an_arm_that_was_cut_off_is_told_nothing_more():
    """It may be elsewhere now: a goal of before would take it back at full speed, past no check."""

    async def story(table):
        def told(joints):
            if table.possession.held and table.cube[2] > 0.03 and not cut:
                cut.append(len(table.told))
                table.cell._eased = True

        cut, commands = [], []
        command = table.cell.command

        async def heard(goal):
            commands.append(goal.copy())
            return await command(goal)

        table.put_back._told, table.cell.command = told, heard
        await table.put_it_back()
        assert cut
        steps = np.abs(np.diff(commands, axis=0))[:, 0, :5].max(axis=1)
        assert steps.max() < 1.1 * table.rig.limits.max_step

    at_a_table(story)


def test_a_blocked_arm_puts_nothing_down():
    """Held by a hand on its way to the cube, it shuts on nothing there, and a person is called."""

    async def story(table):
        table.cell._ticker._push, table.cell._ticker._ticks = (0, 1.2), 1_000_000
        assert not await table.put_it_back()
        assert table.cell._status.calls == 1

    at_a_table(story)


def test_a_closed_start_pose_lets_go_all_the_same():
    """The gripper opens by as much as what it has needs, however the task begins."""
    closed = "processor.reset.fixed_reset_joint_positions=[2.5, -7.5, 9.0, 88.5, -84.7, 2.0]"

    async def story(table):
        for count in (1, 2):
            assert await table.put_it_back()
            assert table.cell._status.self_resets == count
            assert not table.possession.held

    at_a_table(story, closed)


def test_the_next_place_may_be_near():
    """Nothing is dragged over the table: it is up wherever it moves."""

    async def story(table):
        assert await table.put_it_back(Area(min=(0.21, 0.0), max=(0.22, 0.01)))
        before, low = table.cube[:2], []

        def told(joints):
            if table.possession.held:
                low.append((np.hypot(*(table.cube[:2] - before)), table.cube[2]))

        table.put_back._told = told
        x, y = table.possession.place
        assert await table.put_it_back(Area(min=(x + 0.01, y), max=(x + 0.015, y + 0.005)))
        on_the_way = [height for way, height in low if 0.004 < way < 0.009]
        assert min(on_the_way, default=1.0) > 0.03

    at_a_table(story)


def test_places_cover_the_region():
    """Each cell has had its turn before any has it again; equal seeds draw equally."""
    cover, same, other = (Cover(LOW, HIGH, seed) for seed in (3, 3, 4))
    places = np.array([cover.draw() for _ in range(5 * CELLS**2)])
    assert (places == [same.draw() for _ in places]).all()
    assert (places != [other.draw() for _ in places]).any()
    cells = ((places - LOW) / (HIGH - LOW) * CELLS).astype(int)
    for begin in range(0, len(places), CELLS**2):
        assert len({(x, y) for x, y in cells[begin : begin + CELLS**2].tolist()}) == CELLS**2


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ((SELF[0], "processor.gripper={use_gripper=false}"), "nothing can be carried"),
        ((SELF[0], "processor.reset.area={min=[0.1, 0.0], max=[0.16, 0.1]}"), "is 2 cm inside the box"),
    ],
)
def test_what_cannot_be(overrides, words):
    """A task file says so before anything moves."""
    with pytest.raises(ConfigError, match=words.replace("[", r"\[")):
        Rig(*overrides)


def test_two_arms_have_a_person():
    """Neither knows what the other holds."""
    with pytest.raises(ConfigError, match="here are two"):
        Rig(SELF[0], name="sim_bimanual.toml")


def test_joint_control_has_no_places():
    """There is no box."""
    with pytest.raises(ConfigError, match="joint control has no box"):
        Rig(SELF[0], 'teleop.type="keyboard"', by_joint=True)


def test_it_goes_where_the_next_one_should_be():
    """Into a cell that is asked for, each time."""
    cell = Area(min=(0.23, 0.02), max=(0.25, 0.04))

    async def story(table):
        for _ in range(3):
            assert await table.put_it_back(cell)
            assert (np.abs(np.subtract(table.possession.place, (0.24, 0.03))) < 0.015).all()

    at_a_table(story)
