"""What a servo can have moved between two readings."""

import pytest

from hilrt.devices.feetech.pace import IMPOSSIBLE, SLACK, Pace, distance


@pytest.mark.parametrize("fps", [10, 30])
def test_a_quarter_turn_between_two_ticks_cannot_be(fps):
    """At 10 and at 30 Hz; as much as the fastest servo does is no matter, and what is doubted is not remembered."""
    pace = Pace()
    assert pace.doubted({3: 2000, 6: 1000}, 0.0) == {}
    assert pace.doubted({3: 3024, 6: 1000}, 1 / fps) == {3: 3024}
    assert pace.doubted({3: 2000 + round(IMPOSSIBLE / 2 / fps), 6: 1000}, 1 / fps) == {}
    assert pace.doubted({3: 2000 - round(IMPOSSIBLE / 3 / fps)}, 2 / fps) == {}


def test_two_readings_at_once_may_differ_by_noise():
    """An adapter hands two replies over together though they were taken one after the other."""
    pace = Pace()
    pace.believe({1: 2000}, 5.0)
    assert pace.doubted({1: 2000 + SLACK}, 5.0) == {}
    assert pace.doubted({1: 2000 + 3 * SLACK}, 5.0) == {1: 2000 + 3 * SLACK}


def test_the_end_of_the_turn_is_next_to_its_beginning():
    """A joint that turns through its encoder's zero has not jumped."""
    assert distance(4090, 5) == distance(5, 4090) == 11
