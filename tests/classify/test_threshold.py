"""What a threshold comes to, and which is recommended."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilrt.classify.frames import DOUBTFUL
from hilrt.classify.judgement import curve_of
from hilrt.classify.threshold import (
    Curve,
    alarm_level,
    count,
    failures_to_be_sure,
    recommended,
    success_level,
)
from hilrt.data.episodes import wilson
from hilrt.reward.hold import Hold


def curve(probability, rewarded_from=None, doubtful=0, number=0) -> Curve:
    """Success from that frame on, the frames before it in doubt."""
    p = np.array(probability, np.float32)
    rewarded = np.arange(len(p)) >= (len(p) if rewarded_from is None else rewarded_from)
    failed = ~rewarded & (np.arange(len(p)) < (len(p) if rewarded_from is None else rewarded_from - doubtful))
    return Curve(number, p, rewarded, failed)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30),
    st.integers(1, 5),
    st.integers(0, 4),
    st.floats(0.015625, 1, width=32),
)
def test_an_alarm_is_what_would_end_the_episode(probability, steps, min_steps, threshold) -> None:
    """The level of a failed episode is at the threshold or above exactly when the live rule says success in it."""
    hold = Hold(threshold, steps, min_steps)
    said = True in [hold.add(p) for p in probability]
    level = alarm_level(curve(probability), steps, min_steps)
    assert said == (level is not None and level >= threshold)


def test_alarms_lie_before_success_and_outside_doubt() -> None:
    """A span that reaches into success, or into the frames before it that are in doubt, is no alarm."""
    high = [0.1, 0.9, 0.9, 0.2, 0.8, 0.8, 0.8, 0.9]
    assert alarm_level(curve(high, 6), 2, 0) == pytest.approx(0.9)
    assert alarm_level(curve(high, 6), 2, 2) == pytest.approx(0.8)
    assert alarm_level(curve(high, 6, doubtful=2), 2, 2) == pytest.approx(0.2)
    assert alarm_level(curve(high, 1), 2, 0) is None


def test_what_follows_success_is_no_alarm() -> None:
    """Frames of an object that is dropped behind success raise neither alarms nor threshold."""
    classes = np.array([0, 0, 0, DOUBTFUL, 1, 1, 1, 0, 0, 0])
    probability = np.array([0.1, 0.1, 0.2, 0.5, 0.9, 0.9, 0.9, 0.95, 0.95, 0.95], np.float32)
    dropped = curve_of(0, probability, classes, rewarded=1)
    assert dropped.failed.tolist() == [True] * 3 + [False] * 7
    assert alarm_level(dropped, 2, 0) == pytest.approx(0.1)
    assert count([dropped], 0.8, 2, 0) == (0, 1, 1, 1)
    assert recommended([dropped], 2, 0) == 0.5
    failed = curve_of(1, probability, np.zeros(10, int), rewarded=1)
    assert failed.failed.all()
    assert alarm_level(failed, 2, 0) == pytest.approx(0.95)


def test_success_counts_as_far_as_it_was_recorded() -> None:
    """The weakest frame of the best span is what is noticed; an episode that ends at once has one frame for it."""
    assert success_level(curve([0.1, 0.9, 0.6, 0.8, 0.7], 1), 2, 0) == pytest.approx(0.7)
    assert success_level(curve([0.1, 0.1, 0.6], 2), 3, 0) == pytest.approx(0.6)
    assert success_level(curve([0.1, 0.1]), 2, 0) is None
    assert success_level(curve([0.9, 0.9, 0.9], 1), 2, 9) == 0.0


def test_recommended_is_half_way() -> None:
    """Above every alarm that is not put up with, below the weakest success; the middle in log odds, 0.5 at least."""
    failed, success = [0.6] * 4, [0.1, 0.1, 0.98, 0.98]
    between = recommended([curve(failed), curve(success, 2)], 2, 0)
    assert between == pytest.approx(0.896, abs=0.002)
    assert recommended([curve([0.01] * 4), curve([0.01, 0.01, 0.9, 0.9], 2)], 2, 0) == 0.5
    many = [curve(failed), *[curve([0.1] * 4)] * 60, curve(success, 2)]
    assert recommended(many, 2, 0) == pytest.approx(0.7, abs=0.01), (
        "one alarm in sixty episodes is put up with"
    )


def test_no_success_is_bought_with_alarms() -> None:
    """Where success is less probable than failure, the threshold is above the failures, and nothing is noticed."""
    curves = [curve([0.9] * 4), curve([0.1, 0.1, 0.7, 0.7], 2)]
    threshold = recommended(curves, 2, 0)
    assert 0.9 < threshold <= 1.0
    found = count(curves, threshold, 2, 0)
    assert found == (0, 2, 0, 1)
    assert found.alarm_range == wilson(0, 2)
    assert found.told_range == wilson(0, 1)


def test_how_many_failures_show_that_alarms_are_rare() -> None:
    """189 episodes without an alarm put the 95 % interval below 2 %; one less does not."""
    needed = failures_to_be_sure()
    assert wilson(0, needed)[1] <= 0.02 < wilson(0, needed - 1)[1]
