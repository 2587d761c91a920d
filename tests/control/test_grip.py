"""A jaw that an object stops: when it counts as stopped, how far its goal leads, and how it is freed."""

import numpy as np
import pytest
from rig import Rig

from hilrt.control.grip import Jaw
from hilrt.devices.feetech.registers import COUNTS_PER_TURN
from hilrt.devices.holding import GRIP_TORQUE
from hilrt.sim.model import STALL_TORQUE
from hilrt.step.record import GripperCommand

CLOSE, STAY, OPEN = GripperCommand
REST = [0.0, 0.0, 0.0]
LEAD = np.deg2rad(2.0)
BLOCK = np.deg2rad(30.0)
"""Where something stops the jaw."""
COUNT = 2 * np.pi / COUNTS_PER_TURN


class Servo:
    """A gripper's servo as a spring: load follows how far it is from its goal; something may stop it."""

    def __init__(self, stiffness, opening, speed):
        self.stiffness, self.opening, self.goal, self.speed = stiffness, opening, opening, speed
        self.block, self.limited = BLOCK, False

    def tick(self):
        """Its opening and load after a tick."""
        way = np.clip(self.goal - self.opening, -self.speed, self.speed)
        self.opening = max(self.opening + way, self.block)
        load = self.stiffness * (self.goal - self.opening) / STALL_TORQUE
        limit = GRIP_TORQUE / 1000 if self.limited else 0.499
        return round(self.opening / COUNT) * COUNT, float(np.clip(load, -limit, limit))


class Hand:
    """The gripper of the simulated task's pipelines on such a servo; what it is told is what was recorded."""

    def __init__(self, stiffness=12.0, fps=10):
        self.rig = Rig(f"env.fps={fps}")
        self.servo = Servo(stiffness, self.rig.home[0, 5], np.deg2rad(150.0) / fps)
        self.loads = []
        self.wrong = None
        """A reading, in place of the true one, for one tick."""

    def act(self, command, ticks=1):
        """The last goal after some ticks of a command."""
        for _ in range(ticks):
            opening, load = self.servo.tick()
            self.loads.append(abs(load))
            joints = self.rig.setpoint.sent.copy()
            joints[0, 5] = opening if self.wrong is None else self.wrong
            self.wrong = None
            tick = self.rig.act(REST, command, joints=joints, load=[0.0] * 5 + [load])
            self.servo.goal = float(tick.joint_goal[0, 5])
            (self.servo.limited,) = self.rig.pipelines.grip.limited(tick.joint_goal)
        return self.servo.goal

    @property
    def lead(self):
        """How far the goal is beyond the jaw, towards closed [rad]."""
        return self.servo.opening - self.servo.goal


@pytest.mark.parametrize("fps", [10, 30])
@pytest.mark.parametrize("stiffness", [11.0, 17.8, 24.0, 47.0, 200.0])
def test_force_is_kept_below_an_overload_on_every_servo(stiffness, fps):
    """Closed on something for a minute: never above a quarter of the torque, and a grip all the time."""
    hand = Hand(stiffness, fps)
    hand.act(CLOSE, 60 * fps)
    assert max(hand.loads) < 0.25
    assert min(hand.loads[10 * fps :]) > 0.08
    assert hand.lead <= LEAD + COUNT


@pytest.mark.parametrize("stiffness", [11.0, 200.0])
def test_opening_works_at_once(stiffness):
    """The first tick of opening brings the goal to the other side of the jaw: nothing has to be unwound."""
    hand = Hand(stiffness)
    hand.act(CLOSE, 60)
    before = hand.servo.opening
    assert hand.act(OPEN) > before + np.deg2rad(10)
    hand.act(OPEN, 2)
    assert hand.servo.opening > before + np.deg2rad(10)


def test_stay_keeps_the_force():
    """On stay the goal goes with the jaw, as far ahead of it as before, wherever that is pushed to."""
    hand = Hand()
    hand.act(CLOSE, 20)
    hand.servo.block = BLOCK + np.deg2rad(5.0)
    hand.act(STAY, 3)
    assert hand.lead == pytest.approx(LEAD, abs=COUNT)
    hand.servo.block = BLOCK + np.deg2rad(4.5)
    hand.act(STAY, 3)
    assert hand.lead == pytest.approx(LEAD, abs=COUNT)


def test_a_jaw_that_only_lags_is_not_held_up():
    """A slow jaw that closes on nothing gets there: its goal leads as far as it takes."""
    hand = Hand()
    hand.servo.speed, hand.servo.block = np.deg2rad(3.0), -1.0
    hand.act(CLOSE, 30)
    assert hand.servo.opening == pytest.approx(hand.rig.limits.lower[0, 5], abs=2 * COUNT)


def test_an_object_that_slips_away_is_closed_behind():
    """What held the jaw open is gone: it closes on, whatever force was left."""
    hand = Hand(200.0)
    hand.act(CLOSE, 60)
    hand.rig.pipelines.grip.yielded(0)
    hand.servo.block = -1.0
    hand.act(CLOSE, 30)
    assert hand.servo.opening == pytest.approx(hand.rig.limits.lower[0, 5], abs=2 * COUNT)


@pytest.mark.parametrize("command", [CLOSE, STAY])
@pytest.mark.parametrize("off_deg", [90.0, 5.0, -1.5, -20.0, -90.0])
def test_one_wrong_reading_opens_no_grip(command, off_deg):
    """Whatever one reading says, the goal stays beyond the jaw by the lead at least."""
    hand = Hand()
    hand.act(CLOSE, 20)
    hand.wrong = BLOCK + np.deg2rad(off_deg)
    for _ in range(8):
        hand.act(command)
        assert hand.lead >= LEAD - 2 * COUNT
    hand.act(CLOSE, 10)
    assert hand.lead == pytest.approx(LEAD, abs=COUNT)


def test_an_overload_halves_the_lead():
    """A servo that lets go all the same is asked for half from then on, until the jaw is opened."""
    hand = Hand(11.0)
    hand.act(CLOSE, 20)
    hand.rig.pipelines.grip.yielded(0)
    hand.act(CLOSE, 20)
    assert hand.lead == pytest.approx(LEAD / 2, abs=COUNT)
    hand.act(OPEN, 10)
    hand.act(CLOSE, 30)
    assert hand.lead == pytest.approx(LEAD, abs=COUNT)


def test_the_lead_is_the_configs():
    """`robot.grip_lead_deg` is how far the goal leads, where the load allows."""
    rig = Rig("robot.grip_lead_deg=4.0")
    assert rig.pipelines.grip._jaws[0]._most == pytest.approx(np.deg2rad(4.0))


def test_opening_against_something_is_held_up_alike():
    """A jaw that is stopped on its way open stands under the same force."""
    jaw = Jaw(LEAD, 1.0, 10)
    for _ in range(10):
        jaw.see(1.0, 0.4, 1.5)
    assert jaw.limited(1.5)
    assert jaw.near(1.5) == jaw.kept(0.0) == pytest.approx(1.0 + LEAD)
    assert jaw.near(0.8) == 0.8


def test_a_jaw_that_strains_for_long_gets_less_torque_even_as_it_moves():
    """Slowly opening at half of its torque would be an overload too; at little load it may use all of it again."""
    jaw = Jaw(LEAD, 1.0, 10)
    limited = []
    for opening in np.linspace(0.4, 1.0, 30):
        jaw.see(opening, 0.3, 1.5)
        limited.append(jaw.limited(1.5))
    assert limited.index(True) == 11
    for opening in np.linspace(1.0, 1.4, 20):
        jaw.see(opening, 0.1, 1.7)
    assert not jaw.limited(1.7)


@pytest.mark.parametrize("wide", [1.0, -1.0])
def test_all_torque_is_for_opening_alone(wide):
    """Little while it closes, holds and stays, on its way too; all from the command to open until it is to close."""
    jaw = Jaw(LEAD, 1.0, 10, wide)
    jaw.see(wide * 1.0, 0.0, wide * 1.0)
    limited = [jaw.limited(wide * goal) for goal in (0.9, 1.0, 1.2, 1.01, 1.0, 0.99, 1.01)]
    assert limited == [True, True, False, False, False, True, True]
