"""Zero offsets from touches: found where they are shown, and only as sure as a hand is exact."""

import numpy as np
import pytest
from marks import LEANS_DEG, TRUE, place, pose

from hilrt.robots.zeros import ASTRAY, HAND_M, SHOWN, Touch, solve

LARGEST = np.radians(20.0)
WANTED = [(mark, lean) for mark in range(5) for lean in LEANS_DEG]


def tip(joints):
    """Forward kinematics [m]."""
    return TRUE.forward(joints)[:3, 3]


def touches(off_deg, noise_m=0.0, seed=0, wanted=WANTED, astray=(0.0, 0.0, 0.0)):
    """What an arm with these offsets shows at the marks, which lie astray, touched by a hand so exact."""
    noise = np.random.default_rng(seed).normal(0, noise_m, (len(wanted), 3))
    places = np.array([place(mark) for mark, _ in wanted])
    ahead, left, turned = astray
    x, y, _ = (places - places.mean(axis=0)).T
    there = places + np.stack((ahead - turned * y, left + turned * x, 0 * x), axis=1)
    true = [pose(at + beside, lean) for at, beside, (_, lean) in zip(there, noise, wanted, strict=True)]
    return [Touch(q - np.radians(off_deg), at) for q, at in zip(true, places, strict=True)]


@pytest.mark.parametrize("seed", range(5))
def test_exact_touches_give_exact_offsets(seed):
    """Whatever they are within 15 degrees; the touches then fit."""
    off_deg = np.append(np.random.default_rng(seed).uniform(-15, 15, SHOWN), 0.0)
    zeros = solve(tip, touches(off_deg), LARGEST)
    assert np.degrees(zeros.offsets) == pytest.approx(off_deg, abs=0.2)
    assert zeros.rms < 5e-4
    assert zeros.before.min() > zeros.misses.max()


def test_a_roll_that_is_off_spoils_little():
    """wrist_roll is not solved for; 3 degrees of it take less than a degree from the others, and a millimetre."""
    zeros = solve(tip, touches((-3.0, 3.0, 12.5, 3.0, 3.0)), LARGEST)
    assert zeros.offsets[4] == 0.0
    assert np.degrees(zeros.offsets[:4]) == pytest.approx((-3.0, 3.0, 12.5, 3.0), abs=0.5)
    assert zeros.rms < 1e-3


def test_the_doubt_is_as_large_as_the_error():
    """Over many hands, errors are as large as the standard deviation that is given with them."""
    off_deg, scaled = np.array((-3.0, 3.0, 12.5, 3.0, 0.0)), []
    for seed in range(30):
        astray = ASTRAY * np.random.default_rng(seed).normal(size=3)
        zeros = solve(tip, touches(off_deg, HAND_M, seed, astray=astray), LARGEST)
        scaled.append((zeros.offsets[:4] - np.radians(off_deg[:4])) / zeros.doubt)
    assert np.std(scaled, axis=0) == pytest.approx(1.0, abs=0.35)


def test_one_posture_alone_leaves_doubt():
    """A gripper that always points straight down confuses shoulder, elbow and wrist."""
    off_deg = (-3.0, 3.0, 12.5, 3.0, 0.0)
    both = solve(tip, touches(off_deg), LARGEST)
    one = solve(tip, touches(off_deg, wanted=[(mark, 0.0) for mark in range(5)] * 2), LARGEST)
    assert one.doubt[1:].max() > 1.5 * both.doubt[1:].max()


def test_offsets_stay_within_what_is_allowed():
    """What would take more is left at the limit, and the touches do not fit."""
    zeros = solve(tip, touches((0.0, 0.0, 26.0, 0.0, 0.0)), LARGEST)
    assert np.degrees(zeros.offsets[2]) == pytest.approx(20.0)
    assert zeros.rms > 5e-3
