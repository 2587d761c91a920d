"""What single frames come to: rates at each threshold, and whether what is said is so."""

import numpy as np
import pytest

from hilrt.classify.judgement import calibration, rates

P = np.array([0.3, 0.9, 0.7, 0.8, 0.5], np.float32)
SUCCESS = np.array([False, True, True, False, False])


def test_rates_are_counted_at_every_threshold() -> None:
    """From the highest down: false alarms of the failures, recall of the successes, precision of what is above."""
    alarms, recall, precision = rates(P, SUCCESS)
    assert alarms.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 1])
    assert recall.tolist() == [0.5, 0.5, 1.0, 1.0, 1.0]
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2, 2 / 5])


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]])
def test_frames_of_one_probability_are_above_a_threshold_together(order) -> None:
    """In whichever order they lie; a classifier that says the same of all has the corner of the ROC alone."""
    success = np.array([False, True, True, False])[order]
    alarms, recall, precision = rates(np.array([0.2, 0.6, 0.6, 0.6], np.float32)[order], success)
    assert (alarms.tolist(), recall.tolist()) == ([0.5, 1.0], [1.0, 1.0])
    assert precision.tolist() == pytest.approx([2 / 3, 1 / 2])
    same = rates(np.full(4, 0.5, np.float32), success)
    assert [rate.tolist() for rate in same] == [[1.0], [1.0], [0.5]]


def test_without_failures_or_successes_there_are_rates_all_the_same() -> None:
    """Those of what is not there are 0."""
    for success in (True, False):
        alarms, recall, precision = rates(P[:2], np.full(2, success))
        assert alarms.tolist() == [0.5 * (not success), 1.0 * (not success)]
        assert recall.tolist() == [0.5 * success, 1.0 * success]
        assert precision.tolist() == [success, success]


def test_calibration_counts_both_classes_alike() -> None:
    """In each bin with frames in it: mean of what was said, and how often it was so; 1 is in the last one."""
    probability = np.array([0.05, 0.22, 0.28, 0.92, 1.0], np.float32)
    said, so = calibration(probability, np.array([False, False, True, True, True]))
    of_failures, of_successes = 1 / 4, 1 / 6
    weight = of_failures + of_successes
    middle = (0.22 * of_failures + 0.28 * of_successes) / weight
    assert said == pytest.approx([0.05, middle, 0.96])
    assert so == pytest.approx([0.0, of_successes / weight, 1.0])
