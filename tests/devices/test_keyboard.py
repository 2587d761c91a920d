"""The terminal as an operator's keyboard."""

import time

import numpy as np
import pytest

from hilrt.devices.keyboard import HELD_NS, Key, TerminalKeyboard, decode_keys, press
from hilrt.devices.operator import Scene
from hilrt.shm.status import SupervisorStatus
from hilrt.step.record import GripperCommand, Mode

XYZ = ("dx", "dy", "dz")
SCENE = Scene(
    ee=np.zeros((1, 3)), opening=np.array([0.5]), object=None, done=False, step=0, autonomous_rate=0.0
)


@pytest.fixture
def keys():
    return SupervisorStatus(memoryview(bytearray(SupervisorStatus.blank())))


def test_sequences():
    """Arrows, shifted and ctrl arrows, letters and a lone escape are told apart; the rest is passed over."""
    data = b"\x1b[A\x1b[1;2Bs x\x1b[1;5D\x1b"
    assert decode_keys(data) == [Key.FORWARD, Key.DOWN, Key.SUCCESS, Key.INTERVENE, Key.CLOSE, Key.FAILURE]


@pytest.mark.parametrize(
    "data", [b"\x1b[1;5A", b"\x1b[5~", b"\x1b[3~", b"\x1bOA", b"\x1b[", b"\x1b[1;", b"\x1bx"]
)
def test_other_sequences_mean_nothing(data):
    """Keys that mean nothing here, and sequences cut in two, never declare a failure."""
    assert Key.FAILURE not in decode_keys(data)


def test_no_intervention_when_off(keys):
    """With `teleop.intervene = false` space does nothing in training, but a demonstration is still hers."""
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=False)
    pad.begin(Mode.TRAIN, 0)
    press(keys, Key.INTERVENE)
    assert not pad.sense(SCENE).intervening
    pad.begin(Mode.DEMO, 0)
    assert pad.sense(SCENE).intervening


def test_short_press_counts(keys):
    """A press between two ticks is in the next one's input, once."""
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=True)
    pad.begin(Mode.TRAIN, 0)
    press(keys, Key.SUCCESS)
    assert pad.sense(SCENE).success
    assert not pad.sense(SCENE).success


def test_space_toggles_intervention(keys):
    """Space takes over and hands back; two presses between two ticks cancel."""
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=True)
    pad.begin(Mode.TRAIN, 0)
    assert not pad.sense(SCENE).intervening
    press(keys, Key.INTERVENE)
    assert pad.sense(SCENE).intervening
    press(keys, Key.INTERVENE)
    press(keys, Key.INTERVENE)
    assert pad.sense(SCENE).intervening


def test_a_demonstration_is_hers_to_the_end(keys):
    """Space hands a demonstration to nobody: there is no policy to take it."""
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=True)
    pad.begin(Mode.DEMO, 0)
    press(keys, Key.INTERVENE)
    assert pad.sense(SCENE).intervening


def test_a_tap_between_slow_ticks_counts(keys, monkeypatch):
    """At a rate slower than a key is held for, a direction tapped since the last tick is in the next one, once."""
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=True)
    pad.begin(Mode.DEMO, 0)
    pad.sense(SCENE)
    press(keys, Key.FORWARD)
    later = time.monotonic_ns() + 4 * HELD_NS
    monkeypatch.setattr(time, "monotonic_ns", lambda: later)
    assert pad.sense(SCENE).action[0] == 1
    assert pad.sense(SCENE).action[0] == 0


def test_operator_drives_demonstrations_only(keys):
    """Demonstrations start in the operator's hands; in an evaluation there is no taking over."""
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=True)
    pad.begin(Mode.DEMO, 0)
    assert pad.sense(SCENE).intervening
    pad.begin(Mode.EVAL, 0)
    press(keys, Key.INTERVENE)
    assert not pad.sense(SCENE).intervening


def test_directions_are_held_while_presses_come(keys, monkeypatch):
    """A direction moves the arm until its presses stop coming."""
    now = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=True)
    for key in (Key.FORWARD, Key.RIGHT, Key.UP, Key.CLOSE):
        press(keys, key)
    wish = pad.sense(SCENE)
    assert wish.action == (1.0, -1.0, 1.0)
    assert wish.gripper == (GripperCommand.CLOSE,)
    monkeypatch.setattr(time, "monotonic_ns", lambda: now + HELD_NS)
    released = pad.sense(SCENE)
    assert released.action == (0.0, 0.0, 0.0)
    assert released.gripper == (GripperCommand.STAY,)


def test_presses_before_an_episode_do_not_count(keys):
    """What was pressed while the arm was reset does not end the new episode."""
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=True)
    press(keys, Key.FAILURE)
    pad.begin(Mode.TRAIN, 0)
    assert not pad.sense(SCENE).failure


def test_arrows_pressed_during_a_reset_do_not_move_the_next_episode(keys, monkeypatch):
    """Neither one that was pressed and let go, nor one that is still held: it must be let go first."""
    now = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    pad = TerminalKeyboard(keys, XYZ, 1, intervene=True)
    pad.begin(Mode.DEMO, 0)
    pad.sense(SCENE)
    now += 40 * HELD_NS
    press(keys, Key.FORWARD)
    now += 40 * HELD_NS
    press(keys, Key.LEFT)
    pad.begin(Mode.DEMO, 1)
    for _ in range(10):
        now += HELD_NS // 4
        press(keys, Key.LEFT)
        assert pad.sense(SCENE).action == (0, 0, 0)
    now += 2 * HELD_NS
    assert pad.sense(SCENE).action == (0, 0, 0)
    press(keys, Key.LEFT)
    now += 1
    assert pad.sense(SCENE).action == (0, 1, 0)


def test_tab_changes_the_arm(keys):
    """With two arms the keys move one of them; tab is for the other."""
    pad = TerminalKeyboard(keys, XYZ, 2, intervene=True)
    pad.begin(Mode.DEMO, 0)
    press(keys, Key.FORWARD)
    press(keys, Key.OPEN)
    wish = pad.sense(SCENE)
    assert wish.action == (1, 0, 0, 0, 0, 0)
    assert wish.gripper == (GripperCommand.OPEN, GripperCommand.STAY)
    press(keys, Key.OTHER_ARM)
    press(keys, Key.FORWARD)
    assert pad.sense(SCENE).action == (0, 0, 0, 1, 0, 0)


@pytest.mark.parametrize(
    ("axes", "key", "action"),
    [
        (("dx", "dz"), Key.UP, (0, 1)),
        (("dx", "dpitch", "droll"), Key.TILT_UP, (0, 1, 0)),
        (("shoulder_pan.delta", "shoulder_lift.delta"), Key.LEFT, (-1, 0)),
    ],
)
def test_axes_by_name(keys, axes, key, action):
    """Whatever axes the action has, the keys that point along one move that one."""
    pad = TerminalKeyboard(keys, axes, 1, intervene=True)
    pad.begin(Mode.DEMO, 0)
    press(keys, key)
    assert pad.sense(SCENE).action == action
