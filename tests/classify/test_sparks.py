"""Lines about episodes in the terminal."""

import numpy as np
import pytest

from hilrt.classify.sparks import COLUMNS, lines_of, spark
from hilrt.classify.threshold import Curve


def curve(number, probability, rewarded_from):
    p = np.array(probability, np.float32)
    rewarded = np.arange(len(p)) >= rewarded_from
    return Curve(number, p, rewarded, ~rewarded)


def test_a_line_says_what_is_said_of_an_episode() -> None:
    """Each frame has its bar, and the words have what was highest before success, and where success is said."""
    never = 99
    curves = [
        curve(3, [0.0, 0.13, 0.55, 0.9, 1.0], 3),
        curve(4, [0.1, 0.7], never),
        curve(10, [0.1, 0.92, 0.97], never),
        curve(11, [0.9, 0.9], 0),
    ]
    lines = [" ".join(line.split()) for line in lines_of(curves, [4, None, 2, 1])]
    assert lines == [
        "episode 3 ▁▂▅██ up to 0.550 before success, success is said at step 4, labelled from 3 on",
        "episode 4 ▁▆ up to 0.700 without success, success is never said",
        "episode 10 ▁██ up to 0.970 without success, success is said at step 2: FALSE ALARM",
        "episode 11 ██ no frame before success, success is said at step 1, labelled from 0 on",
    ]


@pytest.mark.parametrize("frames", [1, COLUMNS, COLUMNS + 1, 317])
def test_a_long_episode_keeps_its_peaks(frames: int) -> None:
    """As wide as fits, and one frame that was high is seen."""
    for peak in {0, frames // 2, frames - 1}:
        probability = np.zeros(frames, np.float32)
        probability[peak] = 1.0
        bars = spark(probability)
        assert len(bars) == min(frames, COLUMNS)
        assert bars.count("█") == 1
        assert set(bars) <= set("▁█")
