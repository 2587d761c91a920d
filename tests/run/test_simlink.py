"""What passes between control and the simulator beside the wires."""

import uuid

import numpy as np
import pytest
from mutations import any_damage, survey

from hilrt.config import Area
from hilrt.errors import SegmentDamagedError
from hilrt.run.simlink import SimLink
from hilrt.step.features import Features

FEATURES = Features(10, ("",), ("a.pos",), ("dx",), (), (), ())


@pytest.fixture
def link():
    """Of a run, with a request, the truth and a hand in it."""
    link = SimLink.create(f"test-{uuid.uuid4().hex[:12]}", FEATURES)
    yield link
    link.unlink()
    link.close()


def test_new_link_says_nothing(link):
    """Before anything is asked or told, no place is wanted, nothing has succeeded, and nobody holds a leader."""
    assert link.wanted_place() is None
    assert not link.success()
    assert [link.hand(arm) for arm in range(2)] == [None, None]


def test_a_request_says_where(link):
    """With a part of the table or without, and it is answered once."""
    within = Area(min=(0.1, -0.2), max=(0.3, 0.4))
    for asked in (within, None):
        link.request_place(7, asked)
        assert link.wanted_place() == (7, asked)
        link.report_placed()
        assert link.wanted_place() is None


def test_damaged_link_is_refused(link):
    """Whatever happens to its memory, requests, truth and hands read as they were written, or are refused."""
    link.request_place(7, Area(min=(0.1, -0.2), max=(0.3, 0.4)))
    link.report(np.arange(5.0), success=True, other=np.arange(3.0))
    for arm in range(2):
        link.put_hand(arm, np.arange(6.0) + arm)
    memory = link._segment.buf
    whole = bytes(memory)

    def read(data):
        memory[:] = data
        return (
            link.wanted_place(),
            link.success(),
            link.object_pose().tolist(),
            link.other_object().tolist(),
            [link.hand(arm).tolist() for arm in range(2)],
        )

    def damage(chance, data):
        name, changed = any_damage(chance, data)
        return name, (changed + data[len(changed) :])[: len(data)]

    assert survey(whole, read, SegmentDamagedError, damage).refused
