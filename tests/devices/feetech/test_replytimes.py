"""What is learned of an adapter from its replies."""

import pytest

from hilrt.devices.feetech.replytimes import MARGIN, RECENT, UNKNOWN_S, ReplyTimes, read_deadline_s


def learned(*seconds):
    """Reply times that have come in this order."""
    times = ReplyTimes()
    for each in seconds:
        times.answered(each)
    return times


def test_an_adapter_that_has_not_answered_is_taken_for_a_slow_one():
    """So its first replies are waited for."""
    assert ReplyTimes().patience_s == MARGIN * UNKNOWN_S


def test_patience_follows_the_slowest_of_the_recent_replies():
    """Not one that is an exception, and not those of long ago."""
    times = learned(*[0.001] * 99, 0.5)
    assert times.patience_s == pytest.approx(MARGIN * 0.001)
    for _ in range(RECENT):
        times.answered(0.016)
    assert times.patience_s == pytest.approx(MARGIN * 0.016)


def test_patience_grows_until_there_is_an_answer():
    """An adapter that has become slow is waited for longer each time, but not for ever."""
    times = learned(0.001)
    for factor in (2, 4, 8):
        times.failed()
        assert times.patience_s == pytest.approx(factor * MARGIN * 0.001)
    for _ in range(99):
        times.failed()
    assert times.patience_s < 1.0
    times.answered(0.008)
    assert times.patience_s == pytest.approx(MARGIN * 0.008)


def test_the_rate_that_an_adapter_carries():
    """At that rate its slowest reply is just in time."""
    times = learned(*[0.004] * 50, *[0.007] * 50)
    assert times.within(0.4) == 0.004
    assert read_deadline_s(times.carries_hz) == pytest.approx(times.slowest_s) == 0.007
