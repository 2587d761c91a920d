"""A grasp and the reward classifier that both have to say success, on ticks made by hand."""

from functools import partial

import numpy as np
import pytest
from hand import Hand
from reward.bundles import judge_for
from rig import Rig

from hilrt.shm.pictures import Frame
from hilrt.step.record import GripperCommand

BOTH = 'reward.all_of=["grasp", "classifier"]'
CAMERAS = (
    *(f"robot.cameras.{name}={{type='sim', width=80, height=64}}" for name in ("front", "wrist")),
    "processor.image_preprocessing.resize_size=[32, 48]",
)
ALWAYS, NEVER = (f"processor.reward_classifier.success_threshold={p}" for p in ("0.001", "1.0"))
AT_ONCE = "processor.reward_classifier.hold_s=0"
CLOSE, STAY = GripperCommand.CLOSE, GripperCommand.STAY
TICKS_OF_HOLD = 6


def hand_of(folder, *overrides, width=0.3):
    """Whose cameras have something new on each tick."""
    rig = Rig(BOTH, *CAMERAS, *overrides, judge=judge_for(folder))
    return Hand(rig, width, partial(frames, np.random.default_rng(0)))


def frames(rng):
    """Of both cameras."""
    return tuple(Frame(image, 0, 0) for image in rng.integers(0, 256, (2, 64, 80, 3), np.uint8))


@pytest.mark.parametrize(
    ("threshold", "width", "both"),
    [(ALWAYS, 0.3, True), (NEVER, 0.3, False), (ALWAYS, 0.0, False), (NEVER, 0.0, False)],
    ids=["both", "grasp alone", "classifier alone", "neither"],
)
def test_an_episode_succeeds_when_both_say_so(tmp_path, threshold, width, both):
    """When something is held up and the classifier says so, too; not before, and not by either alone."""
    hand = hand_of(tmp_path, threshold, AT_ONCE, width=width)
    names = [step.name for step in hand.rig.pipelines.outcome.steps]
    assert names[:3] == ["grasp", "reward_classifier", "success"]
    before = hand.go(20, CLOSE), hand.go(TICKS_OF_HOLD - 1, STAY, 0.06)
    assert not any(tick.success or tick.over for tick in before)
    assert not any(hand.done)
    last = hand.go(1, STAY, 0.06)
    assert (last.success, last.terminated, last.reward) == (both, both, float(both))


def test_success_comes_with_the_later_of_the_two(tmp_path):
    """Each counts its own time: here something is up from step 20 on, and frames count from step 22 on."""
    hand = hand_of(tmp_path, ALWAYS, "processor.reward_classifier.min_steps=22")
    hand.go(20, CLOSE)
    hand.go(12, STAY, 0.06)
    assert hand.done.index(True) == 22 + TICKS_OF_HOLD - 1
    assert all(hand.done[22 + TICKS_OF_HOLD :])
