"""Arms that have weight and hold something: made to hold after a crash, let down, and cleared of an overload."""

import asyncio
import time

import jobs
import numpy as np
import pytest
from setup.desk import Operator, play
from worlddesk import WorldDesk

from hilrt.config import SimArm
from hilrt.devices.feetech.registers import Register
from hilrt.devices.holding import hold_arm
from hilrt.setup.place import IDS, Place
from hilrt.setup.release import release
from hilrt.setup.unfault import unfault

CALIBRATION = jobs.ROOT / "configs/calibration/robots/so100_follower/sim.json"
SOFTLY = np.deg2rad(60.0)
"""How fast a joint may go down [rad/s]; a servo without load turns with 300 degrees a second."""
OVERLOAD = 0.25
"""The share of its torque from which a gripper takes itself for overloaded, if it lasts for two seconds."""


@pytest.fixture
def arm(tmp_path, request):
    """It holds the cube; of the preset that is asked for."""
    with WorldDesk(tmp_path, CALIBRATION, SimArm(preset=getattr(request, "param", "so100"))) as arm:
        yield arm


def place(arm):
    """What `hilrt release` and `unfault` are told of it."""
    return Place(str(arm.port), CALIBRATION)


@pytest.mark.parametrize("arm", ["so100", "stiff", "worn"], indirect=True)
@pytest.mark.parametrize("latched", [False, True])
def test_a_rescued_arm_keeps_what_it_squeezes_and_squeezes_no_more(arm, latched):
    """Control has died as the jaw was driven shut, or its servo had given up: the object stays, without an overload."""
    gripper = arm.servos[5]
    with arm._lock:
        gripper.put(Register.TORQUE_LIMIT, 499)
        gripper.put(Register.GOAL_POSITION, gripper.get(Register.MIN_POSITION_LIMIT))
        arm._move(0.5)
        squeezed = arm.seen[-1].load
        if latched:
            arm._move(2.0)
            assert gripper.get(Register.STATUS)
    assert squeezed > 0.4
    asyncio.run(hold_arm(str(arm.port), tuple(IDS.values())))
    arm.pass_time(0.5)
    since = len(arm.seen)
    arm.pass_time(30.0)
    assert max(moment.load for moment in arm.seen[since:]) < OVERLOAD
    assert arm.held(Register.STATUS) == [0] * 6
    assert arm.torque == [1] * 6
    assert arm.grips
    assert np.abs(arm.joints - arm.start)[:5].max() < np.deg2rad(8.0)


@pytest.mark.parametrize("latched", [(), (2, 3), (6,)], ids=["well", "shoulder and elbow", "gripper"])
def test_release_lets_an_overloaded_arm_down_gently(arm, latched):
    """Nothing is refused, no joint goes fast, no link hits the table hard; the person is asked to hold it before."""
    arm.overload(*latched)
    operator = Operator([""])
    play(release(operator, place(arm)))
    assert operator.asked == ["The arm goes down now: hold it and what its gripper has, then press Enter."]
    arm.pass_time(5.0)
    assert arm.torque == [0] * 6
    assert arm.held(Register.STATUS) == [0] * 6
    assert max(moment.speed for moment in arm.seen) < SOFTLY
    assert min(arm.lowest(moment.joints) for moment in arm.seen[::10]) > -1e-3


@pytest.mark.parametrize("latched", [2, 3, 6])
def test_unfault_leaves_it_where_it_sank_and_keeps_the_object(arm, latched):
    """A joint that gave way is not driven back to where it failed; a gripper that gave up does not open."""
    arm.overload(latched)
    time.sleep(1.0)
    sunk = arm.joints
    operator = Operator([""])
    assert play(unfault(operator, place(arm)))
    assert operator.asked == ["The arm may sink now: hold it, then press Enter."]
    arm.pass_time(10.0)
    assert arm.torque == [1] * 6
    assert arm.held(Register.STATUS) == [0] * 6
    assert np.abs(arm.joints - sunk).max() < np.deg2rad(8.0)
    assert max(moment.speed for moment in arm.seen) < SOFTLY
    assert arm.seen[-1].load < OVERLOAD
    assert arm.grips
