"""The way back to the start pose."""

import numpy as np
import pytest

from hilrt.control.reset import SETTLE_TICKS, ResetMove
from hilrt.errors import ArmBlockedError

HOME = np.array([[0.0, -0.1, 0.1, 1.5, -1.5, 0.8]] * 2)
STEP, PATIENCE = 0.1, 10


def moved(far=1.0):
    """A move from a pose that is `far` away in two joints of the second arm."""
    start = HOME.copy()
    start[1, 0] += far
    start[1, 5] -= far
    return start, ResetMove(start, HOME, STEP, PATIENCE)


def test_no_joint_exceeds_the_step():
    """From wherever the arms are, each command is at most a step from the last, and the last one is the start pose."""
    before, move = moved()
    for _ in range(10):
        goal = move.advance().copy()
        assert np.abs(goal - before).max() <= STEP + 1e-12
        before = goal
    assert before == pytest.approx(HOME)


def test_start_is_not_changed():
    """The move works on a copy: the measurement that it begins with stays what it was."""
    start, move = moved()
    move.advance()
    assert start[1, 0] == HOME[1, 0] + 1.0


def test_arrives_when_there_and_settled():
    """Arms at the start pose have arrived once they have been told so for some ticks; near is near enough."""
    _, move = moved(far=0.0)
    near = HOME + np.deg2rad(2.0)
    seen = []
    for _ in range(SETTLE_TICKS + 1):
        seen.append(move.arrived(near))
        move.advance()
    assert seen == [False] * (SETTLE_TICKS + 1)
    assert move.arrived(near)
    assert not move.arrived(HOME + np.deg2rad(4.0))


def test_blocked_arm_is_named():
    """An arm that does not get there, long after it was told to, ends the run with the motor and what is missing."""
    _, move = moved(far=0.0)
    held = HOME.copy()
    held[1, 2] += np.deg2rad(20.0)
    for _ in range(PATIENCE):
        move.advance()
        assert not move.arrived(held)
    move.advance()
    with pytest.raises(ArmBlockedError, match=r"elbow_flex.*20"):
        move.arrived(held)
