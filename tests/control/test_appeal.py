"""An end that is held back until the operator has had time to refuse it."""

import pytest

from hilrt.control.appeal import Appeal
from hilrt.control.presence import Presence
from hilrt.devices.keyboard import Key, press
from hilrt.devices.operator import Motionless
from hilrt.shm.status import SupervisorStatus
from hilrt.step.record import Mode, Override, Record


class Pad(Motionless):
    """A device with a button of its own."""

    pressed = False

    def refuses(self):
        pressed, self.pressed = self.pressed, False
        return pressed


class Desk:
    """A terminal, a device, and an appeal."""

    def __init__(self):
        self.words, self.pad = SupervisorStatus(memoryview(bytearray(SupervisorStatus.blank()))), Pad()
        self.appeal = Appeal(Presence(self.words, self.pad))

    def terminal(self):
        press(self.words, Key.FAILURE)

    def button(self):
        self.pad.pressed = True

    def hold(self):
        """The end of an episode that succeeded."""
        for final in (False, True):
            record = Record(
                episode=0, step=4 + final, mode=Mode.TRAIN, final=final, monotonic_ns=0, wall_ns=0, state=b""
            )
            record.reward, record.success, record.terminated = float(not final), True, True
            self.appeal.hold(record, (), ())

    def closed(self):
        return [record for record, *_ in self.appeal.close()]


def told(records):
    return [(r.reward, r.success, r.terminated, r.truncated, r.override) for r in records]


@pytest.mark.parametrize("key", [Desk.terminal, Desk.button])
def test_failure_makes_a_failure_of_it(key):
    """From the terminal or from the device; whoever asks before the end hears it, too."""
    desk = Desk()
    desk.hold()
    assert not desk.appeal.refused()
    key(desk)
    assert desk.appeal.refused()
    assert desk.appeal.refused()
    assert told(desk.closed()) == [
        (0.0, False, True, False, Override.FAILURE),
        (0.0, False, True, False, Override.NONE),
    ]
    assert not desk.appeal.open
    assert not desk.closed()


@pytest.mark.parametrize("key", [Desk.terminal, Desk.button])
def test_what_was_pressed_before_is_no_answer(key):
    """Nor is what is pressed while nothing is held back; what nobody refuses is as it was."""
    desk = Desk()
    key(desk)
    assert not desk.appeal.refused()
    key(desk)
    desk.hold()
    assert told(desk.closed()) == [
        (1.0, True, True, False, Override.NONE),
        (0.0, True, True, False, Override.NONE),
    ]
