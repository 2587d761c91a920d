"""Arms at a start pose: there, hanging below it, or kept from it."""

import asyncio
import logging

import msgspec
import numpy as np
import pytest
from armbench import Bench
from cellbench import make_cell
from rig import Rig

from hilrt.config import SimArm
from hilrt.control.reset import go, stay
from hilrt.control.sag import Sag
from hilrt.control.stand import SETTLE_TICKS, Arrival, Stand, hangs_at
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.registers import Fault
from hilrt.errors import ArmBlockedError, ArmSagsError
from hilrt.sim.world import World

LIFT, ELBOW = 1, 2
OUTSTRETCHED = np.radians((0.0, 40.0, -60.0, 40.0, 0.0, 50.0))
"""43 cm in front of the base, 17 cm above the table."""


class Watch:
    """An arm that is told to be at its start pose, and what is seen of it, tick by tick."""

    def __init__(self):
        self.rig = Rig()
        self.stand = Stand(self.rig.pipelines.sag, self.rig.config.env.fps)
        self.anew()

    def anew(self):
        """It is told so once more."""
        self.arrival, self.ticks = Arrival(self.stand, self.rig.home), 0

    def off(self, joint, degrees):
        """Joints of an arm of which one is so far off its start pose."""
        joints = self.rig.home.copy()
        joints[0, joint] += np.deg2rad(degrees)
        return joints

    def see(self, joints, load=0.0, status=0, volts=12.0, blind=False):
        """A tick; `load` and `status` are those of every motor."""
        tick = self.rig.observe(joints=joints, blind=blind)
        reading = msgspec.structs.replace(
            tick.readings[0], load=np.full(6, load), status=np.full(6, status), voltage=np.full(6, volts)
        )
        tick.readings = (reading,)
        self.ticks += 1
        return self.arrival.complete(tick, self.ticks)

    def ticks_until_there(self, *args, **kwargs):
        """How many ticks it takes."""
        self.anew()
        while not self.see(*args, **kwargs):
            pass
        return self.ticks


def test_arms_that_are_near_and_at_rest_have_arrived():
    """Two degrees are near enough, once the arm has stood still for 0.3 s; no word is lost about it."""
    watch = Watch()
    assert watch.ticks_until_there(watch.off(LIFT, 2.0)) == watch.stand.window > SETTLE_TICKS
    assert watch.stand.text == ""


def test_an_arm_that_still_moves_has_not_arrived():
    """An episode would begin with the rest of the motion."""
    watch = Watch()
    for degrees in np.arange(2.9, -2.9, -0.4):
        assert not watch.see(watch.off(LIFT, degrees))
    assert not watch.see(watch.off(LIFT, -2.9))
    assert watch.ticks_until_there(watch.off(LIFT, -2.9)) == watch.stand.window


def test_a_tick_without_telemetry_is_no_rest():
    """What is seen then is the last reading once more."""
    watch = Watch()
    assert not any(watch.see(watch.rig.home, blind=True) for _ in range(20))


def test_a_joint_that_hangs_is_there_and_is_named_once(caplog):
    """Five degrees the way that its weight pulls it, with no more load than that: reached, and the screen says so."""
    watch = Watch()
    with caplog.at_level(logging.WARNING):
        assert watch.ticks_until_there(watch.off(LIFT, 5.0), load=0.2) == watch.stand.window
        assert "shoulder_lift stands 5 degrees below where it is told to be" in watch.stand.text
        watch.ticks_until_there(watch.off(LIFT, 5.2), load=0.2)
    assert len(caplog.records) == 1


def test_a_joint_that_stands_above_its_pose_is_waited_for(caplog):
    """Weight does not explain five degrees upwards, or five of the base: it may come free; after 5 s it counts."""
    watch = Watch()
    with caplog.at_level(logging.WARNING):
        for joint, degrees in ((LIFT, -5.0), (0, 5.0)):
            assert watch.ticks_until_there(watch.off(joint, degrees)) == watch.stand.patience + 1
    assert [record.args[0][:35] for record in caplog.records] == [
        "shoulder_lift stands 5 degrees away",
        "shoulder_pan stands 5 degrees away ",
    ]
    assert watch.ticks_until_there(watch.off(0, 5.5)) == watch.stand.window, "it is known by now"


def test_too_much_sag_is_refused_with_its_causes():
    """Twelve degrees down with the load of its own weight: nothing is in the way, and the supply is named."""
    watch = Watch()
    with pytest.raises(ArmSagsError, match=r"shoulder_lift hangs 12 degrees.*0\.\d\d N m.*6\.1 V"):
        watch.ticks_until_there(watch.off(LIFT, 12.0), load=0.2, volts=6.1)
    assert watch.ticks == watch.stand.patience + 1


@pytest.mark.parametrize(("joint", "degrees"), [(LIFT, 12.0), (LIFT, -12.0), (0, 12.0)])
def test_a_blocked_joint_is_refused_as_such(joint, degrees):
    """Down with more load than weight explains, up, or aside: something is in the way."""
    watch = Watch()
    with pytest.raises(ArmBlockedError, match=r"is 12 degrees away, pushes with 60%"):
        watch.ticks_until_there(watch.off(joint, degrees), load=-0.6)


@pytest.mark.parametrize("fault", [{"load": 0.9}, {"status": int(Fault.OVERLOAD)}])
def test_an_overloaded_joint_has_not_arrived(fault):
    """Five degrees off and pushing with all it has, or given up: no pose to begin from."""
    watch = Watch()
    with pytest.raises(ArmBlockedError, match="5 degrees"):
        watch.ticks_until_there(watch.off(LIFT, 5.0), **fault)


def test_a_gripper_that_holds_something_is_no_obstacle():
    """A start pose with a closed gripper is reached though an object keeps the jaws apart."""
    watch = Watch()
    assert watch.ticks_until_there(watch.off(5, 30.0)) == watch.stand.window


def test_where_it_came_to_rest_is_where_it_stands():
    """An arm that hangs stays there; one that is pushed from there, or lifted and dropped lower, does not."""
    watch, home = Watch(), Rig().home
    assert not watch.stand.at(home, watch.off(LIFT, 5.0))
    watch.ticks_until_there(watch.off(LIFT, 5.0), load=0.2)
    assert watch.stand.at(home, watch.off(LIFT, 5.5))
    assert watch.stand.at(home, home)
    assert not watch.stand.at(home, watch.off(LIFT, 9.0))
    assert not watch.stand.at(home, watch.off(0, 4.0))


def test_a_recorded_pose_may_have_hung():
    """A replay takes what hung below the start pose for that pose; what lay elsewhere it goes to itself."""
    watch = Watch()
    home, sag = watch.rig.home, watch.rig.pipelines.sag
    assert hangs_at(home, watch.off(LIFT, 5.0), sag)
    assert not hangs_at(home, watch.off(LIFT, -5.0), sag)
    assert not hangs_at(home, watch.off(0, 5.0), sag)


def test_sag_is_foretold_from_rest():
    """What an arm of 11 N m/rad does at one pose says how far it hangs at another."""
    rig = Rig()
    sag = Sag(rig.kinematics)
    far = OUTSTRETCHED[None]
    sag.rest(rig.home, rig.home + np.pad(sag.pull(rig.home) / 11.0, ((0, 0), (0, 1))))
    assert np.rad2deg(sag.of(far)) == pytest.approx(np.rad2deg(sag.pull(far) / 11.0), abs=0.3)
    assert np.rad2deg(sag.of(far)).max() > 2.0
    sag.rest(rig.home, rig.home + 1.0)
    assert sag.compliance <= 1 / 8


def on_a_bench(stiffness, work, push=None):
    """What `work` gives, done with a simulated arm under torque at the world's start pose."""
    rig = Rig()
    calibration = Calibration.load(rig.config.robot.calibration_path(""))
    nature = SimArm(stiffness=stiffness)

    async def main():
        with World("pick_lift", 0, nature=nature) as world:
            async with Bench(world, calibration, nature) as bench:
                await bench.arm.enable_torque()
                cell = make_cell(rig, bench, push)
                return await work(rig, cell)

    return asyncio.run(main())


def test_a_soft_arm_reaches_its_start_pose(caplog):
    """Of 11 N m/rad, outstretched: it hangs by more than 3 degrees, is taken as there, and is not sent there again."""

    async def work(_, cell):
        await go(cell, OUTSTRETCHED[None], await cell.sense(), bool)
        ticks = cell._ticker.count
        await stay(cell, OUTSTRETCHED[None], lambda _: True, bool)
        return cell.pipelines.sag.compliance[0], cell._ticker.count - ticks

    with caplog.at_level(logging.WARNING):
        compliance, ticks = on_a_bench(11.0, work)
    assert ticks == 1
    assert "degrees below where it is told to be" in caplog.text
    assert 1 / compliance == pytest.approx(11.0, rel=0.15)


def test_an_arm_far_too_soft_is_told_from_one_that_is_held():
    """Of 4 N m/rad it gives in to its weight; one of 11 that is pushed down by as much is blocked."""

    async def work(_, cell):
        await go(cell, OUTSTRETCHED[None], await cell.sense(), bool)

    with pytest.raises(ArmSagsError, match="shoulder_lift hangs"):
        on_a_bench(4.0, work)
    with pytest.raises(ArmBlockedError, match="shoulder_lift is"):
        on_a_bench(11.0, work, push=(LIFT, 1.2))
