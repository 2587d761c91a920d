"""Holding, letting go, sinking: at the level of registers, and of a soft arm that hangs below its goals."""

import asyncio
import signal
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from armbench import PATIENT_S, Bench
from drive import Driver, grip_the_cube

from hilrt.config import SimArm
from hilrt.devices import holding
from hilrt.devices.calibration import Calibration
from hilrt.devices.feetech.packets import Instruction
from hilrt.devices.feetech.registers import Fault, Register
from hilrt.devices.holding import hold_arm, sink_arm
from hilrt.errors import BusTimeoutError, JointOutsideError, PortBusyError
from hilrt.sim.world import World

IDS = (1, 2, 3, 4, 5, 6)
FAST = np.full(6, 5.0)
SOFT = SimArm(stiffness=17.8, supply_ohm=0.0)
SIM = "configs/calibration/robots/so100_follower/sim.json"
TORQUE_LIMIT = Register.TORQUE_LIMIT


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Nothing here measures time: a busy machine must not fail a read, nor an arm that comes back."""
    monkeypatch.setattr(holding, "HOLD_DEADLINE_S", PATIENT_S)
    monkeypatch.setattr(holding, "INSIDE_S", PATIENT_S)
    monkeypatch.setattr(holding, "LOOK_S", 0.0)


def held(line, register):
    """What the six servos hold in a register."""
    return [servo.get(register) for servo in line.bank.servos]


def put(line, *, goal, present, load=0.0, torque=1):
    """Give all servos a goal, and joints that are somewhere else [counts, as the servos show them]."""
    for servo in line.bank.servos:
        servo.set_present(present + servo.get(Register.HOMING_OFFSET), 0, load, 0.0, 30.0, 12.0)
        servo.put(Register.GOAL_POSITION, goal)
        servo.put(Register.TORQUE_ENABLE, torque)


@pytest.mark.parametrize(
    ("case", "joints", "gripper"),
    [
        ({"goal": 2000, "present": 1850}, 2000, 1867),
        ({"goal": 2000, "present": 1850, "load": -0.8}, 1850, 1867),
        ({"goal": 2000, "present": 1500}, 1500, 1517),
        ({"goal": 2000, "present": 2010}, 2000, 2000),
        ({"goal": 2000, "present": 2150}, 2000, 2133),
        ({"goal": 1000, "present": 1850, "torque": 0}, 1850, 1850),
    ],
    ids=["hangs", "pushes", "is kept far away", "nearly there", "above", "limp"],
)
def test_a_near_goal_is_kept_and_a_grip_is_eased(run, line, case, joints, gripper):
    """A joint keeps the goal it hangs below, not one it pushes towards in vain; a gripper is eased."""
    put(line, **case)
    run(hold_arm(line.path, IDS))
    assert held(line, Register.GOAL_POSITION) == [joints] * 5 + [gripper]
    assert held(line, Register.TORQUE_ENABLE) == [1] * 6


@pytest.fixture
def sim(request):
    """The simulated arm's calibration."""
    return Calibration.load(request.config.rootpath / SIM)


@pytest.fixture
def world():
    """An arm as soft as measured ones."""
    with World("pick_lift", 0, nature=SOFT) as world:
        yield world


def test_holds_in_a_row_leave_a_soft_arm_where_it_is(world, sim):
    """Low over the table, each hold leaves the tool as high as it was."""
    driver = Driver(world)
    while driver.pose[2, 3] > 0.02:
        driver.act((0.0, 0.0, -0.5), 1)

    async def check():
        async with Bench(world, sim, SOFT) as bench:
            await bench.arm.enable_torque()
            await bench.arm.write(driver.goals, FAST)
            heights = []
            for _ in range(4):
                await bench.arm.hold()
                bench.pass_time(4.0)
                heights.append(driver.ee[2])
            assert bench.arm.told == pytest.approx(driver.goals, abs=0.002), "the next move begins there"
            return heights

    heights = asyncio.run(check())
    assert 0.005 < heights[0] < driver.pose[2, 3] - 0.003, "it must hang low, but free"
    assert heights == pytest.approx([heights[0]] * 4, abs=2e-4)


def test_a_held_cube_stays_held_without_stalling(world, sim):
    """The jaw's load falls below that of an overload, and the cube stays between the fingers."""
    driver = grip_the_cube(world)

    async def check():
        async with Bench(world, sim, SOFT) as bench:
            await bench.arm.enable_torque()
            await bench.arm.write(driver.goals, FAST)
            await bench.arm.read()
            bench.pass_time(1.0)
            squeezed = abs(world.loads()[5])
            await bench.arm.hold()
            bench.pass_time(5.0)
            return squeezed, abs(world.loads()[5])

    squeezed, held_on = asyncio.run(check())
    assert squeezed > 0.4
    assert 0.05 < held_on < 0.25
    assert world._scene(0).held


def squeeze(bench, driver):
    """As hilrt's own gripper settings allow: driven shut on the cube."""
    return bench.arm.write(np.append(driver.goals[:5], -0.17), FAST)


@pytest.mark.parametrize("stiffness", [11.0, 17.8, 47.0, 200.0])
def test_runs_in_a_row_with_a_held_object_overload_nothing(sim, stiffness):
    """At the end of a run, a minute later, and after the next one's start the cube is held, below the limit."""
    nature = SimArm(stiffness=stiffness)
    loads = []

    async def check(world, driver):
        async with Bench(world, sim, nature) as bench:
            gripper = bench.follower._bank.servos[-1]
            await bench.arm.enable_torque()
            for _ in range(2):
                await squeeze(bench, driver)
                await bench.go_on(1.5)
                await bench.arm.leave()
                assert gripper.get(TORQUE_LIMIT) == holding.GRIP_TORQUE, "all of it would be an overload"
                for _ in range(60):
                    bench.pass_time(1.0)
                    loads.append(abs(gripper.get(Register.PRESENT_LOAD)))
                    assert gripper.get(Register.STATUS) == 0
                await bench.arm.reconnect()
                await bench.arm.enable_torque()
                assert world._scene(0).held

    with World("pick_lift", 0, nature=nature) as world:
        asyncio.run(check(world, grip_the_cube(world)))
    assert 20 < min(loads) <= max(loads) < 250


def test_a_gripper_that_holds_nothing_is_left_with_its_torque(world, sim):
    """Closed on nothing with little torque, as in a run; the next program finds what the servo had."""
    driver = Driver(world)

    async def check():
        async with Bench(world, sim, SOFT) as bench:
            gripper = bench.follower._bank.servos[-1]
            await bench.arm.enable_torque()
            await bench.arm.limit_grip(limited=True)
            await bench.arm.write(np.append(driver.goals[:5], 0.2), FAST)
            await bench.go_on(2.0)
            limited = gripper.get(TORQUE_LIMIT)
            await bench.arm.leave()
            return limited, gripper.get(TORQUE_LIMIT)

    assert asyncio.run(check()) == (holding.GRIP_TORQUE, 499)


def test_an_arm_that_has_protected_itself_holds_again(run, line):
    """Motors that were overloaded are told to be where they are, and have their torque again; a gripper keeps hold."""
    put(line, goal=2000, present=1850)
    for servo in line.bank.servos:
        servo.put(Register.STATUS, Fault.OVERLOAD)
    run(hold_arm(line.path, IDS))
    assert held(line, Register.GOAL_POSITION) == [1850] * 5 + [1867]
    assert held(line, TORQUE_LIMIT)[5] == holding.GRIP_TORQUE
    assert held(line, Register.STATUS) == [0] * 6
    assert held(line, Register.TORQUE_ENABLE) == [1] * 6


@pytest.mark.parametrize("torque", [0, 1])
def test_an_arm_whose_program_died_as_it_was_let_go_has_its_torque_back(run, line, torque):
    """Each joint where it has sunk to, first; the gripper as much as it can give for hours."""
    put(line, goal=2000, present=1900, torque=torque)
    for servo in line.bank.servos:
        servo.put(TORQUE_LIMIT, 80)
    run(hold_arm(line.path, IDS))
    assert held(line, TORQUE_LIMIT)[:5] == [1000] * 5
    assert held(line, Register.GOAL_POSITION)[:5] == [1900] * 5
    assert held(line, Register.TORQUE_ENABLE) == [1] * 6
    writes = [r for r in line.requests if r[2] == 1 and r[4] == Instruction.WRITE]
    registers = [r[5] for r in writes]
    assert registers.index(48) > registers.index(42) or not torque, "goal, then torque"
    if torque:
        assert held(line, TORQUE_LIMIT)[5] == holding.GRIP_TORQUE


@pytest.mark.parametrize("stale", [True, False])
@pytest.mark.parametrize("switches", [True, False])
def test_torque_comes_on_where_the_arm_is_whatever_goal_is_left(sim, stale, switches):
    """Old goals 50 degrees away, on servos that would run to them: each joint stays where it is."""
    nature = SimArm(stale_goal=stale, goal_switches_torque_on=switches)

    async def check(world):
        async with Bench(world, sim, nature) as bench:
            for servo in bench.follower._bank.servos:
                servo.put(Register.GOAL_POSITION, servo.get(Register.PRESENT_POSITION) + 570)
            before = world.positions()
            await bench.arm.enable_torque()
            await bench.go_on(1.5)
            return np.rad2deg(world.positions() - before)

    with World("pick_lift", 0, nature=nature) as world:
        assert np.abs(asyncio.run(check(world))).max() < 6.0


@pytest.mark.parametrize(("outside_deg", "refused"), [(6.0, False), (14.9, True)])
def test_arming_outside_the_range_is_slow_or_refused(world, sim, outside_deg, refused):
    """A joint that rests a little beyond its range comes back slowly; one far outside is named."""
    start = world.positions()
    wrist = sim.motors["wrist_flex"]
    middle = (wrist.range_min + wrist.range_max) // 2
    reach = round((np.rad2deg(start[3]) - outside_deg) * 4095 / 360)
    narrow = msgspec.structs.replace(wrist, range_min=middle - reach, range_max=middle + reach)
    calibration = Calibration({**sim.motors, "wrist_flex": narrow})

    async def check():
        async with Bench(world, calibration, SOFT) as bench:
            assert (await bench.arm.read()).position[3] == pytest.approx(start[3], abs=0.01)
            bench.tick_s = 0.002
            await bench.arm.enable_torque()
            assert await bench.arm.bus.read(4, Register.GOAL_VELOCITY) == 0
            return bench.speeds

    if refused:
        with pytest.raises(
            JointOutsideError, match=r"motor 4 \(wrist_flex\) .* rests 15 degrees beyond the upper"
        ):
            asyncio.run(check())
    else:
        speeds = asyncio.run(check())
        assert np.rad2deg(world.positions()[3]) == pytest.approx(reach * 360 / 4095, abs=4.0)
        assert np.rad2deg(np.max(speeds, axis=0)[3]) < 20.0


def test_a_dead_motor_does_not_keep_the_others_from_holding(run, line, monkeypatch):
    """All that answer hold; the one that does not is named at the end."""
    monkeypatch.setattr("hilrt.devices.holding.HOLD_DEADLINE_S", 0.5)
    put(line, goal=0, present=2000, torque=0)
    line.bank.servos[1].put(Register.ID, 99)
    with pytest.raises(BusTimeoutError, match=r"motor 2 \(shoulder_lift\)"):
        run(hold_arm(line.path, IDS))
    assert held(line, Register.TORQUE_ENABLE) == [1, 0, 1, 1, 1, 1]


def test_the_arm_of_a_killed_program_can_be_held_at_once(run, line):
    """A program killed with -9 while it has the port open frees it for the supervisor."""
    held_open = (
        "import serial, sys, time\n"
        f"port = serial.Serial({line.path!r}, exclusive=True)\n"
        "print('open', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", held_open], stdout=subprocess.PIPE) as owner:
        assert owner.stdout.readline() == b"open\n"
        with pytest.raises(PortBusyError):
            run(hold_arm(line.path, IDS))
        owner.send_signal(signal.SIGKILL)
    run(hold_arm(line.path, IDS))
    assert held(line, Register.TORQUE_ENABLE) == [1] * 6


@pytest.mark.parametrize("torque", [0, 1])
def test_a_leader_sinks_and_never_stiffens(run, line, monkeypatch, torque):
    """Its torque goes down and off, never up; one that is limp, in a hand, is not armed on the way."""
    monkeypatch.setattr(holding, "RELEASE_STEP_S", 0.0)
    limits = []
    feed = line.bank.feed
    monkeypatch.setattr(
        line.bank, "feed", lambda data: (feed(data), limits.append(held(line, TORQUE_LIMIT)))[0]
    )
    for servo in line.bank.servos:
        servo.put(Register.TORQUE_ENABLE, torque)
    line.bank.servos[5].put(Register.MAX_TORQUE_LIMIT, 500)
    line.bank.servos[5].put(TORQUE_LIMIT, 500)
    run(sink_arm(line.path, IDS))
    assert [80] * 5 + [40] in limits
    assert max(gripper for *_, gripper in limits) == 500
    assert held(line, TORQUE_LIMIT) == [1000] * 5 + [500], "whoever comes next has all of it again"
    assert held(line, Register.TORQUE_ENABLE) == [0] * 6
    armed = [r for r in line.requests if r[4] == Instruction.WRITE and r[5:7] == bytes((40, 1))]
    assert armed == []
