"""What a person says between two episodes."""

from types import SimpleNamespace

import pytest

from hilrt.control.presence import Presence, PuttingBack
from hilrt.control.scene import RealScene
from hilrt.devices.keyboard import Key, press
from hilrt.devices.operator import Motionless
from hilrt.shm.status import ControlStatus, SupervisorStatus

SECOND = 10**9
GIVEN_S = 5.0


class Pad(Motionless):
    """A device with a button of its own."""

    pressed = False

    def ready(self):
        pressed, self.pressed = self.pressed, False
        return pressed


class Interval:
    """A wait for the scene that begins at 10 s, and what was pressed before it."""

    def __init__(self, *before):
        self.words = SupervisorStatus(memoryview(bytearray(SupervisorStatus.blank())))
        self.status = ControlStatus(memoryview(bytearray(ControlStatus.blank())))
        self.pad = Pad()
        presence = Presence(self.words, self.pad)
        for say in before:
            say(self)
        self.wait = PuttingBack(RealScene(GIVEN_S), presence, self.status, at(10))

    def enter(self):
        """Press it in the terminal."""
        press(self.words, Key.GO)

    def button(self):
        """Press it on the device."""
        self.pad.pressed = True

    def over(self, second):
        return self.wait.over(at(second))


def at(second):
    """A tick of that time."""
    return SimpleNamespace(time_ns=second * SECOND)


def test_the_time_passes_by_itself():
    """Who says nothing has all of it, and the screen counts it down."""
    interval = Interval()
    assert [interval.over(second) for second in (11, 14, 15)] == [False, False, True]
    assert interval.status.reset_until_ns == 15 * SECOND


@pytest.mark.parametrize("say", [Interval.enter, Interval.button])
def test_ready_ends_it_for_good(say):
    """Enter in the terminal and the device's own button end it at once; what is left is not counted down any more."""
    interval = Interval()
    assert not interval.over(11)
    say(interval)
    assert [interval.over(second) for second in (12, 13)] == [True, True]
    assert interval.status.reset_until_ns == 12 * SECOND


@pytest.mark.parametrize("say", [Interval.enter, Interval.button])
def test_what_was_said_before_is_no_answer(say):
    """A press in the episode before does not end the wait after it."""
    assert not Interval(say).over(11)
