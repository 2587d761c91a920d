"""Leader arms over their buses: they track, are taken, lead and are given back, and nothing ever jumps."""

import asyncio

import numpy as np
import pytest
from armdesk import Desk
from seat import CALIBRATION, Seat

from hilrt.devices import leaderarm
from hilrt.devices.calibration import units_from_radians
from hilrt.devices.feetech.registers import Register
from hilrt.devices.keyboard import Key, press
from hilrt.devices.leaderarm import LeaderArm
from hilrt.step.record import GripperCommand, Mode

WATCHDOG_S = 60
STILL = np.zeros(6)
FINE = np.deg2rad(0.2)
"""What an encoder's counts make of a standstill, in joints of the follower."""
PITCH_ROLL = (
    "processor.inverse_kinematics.end_effector_step_sizes={x=0.02, y=0.02, z=0.02, pitch=0.1, roll=0.1}"
)


def play(coroutine):
    """Run it under a watchdog."""

    async def guarded():
        async with asyncio.timeout(WATCHDOG_S):
            return await coroutine

    return asyncio.run(guarded())


def test_it_tracks_from_where_it_is_at_limited_speed():
    """Armed far from the follower it starts at rest, is never told more than a step ahead, and gets there."""

    async def check():
        async with Seat() as seat:
            seat.grasp()
            seat.put([0.9, -0.8, 0.7, 0.5, 1.0, 0.4])
            seat.served[0].pass_time(1.0)
            seat.served[0].hand = None
            start = seat.served[0].sim.positions
            told = [start]
            for _ in range(60):
                seat.leader.rest(seat.command)
                await seat.exchange()
                told.append(seat.arms[0].sent)
            assert np.abs(np.diff(told, axis=0)).max() <= seat.speed * seat.period_s + 0.002
            assert np.abs(told[1] - start).max() <= seat.speed * seat.period_s + 0.002
            assert seat.served[0].held(Register.TORQUE_ENABLE) == [1] * 6
            assert seat.served[0].sim.positions[:5] == pytest.approx(seat.rig.home[0, :5], abs=0.01)
            opening = units_from_radians(seat.served[0].sim.positions)[5] / 100
            assert opening == pytest.approx(seat.command.opening[0], abs=0.01)

    play(check())


def eeprom(served):
    """What a leader's servos keep without power."""
    return [bytes(servo._memory[:40]) for servo in served.sim.bank.servos]


def test_its_settings_are_a_leaders_and_written_once():
    """P 16, I 0, D 16; the follower's limits of the gripper are not its own; what is right already is not written."""

    async def check():
        async with Seat() as seat:
            served = seat.served[0]
            gains = (Register.P_COEFFICIENT, Register.I_COEFFICIENT, Register.D_COEFFICIENT)
            assert [served.held(register) for register in gains] == [[16] * 6, [0] * 6, [16] * 6]
            assert served.held(Register.PROTECTION_CURRENT) == [500] * 6
            assert served.held(Register.TORQUE_LIMIT) == [999] * 5 + [499]
            await seat.arms[0].close()
            before = eeprom(served)
            connect = LeaderArm.connect(served.sim.port, seat.arms[0]._arm.calibration, "", 1.0, 20.0)
            seat.arms[0] = await connect
            assert eeprom(served) == before

    play(check())


def test_takeover_and_handback_do_not_move_the_follower():
    """Torque goes off at space; a leader held elsewhere than the follower is no reason to move; then it comes back."""

    async def check():
        async with Seat() as seat:
            await seat.begin()
            seat.grasp()
            seat.put([0.2, 0.1, -0.15, 0.1, 0.1, 0.0])  # it holds on to the leader while that is under torque
            for _ in range(10):
                assert not (await seat.tick()).intervening
            press(seat.keys, Key.INTERVENE)
            seat.grasp()
            seat.steps.clear()
            taken = [await seat.tick() for _ in range(5)]
            assert all(wish.intervening for wish in taken)
            assert seat.served[0].held(Register.TORQUE_ENABLE) == [0] * 6
            assert max(seat.steps) < FINE
            press(seat.keys, Key.INTERVENE)
            seat.served[0].hand = None
            let = seat.served[0].sim.positions
            assert not (await seat.tick()).intervening
            await seat.exchange()
            assert np.abs(seat.arms[0].sent - let).max() <= 2 * seat.speed * seat.period_s
            for _ in range(20):
                await seat.tick()
            assert max(seat.steps) < FINE
            assert seat.served[0].held(Register.TORQUE_ENABLE) == [1] * 6
            assert seat.served[0].sim.positions[:5] == pytest.approx(seat.rig.home[0, :5], abs=0.01)

    play(check())


@pytest.mark.parametrize("overrides", [(), (PITCH_ROLL,), ("env.fps=30", "processor.reset.control_time_s=9")])
def test_the_follower_goes_as_the_hand_goes(overrides):
    """A motion of the leader's tool is the follower's, in every tick no more than a full step, and back again."""

    async def check():
        async with Seat(*overrides) as seat:
            await seat.begin(Mode.DEMO)
            await seat.take()
            start, led = seat.rig.setpoint.joints[0].copy(), seat.served[0].sim.positions
            ways = []
            for motion in (
                np.array([0.03, -0.01, 0.02, -0.02, 0.03, 0.0]),
                -np.array([0.03, -0.01, 0.02, -0.02, 0.03, 0.0]),
            ):
                for _ in range(8):
                    seat.put(motion)
                    wish = await seat.tick()
                    assert np.abs(wish.action).max() <= 1.0
                for _ in range(12):
                    await seat.tick()
                moved = seat.tool(seat.rig.setpoint.joints[0]) - seat.tool(start)
                wanted = seat.tool(seat.served[0].sim.positions) - seat.tool(led)
                assert moved == pytest.approx(wanted, abs=0.001)
                ways.append(np.linalg.norm(moved))
            assert ways[0] > 0.03
            assert ways[1] < 0.002

    play(check())


def test_the_tool_turns_with_the_hand():
    """Where pitch and roll are axes, the wrist's flex and roll arrive as such."""

    async def check():
        async with Seat(PITCH_ROLL) as seat:
            await seat.begin(Mode.DEMO)
            await seat.take()
            start = seat.rig.setpoint.joints[0].copy()
            for _ in range(10):
                seat.put([0, 0, 0, -0.03, 0.05, 0])
                await seat.tick()
            for _ in range(20):
                await seat.tick()
            moved = seat.rig.setpoint.joints[0] - start
            assert moved[4] == pytest.approx(0.5, abs=0.02)
            assert moved[1:4].sum() == pytest.approx(-0.3, abs=0.03)

    play(check())


def test_joint_control_takes_the_leaders_joints():
    """Without inverse kinematics the follower's joints move as the leader's do."""

    async def check():
        async with Seat(by_joint=True) as seat:
            await seat.begin(Mode.DEMO)
            await seat.take()
            start = seat.rig.setpoint.joints[0].copy()
            motion = np.array([0.04, -0.03, 0.02, -0.05, 0.05, 0.0])
            for _ in range(6):
                seat.put(motion)
                await seat.tick()
            for _ in range(10):
                await seat.tick()
            assert (seat.rig.setpoint.joints[0] - start)[:5] == pytest.approx(6 * motion[:5], abs=0.004)

    play(check())


def test_the_gripper_follows_and_closed_is_closed():
    """Half-way it stops within its dead band and does not go to and fro; at both ends it goes all the way."""

    async def check():
        async with Seat() as seat:
            await seat.begin(Mode.DEMO)
            await seat.take()
            for target, wanted, tolerance in (
                (0.1, 0.14, 0.1),
                (-0.17, 0.0, 0.005),
                (1.2, 0.72, 0.1),
                (1.74, 1.0, 0.005),
            ):
                seat.put([0, 0, 0, 0, 0, target - seat.served[0].hand[5]])
                grips = [(await seat.tick()).gripper[0] for _ in range(16)]
                assert seat.command.opening[0] == pytest.approx(wanted, abs=tolerance)
                assert grips[-4:] == [GripperCommand.STAY] * 4
                assert sum(a is not b for a, b in zip(grips, grips[1:], strict=False)) <= 2

    play(check())


def test_a_gripper_that_holds_something_does_not_let_go_at_takeover():
    """The policy has closed on an object; the leader's gripper is closed too, and its operator need not squeeze."""

    async def check():
        async with Seat() as seat:
            await seat.begin()
            for _ in range(12):
                await seat.tick(gripper=(GripperCommand.CLOSE,))
            press(seat.keys, Key.INTERVENE)
            seat.grasp()
            grips = [(await seat.tick()).gripper for _ in range(6)]
            assert grips[1:] == [(GripperCommand.STAY,)] * 5
            assert seat.command.opening[0] == pytest.approx(0.0, abs=0.005)

    play(check())


def test_a_policy_that_moves_is_no_tug():
    """Full steps in changing directions, and a leader that lags behind them: nobody has taken over."""

    async def check():
        async with Seat(tugs=True) as seat:
            rng = np.random.default_rng(0)
            await seat.begin()
            lags = []
            for _ in range(150):
                wish = await seat.tick(policy=rng.choice([-1.0, 1.0], 3).astype(np.float32))
                assert not wish.intervening
                lags.append(np.abs(seat.arms[0].sent - seat.arms[0].position).max())
            assert max(lags) > np.deg2rad(2)  # it did lag

    play(check())


@pytest.mark.parametrize("fps", [10, 30])
def test_a_tug_takes_over_and_stillness_hands_back(fps):
    """A hand that pulls the leader from under its torque has it within half a second, and stillness gives it back."""

    async def check():
        async with Seat(f"env.fps={fps}", tugs=True) as seat:
            await seat.begin()
            for _ in range(fps):
                assert not (await seat.tick()).intervening
            seat.grasp()
            ticks = 0
            while not (await seat.tick()).intervening:
                seat.put([2.0 / fps, 0, 0, 0, 0, 0])
                ticks += 1
                assert ticks <= fps / 2
            for _ in range(fps):
                seat.put([0.5 / fps, 0, 0, 0, 0, 0])
                assert (await seat.tick()).intervening
            ticks = 0
            while (await seat.tick()).intervening:
                ticks += 1
                assert ticks <= fps
            seat.served[0].hand = None
            for _ in range(fps):
                assert not (await seat.tick()).intervening  # and it does not go to and fro
            assert max(seat.steps) <= seat.rig.limits.max_step

    play(check())


def test_what_a_key_began_stillness_does_not_end():
    """Space means space; a tug is no key."""

    async def check():
        async with Seat(tugs=True) as seat:
            await seat.begin()
            press(seat.keys, Key.INTERVENE)
            seat.grasp()
            assert all([(await seat.tick()).intervening for _ in range(20)])
            press(seat.keys, Key.INTERVENE)
            assert not (await seat.tick()).intervening

    play(check())


def test_without_automatic_takeover_a_tug_is_only_a_tug():
    """The leader goes back to where it was."""

    async def check():
        async with Seat() as seat:
            await seat.begin()
            seat.grasp()
            for _ in range(5):
                seat.put([0.2, 0, 0, 0, 0, 0])
                assert not (await seat.tick()).intervening

    play(check())


@pytest.mark.parametrize(
    ("mode", "intervene", "taken"),
    [(Mode.DEMO, True, True), (Mode.DEMO, False, True), (Mode.TRAIN, False, False), (Mode.EVAL, True, False)],
)
def test_whose_an_episode_is(mode, intervene, taken):
    """Demonstrations are the operator's from the first tick on, whatever she presses; evaluations never are."""

    async def check():
        async with Seat(tugs=True, intervene=intervene) as seat:
            await seat.begin(mode)
            seat.grasp()
            for tick in range(20):
                seat.put([0.1 if tick % 4 < 2 else -0.1, 0, 0, 0, 0, 0])
                if tick % 3 == 0:
                    press(seat.keys, Key.INTERVENE)
                assert (await seat.tick()).intervening is taken

    play(check())


def test_short_presses_count_once_and_none_from_before():
    """Two presses of one key between two ticks are seen; what was pressed in the reset is not."""

    async def check():
        async with Seat() as seat:
            press(seat.keys, Key.SUCCESS)
            await seat.begin()
            assert not (await seat.tick()).success
            for key in (Key.SUCCESS, Key.SUCCESS, Key.FAILURE, Key.RERECORD, Key.INTERVENE, Key.INTERVENE):
                press(seat.keys, key)
            wish = await seat.tick()
            assert (wish.success, wish.failure, wish.rerecord, wish.intervening) == (True, True, True, False)
            wish = await seat.tick()
            assert (wish.success, wish.failure, wish.rerecord) == (False, False, False)

    play(check())


def test_before_a_demonstration_it_says_that_it_will_let_go():
    """Whoever only trains need not hold it."""

    async def check():
        for demonstrates, text in ((True, "hold the leader"), (False, "")):
            async with Seat(demonstrates=demonstrates) as seat:
                await seat.rest(2)
                assert seat.leader.message.startswith(text)
                assert bool(seat.leader.message) is demonstrates
                seat.leader.begin(Mode.DEMO, 0)
                assert seat.leader.message == ""

    play(check())


def test_two_leaders_lead_each_its_own_arm():
    """What the left hand does only the left arm does; both are taken and given back together."""

    async def check():
        async with Seat(name="sim_bimanual.toml") as seat:
            await seat.begin(Mode.DEMO)
            await seat.take()
            start = seat.rig.setpoint.joints.copy()
            for _ in range(6):
                seat.put([0.05, 0, 0, 0, 0, 0], arm=1)
                wish = await seat.tick()
            await seat.tick()
            assert wish.arm is None
            moved = seat.rig.setpoint.joints - start
            assert np.abs(moved[0]).max() < FINE
            assert moved[1, 0] == pytest.approx(0.3, abs=0.02)
            assert seat.served[0].held(Register.TORQUE_ENABLE) == [0] * 6

    play(check())


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A leader on an adapter that can be unplugged."""
    monkeypatch.setattr(leaderarm, "RETRY_S", 0.05)
    with Desk(tmp_path, CALIBRATION) as desk:
        yield desk


class Plugged(Seat):
    """A seat whose leader is on that adapter, in a task of its own."""

    def __init__(self, desk, **options):
        super().__init__(**options)
        self.desk = desk

    async def __aenter__(self):
        await super().__aenter__()
        arm = self.arms[0]
        arm.let_go()
        await arm.command(0.0)
        await arm.close()
        self.arms[0] = await LeaderArm.connect(
            str(self.desk.port), self.desk.calibration, "leader", self.speed, 1.0
        )
        self.arms[0].start()
        return self

    async def exchange(self):
        await asyncio.sleep(0.02)

    async def until(self, condition):
        """Ticks until something holds."""
        while True:
            wish = await self.tick()
            if condition(wish):
                return wish


def test_unplugged_while_intervening_it_releases_at_once(desk):
    """The policy drives on, the screen says why; back again it tracks softly, and can take over without a jump."""

    async def check():
        async with Plugged(desk) as seat:
            await seat.until(lambda _: seat.arms[0].position is not None)
            await seat.rest(100)
            seat.leader.begin(Mode.TRAIN, 0)
            press(seat.keys, Key.INTERVENE)
            assert (await seat.tick()).intervening
            desk.unplug()
            await seat.until(lambda wish: not wish.intervening)
            await seat.until(lambda _: seat.leader.message)
            assert seat.leader.message.startswith("leader is away, nobody can take over: ")
            press(seat.keys, Key.INTERVENE)
            assert not (await seat.tick()).intervening
            desk.brown_out(*range(1, 7), sag=-400)  # 35 degrees
            desk.plug()
            await seat.until(lambda _: not seat.leader.message)
            seat.steps.clear()
            await seat.until(lambda _: desk.held(Register.TORQUE_ENABLE) == [1] * 6)
            press(seat.keys, Key.INTERVENE)
            assert (await seat.tick()).intervening
            for _ in range(5):
                await seat.tick()
            assert max(seat.steps) < FINE
            assert desk.largest_lead_deg() < 15.0

    play(check())


def test_unplugged_in_a_demonstration_the_arm_waits(desk):
    """It stands still, and goes on from wherever the leader is when it is back."""

    async def check():
        async with Plugged(desk, demonstrates=True) as seat:
            await seat.rest(60)
            seat.leader.begin(Mode.DEMO, 0)
            await seat.until(lambda wish: wish.action)
            seat.steps.clear()
            desk.unplug()
            wish = await seat.until(lambda wish: not wish.action)
            assert wish.intervening
            await seat.until(lambda _: "the arm stands still" in seat.leader.message)
            desk.brown_out(*range(1, 7), sag=-200)
            desk.plug()
            await seat.until(lambda wish: wish.action)
            for _ in range(5):
                await seat.tick()
            assert max(seat.steps) < FINE
            assert desk.held(Register.TORQUE_ENABLE) == [0] * 6

    play(check())


def test_a_motor_that_browned_out_is_no_tug(desk):
    """A leader that hangs limp is armed again where it is, not taken for one in a hand."""

    async def check():
        async with Plugged(desk, tugs=True) as seat:
            await seat.rest(100)
            seat.leader.begin(Mode.TRAIN, 0)
            await seat.until(lambda _: desk.held(Register.TORQUE_ENABLE) == [1] * 6)
            desk.brown_out(2, sag=30)
            await seat.until(lambda _: desk.held(Register.TORQUE_ENABLE) == [1] * 6)
            for _ in range(20):
                assert not (await seat.tick()).intervening

    play(check())


def test_it_sinks_when_the_run_ends(desk):
    """Torque goes down in steps, then off; the next run gives it back."""

    async def connect():
        return await LeaderArm.connect(str(desk.port), desk.calibration, "leader", 1.0, 1.0)

    async def check():
        arm = await connect()
        arm.track(np.zeros(6))
        arm.start()
        while desk.held(Register.TORQUE_ENABLE) != [1] * 6:  # noqa: ASYNC110 - another thread answers
            await asyncio.sleep(0.01)
        await arm.close()
        assert desk.held(Register.TORQUE_ENABLE) == [0] * 6
        assert desk.held(Register.TORQUE_LIMIT) == [1000] * 6
        arm = await connect()
        assert desk.held(Register.TORQUE_LIMIT) == [999] * 5 + [499]
        await arm.close()

    play(check())
