"""How a camera's view differs from the demonstrations', on rendered first pictures of episodes."""

import re

import cv2
import numpy as np
import pytest

from hilrt.config import SimPictures
from hilrt.data.likeness import Kind, Likeness
from hilrt.sim.model import CAMERAS
from hilrt.sim.world import World

SHOWN, SCENES, CHANGED = 20, 200, 3


def views(first, count, **pictures):
    """What each camera sees of scenes put up from these seeds, the arm at its start pose."""
    found = {name: [] for name in CAMERAS}
    with World("pick_lift", first, pictures=SimPictures(**pictures)) as world:
        for seed in range(first, first + count):
            world.place(seed)
            for name, seen in found.items():
                seen.append(world.render(name, 128, 128).copy())
    return found


def told(likeness, picture):
    """The kinds of difference that are worth telling."""
    return {finding.kind for finding in likeness.compare(picture) if finding.excess >= 1.0}


@pytest.fixture(scope="module")
def known():
    """Of demonstrations that differ in nothing but where the cube lies."""
    return {name: Likeness(seen) for name, seen in views(0, SHOWN).items()}


def test_unchanged_scenes_are_no_alarm(known):
    """In none of 200 is anything told, wherever the cube lies."""
    for name, seen in views(1000, SCENES).items():
        assert [n for n, picture in enumerate(seen) if told(known[name], picture)] == [], name


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"lamp": 0.6}, Kind.BRIGHTNESS, r"(39|40) % darker"),
        ({"lamp": 1.2}, Kind.BRIGHTNESS, r"\d+ % brighter"),
        ({"warmth": 0.1}, Kind.COLOUR, r"red \+\d+ %, green [+-]\d %, blue -\d+ %"),
        ({"turn_deg": 5.0}, Kind.FRAMING, r"view shifted by \d+\.\d % of its width"),
        ({"turn_deg": -5.0}, Kind.FRAMING, r"view shifted by .*"),
    ],
)
def test_a_change_is_told_by_both_cameras(known, change, kind, words):
    """In every scene, by its kind and size; other light is not taken for another view, nor for another colour."""
    for name, seen in views(1000, CHANGED, **change).items():
        for picture in seen:
            assert told(known[name], picture) - {Kind.BRIGHTNESS} <= {kind}
            finding = known[name].compare(picture)[kind]
            assert finding.excess >= 1.0
            assert re.fullmatch(words, finding.words)


def test_a_turn_about_the_line_of_sight_is_told(known):
    """The picture's middle then stays where it is."""
    (picture,) = views(1000, 1)["front"]
    turn = cv2.getRotationMatrix2D((63.5, 63.5), 5.0, 1.0)
    turned = cv2.warpAffine(picture, turn, (128, 128), borderMode=cv2.BORDER_REPLICATE)
    assert Kind.FRAMING in told(known["front"], turned)


def test_what_varied_in_the_demonstrations_is_no_alarm():
    """Of light that was another in each, as much again says nothing; more does."""
    varied = {"light": 0.3, "colour": 0.1, "exposure": 0.1, "noise": 2.0}
    scenes = views(1000, 40, **varied)
    for name, shown in views(0, 40, **varied).items():
        likeness = Likeness(shown)
        assert not [n for n, picture in enumerate(scenes[name]) if told(likeness, picture)], name
        (dark,) = views(1000, 1, lamp=0.4)[name]
        assert told(likeness, dark) == {Kind.BRIGHTNESS}


def test_where_nothing_stands_still_nothing_is_told():
    """Pictures that have nothing in common are no measure."""
    rng = np.random.default_rng(0)
    assert not Likeness(list(rng.integers(0, 256, (5, 64, 64, 3), np.uint8))).tells


def test_black_and_white_can_be_compared(known):
    """A lens cap is darkness, and glare is light; demonstrations in the dark tell nothing."""
    black = np.zeros((128, 128, 3), np.uint8)
    for extreme in (black, ~black):
        assert Kind.BRIGHTNESS in told(known["front"], extreme)
    assert told(Likeness([black] * 3), black) == set()
