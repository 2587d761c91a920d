"""What the status block keeps of a control that has crashed."""

import json

import pytest
from rig import load

from hilrt.control.account import Account
from hilrt.control.agenda import Agenda
from hilrt.control.coach import IDLE_S, Coach, Line
from hilrt.control.places import Places
from hilrt.control.publisher import Publisher
from hilrt.control.tick import Tick
from hilrt.data.episodes import Tally
from hilrt.devices.operator import OperatorInput
from hilrt.run.job import Job, Role, Spec
from hilrt.shm.status import ControlStatus
from hilrt.step.features import from_config
from hilrt.step.record import Mode


@pytest.fixture
def status() -> ControlStatus:
    """A status block of its own."""
    return ControlStatus(memoryview(bytearray(ControlStatus.blank())))


def begun(status: ControlStatus) -> Account:
    """The account of a control that begins now, with a coach."""
    config = load()
    spec = Spec(role=Role.CONTROL, job=Job.TRAIN, run="r", run_dir="", fds={})
    agenda, publisher = Agenda(config, spec, []), Publisher(from_config(config), [])
    places, coach = Places(config, Job.TRAIN, None, status), Coach(config.env.fps)
    return Account(status, Tally(), agenda, publisher, None, None, ("arm",), coach, places)


def keep_the_arm(account: Account) -> None:
    """So long, without doing anything, that the coach says so."""
    for step in range(round(IDLE_S * 10) + 1):
        tick = Tick(step=step, mode=Mode.TRAIN, time_ns=0, readings=())
        tick.human, tick.wish = True, OperatorInput()
        account.acted(tick, step)


def test_advice_goes_on_after_a_crash(status: ControlStatus) -> None:
    """What was to be read is of an episode that is over; how often each line was said, and the bell, count on."""
    keep_the_arm(begun(status))
    assert status.advice == "still yours: move it, or let go"
    again = begun(status)
    assert status.advice == ""
    keep_the_arm(again)
    assert (json.loads(status.advised), status.advice_bells) == ({Line.STILL_YOURS: 2}, 2)
