"""When the probabilities of steps are a success."""

import msgspec
import pytest
from reward.bundles import bundle_of

from hilrt.config.reward import RewardClassifier
from hilrt.reward.hold import Hold, Rule, frames_of, rule_of


@pytest.mark.parametrize(
    ("probabilities", "told"),
    [
        ([0.9, 0.9, 0.9], [False, False, True]),
        ([0.9, 0.9, 0.7, 0.9, 0.9, 0.8, 0.9], [False] * 5 + [True] * 2),
        ([0.8, 0.8, 0.79, 0.8], [False] * 4),
    ],
)
def test_success_is_so_many_steps_in_a_row(probabilities: list[float], told: list[bool]) -> None:
    """One step below the threshold begins the count anew; the threshold itself counts."""
    hold = Hold(0.8, 3)
    assert [hold.add(p) for p in probabilities] == told
    hold.begin()
    assert [hold.add(p) for p in probabilities] == told


def test_first_steps_do_not_count() -> None:
    """The first step that counts is that of the number `min_steps`, in each episode."""
    hold = Hold(0.5, 2, min_steps=3)
    for _ in range(2):
        hold.begin()
        assert [hold.add(1.0) for _ in range(6)] == [False] * 4 + [True] * 2


def test_from_first_to_last_frame_are_so_many_seconds() -> None:
    """Half a second at 10 Hz is 5 steps, with 6 frames around them; a broken number is rounded up; no time is one."""
    assert [frames_of(s, 10) for s in (0.0, 0.01, 0.5, 0.55, 0.7)] == [1, 2, 6, 7, 8]


def test_the_task_file_goes_before_what_the_classifier_was_made_for(tmp_path) -> None:
    """Each number is the file's where the task file has none; steps at another rate are as many seconds."""
    about = bundle_of(tmp_path, "conv").about
    about = msgspec.structs.replace(about, threshold=0.7, hold_s=1.0, min_steps=7, fps=10)
    assert rule_of(RewardClassifier(), about, 10) == Rule(0.7, 1.0, 11, 7)
    assert rule_of(RewardClassifier(), about, 30) == Rule(0.7, 1.0, 31, 21)
    assert rule_of(RewardClassifier(), about, 5) == Rule(0.7, 1.0, 6, 3)
    own = RewardClassifier(success_threshold=0.9, hold_s=0.5, min_steps=2)
    assert rule_of(own, about, 30) == Rule(0.9, 0.5, 16, 2)
