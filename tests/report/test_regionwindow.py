"""The window to draw a region in: the rectangle under the mouse, and a person's hand at a real window."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from hilrt.report.regionwindow import CHOSEN, SUGGESTED, Drawing, outline

ROOT = Path(__file__).parents[2]
WATCHDOG_S = 60
HEIGHT, WIDTH = 120, 160
SCALE = 4
"""Of a picture that low, on the screen."""
PICTURES = ((10, 10, 200), (10, 200, 200))
PROGRAM = f"""
import numpy as np
from hilrt.report.regionwindow import choose
pictures = [np.full(({HEIGHT}, {WIDTH}, 3), colour, np.uint8) for colour in {PICTURES}]
print("chosen:", choose("front", pictures, None, {{suggested}}), flush=True)
"""


def dragged(drawing, *places):
    """Press at the first place, move over the others, release at the last."""
    drawing.mouse(cv2.EVENT_LBUTTONDOWN, *places[0])
    for place in places[1:]:
        drawing.mouse(cv2.EVENT_MOUSEMOVE, *place)
    drawing.mouse(cv2.EVENT_LBUTTONUP, *places[-1])
    return drawing.region


@pytest.mark.parametrize(
    "places", [[(40, 20), (80, 100)], [(80, 100), (40, 20)], [(40, 100), (9, 9), (80, 20)]]
)
def test_a_drag_in_any_direction_is_the_same_region(places):
    """Corners may come in any order; what counts is where the button is released."""
    assert dragged(Drawing(HEIGHT, WIDTH, 2.0), *places) == (10, 20, 40, 20)


def test_a_drag_out_of_the_window_ends_at_the_border():
    """The region stays inside the frame."""
    assert dragged(Drawing(HEIGHT, WIDTH, 2.0), (100, 100), (9999, -50)) == (0, 50, 50, 110)


def test_a_click_changes_nothing():
    """A region that is there survives a press and release at one place, and a mouse that only passes by."""
    drawing = Drawing(HEIGHT, WIDTH, 1.0, (1, 2, 3, 4))
    assert dragged(drawing, (50, 50)) == (1, 2, 3, 4)
    drawing.mouse(cv2.EVENT_MOUSEMOVE, 90, 90)
    assert drawing.region == (1, 2, 3, 4)


def test_outline_leaves_the_region_itself_free():
    """The border lies around the region, so that nothing in it is hidden."""
    picture = np.zeros((60, 80, 3), np.uint8)
    outline(picture, (20, 30, 20, 30), CHOSEN)
    assert not picture[20:40, 30:60].any()
    assert (picture[19, 30:60] == CHOSEN).all()
    assert (picture[40, 30:60] == CHOSEN).all()


class Hand:
    """A person at the window: mouse and keys by xdotool."""

    def __init__(self, display, suggested=None):
        self._display = display
        self._env = {**os.environ, "DISPLAY": display.name}
        words = [sys.executable, "-c", PROGRAM.format(suggested=suggested)]
        self.program = subprocess.Popen(words, cwd=ROOT, env=self._env, stdout=subprocess.PIPE, text=True)
        self.wait_for_colour(PICTURES[0], least=10_000)

    def do(self, *words):
        subprocess.run(["xdotool", *map(str, words)], env=self._env, check=True, timeout=WATCHDOG_S)

    def drag(self, start, end):
        self.do("mousemove", *start, "mousedown", 1)
        middle = [(a + b) // 2 for a, b in zip(start, end, strict=True)]
        self.do("mousemove", *middle, "mousemove", *end, "mouseup", 1)

    def area(self, colour):
        return int((self._display.screenshot() == colour).all(axis=2).sum())

    def wait_for_colour(self, colour, least=1, most=1 << 30):
        deadline = time.monotonic() + WATCHDOG_S
        while not least <= self.area(colour) <= most:
            assert time.monotonic() < deadline, "watchdog"
            time.sleep(0.05)

    def chosen(self):
        """What the program says in the end."""
        return re.search("chosen: (.*)", self.program.communicate(timeout=WATCHDOG_S)[0])[1]


@pytest.fixture
def hand(display):
    """Open the window; it ends with the test."""
    if not shutil.which("xdotool"):
        pytest.skip("xdotool is not installed")
    hands = []

    def opened(**kwargs):
        hands.append(Hand(display, **kwargs))
        return hands[-1]

    yield opened
    for each in hands:
        each.program.kill()
        each.program.communicate()


def test_drag_redo_drag_confirm(hand):
    """A dragged region is on the screen; `r` takes it away; a second one is confirmed with `c`, in frame pixels."""
    person = hand()
    person.drag((40, 40), (200, 200))
    person.wait_for_colour(CHOSEN)
    person.do("key", "r")
    person.wait_for_colour(CHOSEN, least=0, most=0)
    person.drag((80, 120), (400, 360))
    person.wait_for_colour(CHOSEN)
    person.do("key", "c")
    assert person.chosen() == str((120 // SCALE, 80 // SCALE, 240 // SCALE, 320 // SCALE))


def test_next_picture_and_the_whole_frame(hand):
    """`n` shows the next recorded picture; confirmed without a region, it is the whole frame."""
    person = hand()
    person.do("mousemove", 100, 100, "key", "n")
    person.wait_for_colour(PICTURES[1], least=10_000)
    person.do("key", "c")
    assert person.chosen() == str((0, 0, HEIGHT, WIDTH))


def test_a_suggestion_is_drawn_and_can_be_confirmed(hand):
    """It is the region to begin with; once another is drawn, both are seen."""
    person = hand(suggested=(10, 20, 30, 40))
    person.wait_for_colour(CHOSEN)
    person.drag((300, 300), (500, 400))
    person.wait_for_colour(SUGGESTED)
    person.do("key", "r", "key", "q")
    assert person.chosen() == "None"
    person = hand(suggested=(10, 20, 30, 40))
    person.do("mousemove", 100, 100, "key", "c")
    assert person.chosen() == "(10, 20, 30, 40)"


def test_a_closed_window_is_a_stop(hand, display):
    """Whoever closes the window has chosen nothing."""
    person = hand()
    display.close_window("hilrt crop: front")
    assert person.chosen() == "None"
