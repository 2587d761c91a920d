"""The workspace box holds for the arm that hangs below its reference, too."""

import asyncio

import numpy as np
import pytest
from armbench import Bench
from cellbench import make_cell
from rig import Rig

from hilrt.config import SimArm
from hilrt.control.collision import Collisions
from hilrt.control.reset import go
from hilrt.control.sag import Sag
from hilrt.control.underside import SLACK, Underside
from hilrt.control.workspace import MAY, MORE, Box, Workspace
from hilrt.devices.calibration import Calibration, radians_from_units
from hilrt.robots import SO100_FRAME, SO100_URDF
from hilrt.sim.world import World
from hilrt.step.record import Limit

FLOOR = 0.005
WIDE = "processor.inverse_kinematics.end_effector_bounds={min=[0.15,-0.11,0.005],max=[0.40,0.17,0.15]}"
FAR_OUT = [1.3, 48.3, -71.0, 75.8, -87.8, 50.0]
OUTSTRETCHED = f"processor.reset.fixed_reset_joint_positions={FAR_OUT}"
"""39 cm in front of the base, 10 cm above the table."""
DOWN, OUT, IN, UP = (0, 0, -1), (1, 0, -1), (-1, 0, -1), (0, 0, 1)


class Run:
    """A simulated arm that is driven through all steps, by actions; what touches the table is seen at every step."""

    def __init__(self, rig, bench, cell):
        self.rig, self.bench, self.cell = rig, bench, cell
        self.world, self.step = bench.world, 0
        self.heights, self.touched, self.commands = [], False, []
        table = self.world._model.geom("table").id
        pass_time = bench.pass_time

        def watched(seconds):
            pass_time(seconds)
            pairs = self.world._data.contact.geom
            cube = self.world._cube_geom
            self.touched |= bool(((pairs == table).any(axis=1) & ~(pairs == cube).any(axis=1)).any())
            self.heights.append(self.world._data.xpos[self.world._ee[0], 2])

        bench.pass_time = watched

    async def reset(self):
        """To the start pose."""
        await go(self.cell, self.rig.home, await self.cell.sense(), bool)
        self.rig.pipelines.begin()

    async def drive(self, action, ticks):
        """The same action for so long; the last tick."""
        for _ in range(ticks):
            tick = await self.cell.sense(self.step)
            tick.policy_action, tick.policy_gripper = np.asarray(action, np.float32), ()
            self.rig.command(tick)
            await self.cell.command(tick.joint_goal)
            self.commands.append(tick.target[0, :3, 3])
            self.step += 1
        return tick


def on_a_bench(work, *overrides, stiffness=11.0, **nature):
    """What `work` gives, done with a simulated arm under torque at its start pose."""
    rig = Rig(WIDE, *overrides)
    calibration = Calibration.load(rig.config.robot.calibration_path(""))
    nature = SimArm(**{"preset": "stiff", "stiffness": stiffness, **nature})

    async def main():
        with World("pick_lift", 0, nature=nature) as world:
            async with Bench(world, calibration, nature) as bench:
                await bench.arm.enable_torque()
                run = Run(rig, bench, make_cell(rig, bench))
                await run.reset()
                return await work(run)

    return asyncio.run(main())


async def along_the_floor(run):
    """Down, and out along the floor to where the upright tool ends, both at full speed; back, and again, to rest."""
    run.heights.clear()
    for action, ticks in ((DOWN, 15), (OUT, 7), (IN, 12), (OUT, 9), (DOWN, 60)):
        tick = await run.drive(action, ticks)
    return run.touched, min(run.heights), tick


@pytest.mark.parametrize("preset", ["stiff", "so100"])
def test_a_soft_arm_stays_above_the_table(preset):
    """Of 11 N m/rad, well damped or with a dead zone and play, on a floor 5 mm above the table."""
    touched, lowest, tick = on_a_bench(along_the_floor, preset=preset)
    assert not touched
    assert lowest > 0.0015
    assert tick.limits & Limit.BOX
    assert tick.pose[0, 2, 3] == pytest.approx(FLOOR, abs=2 * MAY)


def test_without_it_the_soft_arm_runs_into_the_table():
    """What is shown above is the doing of the box for the arm itself."""

    async def work(run):
        workspace = next(s for s in run.rig.pipelines.action.steps if s.name == "workspace_bounds")._workspace
        workspace.fit = lambda *_: workspace.box
        return await along_the_floor(run)

    touched, lowest, _ = on_a_bench(work)
    assert touched
    assert lowest < 0.001


SOFT = {"preset": "so100", "stiffness": 11.0, "dead_zone_deg": 0.5}
"""The softest arm that was measured."""
ALONG = ((DOWN, 40), (OUT, 12), (IN, 9), (OUT, 9), (DOWN, 60))
"""Down to the floor at 39 cm, out to the end of the reach, back and out again at full speed, and to rest."""


async def at_39_cm(run):
    """All of that from the start pose; what was said there, whether the table was touched, from the reset on."""
    hangs = run.cell.stand.text
    for action, ticks in ALONG:
        tick = await run.drive(action, ticks)
    return hangs, run.touched, tick, run.rig.pipelines.action


def test_a_soft_arm_that_begins_at_39_cm_touches_no_table():
    """It hangs by more than 3 degrees, its tool tilts by 37: the finger's corner comes to rest at the floor."""
    hangs, touched, tick, _ = on_a_bench(at_39_cm, OUTSTRETCHED, **SOFT)
    assert "below where it is told to be" in hangs
    assert not touched
    assert tick.limits & Limit.BOX
    corner = Collisions(SO100_URDF, table_height=0.0, itself=False).clearance(tick.joints[0])
    assert corner.distance == pytest.approx(FLOOR - SLACK, abs=2 * MAY)


def test_a_floor_for_the_end_effector_alone_is_too_low_there():
    """What is shown above is the doing of the floor for the gripper's corners."""

    async def work(run):
        bounds = next(s for s in run.rig.pipelines.action.steps if s.name == "workspace_bounds")
        bounds._workspace._tilted = lambda _: np.zeros(1)
        return await at_39_cm(run)

    _, touched, *_ = on_a_bench(work, OUTSTRETCHED, **SOFT)
    assert touched


def test_a_tilted_tool_touches_no_table_that_is_known():
    """Where the box ends below it: what is checked is where the arm hangs."""

    async def work(run):
        tick = await run.drive(DOWN, 40)
        return run.touched, tick.limits

    deep = "processor.inverse_kinematics.end_effector_bounds.min=[0.15,-0.11,-0.02]"
    touched, limits = on_a_bench(work, OUTSTRETCHED, "safety.table_height_m=0.0", deep, preset="so100")
    assert not touched
    assert limits & Limit.COLLISION


def test_what_hangs_less_than_foretold_does_so_in_proportion():
    """Seen far out, where an arm hangs by much, it does not take all of it away where the arm hangs by little."""
    ws = workspace()
    foretold = {0.2: 0.030, 0.1: 0.010}

    def see(reach, height, ticks):
        for _ in range(ticks):
            more = ws._more = ws._corrected(
                np.array([foretold[reach]]),
                np.array([foretold[reach]]) + ws._more,
                np.zeros(1),
                np.array([height]),
            )
        return more[0]

    far = see(0.2, 0.004, 30)
    assert -0.01 < far < -0.003
    assert see(0.1, 0.0, 1) == pytest.approx(far / 3)
    assert see(0.2, 0.0, 1) == pytest.approx(far / 3)


def test_an_arm_that_no_weight_explains_is_raised_slowly():
    """A URDF without masses foretells nothing: what is seen below the floor raises the command, which then rests."""

    async def work(run):
        run.rig.pipelines.sag.compliance[:] = 0.0
        await run.drive(DOWN, 60)
        settled = run.commands[-10:]
        return run.heights[-1], np.ptp(np.array(settled)[:, 2])

    last, play = on_a_bench(work)
    assert last == pytest.approx(FLOOR, abs=2 * MAY)
    assert play < 1e-3


def test_a_stiff_arm_has_the_whole_box():
    """It hangs by less than it may: the command goes down to the floor of the box."""

    async def work(run):
        await run.drive(DOWN, 15)
        return run.commands[-1][2], run.heights[-1]

    command, height = on_a_bench(work, stiffness=200.0)
    assert command == pytest.approx(FLOOR, abs=3e-4)
    assert height == pytest.approx(FLOOR, abs=2 * MAY)


BOX = Box(low=np.array([[0.1, -0.1, 0.005]]), high=np.array([[0.3, 0.1, 0.1]]), step=np.full(3, 0.02))
UPRIGHT = [Underside(SO100_URDF, SO100_FRAME)]


def workspace():
    """Of an arm that is taken for stiff."""
    return Workspace(BOX, Sag(Rig().kinematics), 0.1, UPRIGHT)


def fit(workspace, height, reference=0.005, way=0.0, y=0.0):
    """The box for an arm that is seen at a height, told to be at another, and driven up or down."""
    position = np.array([[0.2, y, height]])
    told = np.array([[0.2, 0.0, reference]])
    return workspace.fit(Rig().home, told, np.array([[0.0, 0.0, way]]), position)


def test_one_reading_raises_nothing():
    """A position that shows once, however wrong, is no sag."""
    ws = workspace()
    for height in (0.006, -0.2, 0.006, 0.006):
        box = fit(ws, height)
    assert box.low[0, 2] == BOX.low[0, 2]


def test_what_is_below_the_floor_raises_it():
    """By three parts in ten of what it is below each tenth of a second, and by 3 cm at most."""
    ws = workspace()
    fit(ws, -0.006)
    assert fit(ws, -0.006).low[0, 2] == pytest.approx(0.005 + 0.3 * 0.010)
    for _ in range(100):
        box = fit(ws, -0.006)
    assert box.low[0, 2] == pytest.approx(0.005 + MORE)
    ws.begin()
    assert fit(ws, 0.006).low[0, 2] == BOX.low[0, 2]


def test_an_arm_that_hangs_far_has_a_higher_floor_while_it_is_driven_about():
    """By 0.65 of what is beyond 15 mm; the floor comes down again when it is left alone, and no stiff one's moves."""
    told, sag = np.array([radians_from_units(FAR_OUT)]), Sag(Rig().kinematics)
    for stiffness, swings in ((11.0, True), (200.0, False)):
        sag.compliance[:] = 1.0 / stiffness
        ws, reference = Workspace(BOX, sag, 0.1, UPRIGHT), np.array([[0.2, 0.0, 0.1]])
        still = floor_for(ws, told, reference)
        driven = floor_for(ws, told, reference + 0.01) - still
        assert driven == pytest.approx(0.65 * max(0.0, -sag.hang(told)[0, 2] - 0.015), abs=1e-9)
        assert (driven > 0.0) == swings
        for _ in range(50):
            rests = floor_for(ws, told, reference + 0.01)
        assert rests == pytest.approx(still, abs=1e-4)


def floor_for(workspace, told, reference):
    """Of an arm that is where it is told to be, and driven no further [m]."""
    return workspace.fit(told, reference, np.zeros((1, 3)), reference).low[0, 2]


def test_an_arm_on_its_way_up_lags_and_raises_nothing():
    """It is below the floor still, and the command far above it."""
    ws = workspace()
    for reference in np.arange(0.01, 0.09, 0.02):
        box = fit(ws, -0.006, reference, way=0.02)
    assert box.low[0, 2] == BOX.low[0, 2]


def test_an_arm_that_is_held_aside_is_not_pushed_at():
    """Who holds an arm outside of its box sideways feels no more than she did."""
    ws = workspace()
    for _ in range(20):
        box = fit(ws, 0.02, y=0.2)
    assert np.array_equal(box.low, BOX.low)
    assert np.array_equal(box.high, BOX.high)


def test_the_floor_comes_first():
    """In a box with less room than the arm hangs, the command is at its top."""
    ws = Workspace(BOX._replace(high=np.array([[0.3, 0.1, 0.012]])), Sag(Rig().kinematics), 0.1, UPRIGHT)
    for _ in range(100):
        box = fit(ws, -0.006)
    assert box.low[0, 2] == box.high[0, 2] == 0.012
