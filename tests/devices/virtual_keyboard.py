"""A keyboard from the kernel's events to the operator's input, on virtual devices; see `virtual`."""

import asyncio

import numpy as np
import pytest
from devices.virtual import Bed
from evdev import ecodes

from hilrt.devices.evdev_keyboard import CHORDS, EvdevKeyboard
from hilrt.devices.operator import Scene
from hilrt.devices.show import show
from hilrt.errors import InputDeviceAbsentError
from hilrt.step.record import GripperCommand, Mode

SCENE = Scene(
    ee=np.zeros((1, 3)), opening=np.array([0.5]), object=None, done=False, step=0, autonomous_rate=0.0
)
MODIFIERS = [ecodes.KEY_LEFTSHIFT, ecodes.KEY_LEFTCTRL, ecodes.KEY_LEFTALT]
KEYS = sorted({code for code, _ in CHORDS} | set(MODIFIERS))


class Desk:
    """A keyboard, who reads it, and one tick at a time."""

    def __init__(self, tmp_path):
        self.bed = Bed(tmp_path, alone=True)
        self.keys = self.bed.plug("AT Translated Set 2 keyboard", (1, 1), {}, KEYS, number=3)
        self.loop = asyncio.new_event_loop()
        self.stops = 0
        self.operator = self.loop.run_until_complete(self.open("keyboard"))
        self.operator.begin(Mode.TRAIN, 0)

    async def open(self, device):
        return EvdevKeyboard(device, ("dx", "dy", "dz"), 1, intervene=True, on_stop=self._stop)

    def _stop(self):
        self.stops += 1

    def tick(self):
        self.loop.run_until_complete(asyncio.sleep(0.05))
        return self.operator.sense(SCENE)

    def close(self):
        self.operator.close()
        self.loop.close()
        self.bed.close()


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_held_until_released(desk):
    """A direction is held from its press to its release, without repeats, however long that is."""
    desk.keys.press(ecodes.KEY_UP)
    assert desk.tick().action == (1, 0, 0)
    assert desk.tick().action == (1, 0, 0)
    desk.keys.press(ecodes.KEY_LEFT)
    assert desk.tick().action == (1, 1, 0)
    desk.keys.release(ecodes.KEY_UP)
    assert desk.tick().action == (0, 1, 0)


def test_a_tap_counts_once(desk):
    """A direction tapped between two ticks is in the next one, and only there."""
    desk.keys.tap(ecodes.KEY_DOWN)
    assert desk.tick().action == (-1, 0, 0)
    assert desk.tick().action == (0, 0, 0)


def test_modifiers(desk):
    """Shift makes arrows move up and down, ctrl makes them move the gripper, also when it comes later."""
    desk.keys.press(ecodes.KEY_UP)
    desk.keys.press(ecodes.KEY_LEFTSHIFT)
    desk.tick()
    assert desk.tick().action == (0, 0, 1)
    desk.keys.release(ecodes.KEY_LEFTSHIFT, ecodes.KEY_UP)
    desk.keys.press(ecodes.KEY_LEFTCTRL, ecodes.KEY_LEFT)
    assert desk.tick().gripper == (GripperCommand.CLOSE,)
    desk.keys.release(ecodes.KEY_LEFT)
    desk.keys.press(ecodes.KEY_RIGHT)
    desk.tick()
    assert desk.tick().gripper == (GripperCommand.OPEN,)


def test_other_programs_shortcuts_mean_nothing(desk):
    """Ctrl+S, Alt+Tab and their like are other programs' business."""
    desk.keys.press(ecodes.KEY_LEFTCTRL, ecodes.KEY_S, ecodes.KEY_Q)
    desk.keys.release(ecodes.KEY_LEFTCTRL, ecodes.KEY_S, ecodes.KEY_Q)
    desk.keys.press(ecodes.KEY_LEFTALT, ecodes.KEY_SPACE)
    wish = desk.tick()
    assert not wish.success
    assert not wish.intervening
    assert desk.stops == 0


def test_presses_count(desk):
    """Short presses between two ticks count once; a repeat is no press."""
    desk.keys.tap(ecodes.KEY_S)
    desk.keys.tap(ecodes.KEY_R)
    desk.keys.press(ecodes.KEY_SPACE)
    desk.keys.send((ecodes.EV_KEY, ecodes.KEY_SPACE, 2))
    wish = desk.tick()
    assert (wish.success, wish.rerecord, wish.intervening, wish.failure) == (True, True, True, False)
    desk.keys.release(ecodes.KEY_SPACE)
    assert desk.tick().intervening
    desk.keys.tap(ecodes.KEY_SPACE)
    assert not desk.tick().intervening


def test_stop(desk):
    """`q` stops at once, and is in the next input."""
    desk.keys.tap(ecodes.KEY_Q)
    assert desk.tick().stop
    assert desk.stops == 1
    assert not desk.tick().stop


def test_failure_between_episodes(desk):
    """Escape takes back what a classifier called success, once for each press."""
    desk.tick()
    assert not desk.operator.refuses()
    desk.keys.tap(ecodes.KEY_ESC)
    desk.tick()
    assert desk.operator.refuses()
    assert not desk.operator.refuses()


def test_ready_between_episodes(desk):
    """Enter says that the scene is back, once for each press."""
    desk.tick()
    assert not desk.operator.ready()
    desk.keys.tap(ecodes.KEY_ENTER)
    desk.tick()
    assert desk.operator.ready()
    assert not desk.operator.ready()
    assert desk.operator.active(), "somebody is there"
    assert not desk.operator.active()


def test_unplugged(desk):
    """Unplugging hands the arm back, and a take-over still on its way does not come later."""
    desk.keys.tap(ecodes.KEY_SPACE)
    desk.keys.press(ecodes.KEY_UP)
    assert desk.tick().intervening
    desk.keys.tap(ecodes.KEY_SPACE)
    desk.loop.run_until_complete(asyncio.sleep(0.05))
    desk.keys.unplug()
    for _ in range(2):
        wish = desk.tick()
        assert not wish.intervening
    assert wish.action == (0, 0, 0)
    assert "is gone" in desk.operator.message


def test_overrun_queue(desk):
    """A release that the kernel dropped is seen in its state."""
    desk.keys.press(ecodes.KEY_UP)
    assert desk.tick().action == (1, 0, 0)
    desk.keys.drop()
    desk.tick()
    assert desk.tick().action == (0, 0, 0)


def test_absent(desk):
    """A device that lacks keys is no keyboard, whatever its name."""
    desk.bed.plug("Media keyboard", (1, 2), {}, [ecodes.KEY_SPACE], number=4)
    with pytest.raises(InputDeviceAbsentError, match='"media" names; there are'):
        desk.loop.run_until_complete(desk.open("media"))


def test_show(desk):
    """`show` says what each key means."""
    lines = show("", 0.1)
    assert next(lines) == "AT Translated Set 2 keyboard at /dev/input/event3, 0001:0001: keyboard"
    desk.keys.press(ecodes.KEY_UP)
    assert next(lines) == "forward"
    desk.keys.release(ecodes.KEY_UP)
    assert next(lines) == "-"
