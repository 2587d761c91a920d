"""How many pictures a camera really gives."""

import re

import pytest
from driver import Driver, after, pictures, wait_for

from hilrt.cameras import rate
from hilrt.cameras.rate import Rate


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Counts over less time than in a run."""
    monkeypatch.setattr(rate, "WINDOW_S", 0.2)


def test_a_slow_camera_is_said_to_be(plug_in):
    """It says 30 and gives fewer new pictures, because most that come are damaged; that may be fewer than ticks."""
    frames = (image if number % 100 == 0 else None for number, image in enumerate(pictures()))
    measured = Rate(plug_in(Driver(frames), fps=10**6))
    text = wait_for(measured.complaint)
    assert re.fullmatch(r"gives [\d.]+ pictures/s of 1000000, \d+ damaged", text)
    measured = Rate(plug_in(Driver(pictures(), rates=(0,)), fps=10**6, slowest=10**6))
    text = wait_for(measured.complaint)
    assert re.fullmatch(r"gives [\d.]+ pictures/s of 1000000, less than env.fps = 1e\+06", text)


def test_a_camera_that_keeps_up_is_not(plug_in):
    """More than it must."""
    measured = Rate(plug_in(Driver(pictures()), fps=1, slowest=1))
    wait_for(lambda: measured.complaint() or measured.per_s)
    assert not measured.complaint()


def test_nothing_is_measured_while_nothing_comes(plug_in):
    """Then it is said why, and no rate."""
    measured = Rate(plug_in(Driver(after(*[False] * 10**6))))
    assert wait_for(measured.complaint) == "gives no new pictures"
    assert measured.per_s is None
