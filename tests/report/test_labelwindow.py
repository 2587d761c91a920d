"""The window to correct labels in: its keys, what it shows, and a person at a real one."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pictured import BLOCK, ROWS, demos, task_file

from hilrt.data.labelling import Labelling
from hilrt.data.labels import read_corrections
from hilrt.data.lerobot.dataset import open_dataset
from hilrt.errors import DatasetDamagedError, EpisodesAbsentError
from hilrt.report.labelwindow import (
    BORDER,
    CURSOR,
    DOWN,
    LEFT,
    NOTHING,
    OTHERS,
    REWARDED,
    RIGHT,
    UP,
    LabelWindow,
)
from hilrt.report.reel import AHEAD, HEIGHT, WIDTH, Reel, side_by_side
from hilrt.report.window import BAR

ROOT = Path(__file__).parents[2]
WATCHDOG_S = 60
STEPS = 24
CLASSES = ("nothing", "grasped", "success")
GRASPED = OTHERS[1]
LINE_Y = BORDER + HEIGHT + BORDER + 10
"""Where the line of classes is, from the top of the window."""


@pytest.fixture
def root(tmp_path):
    """Three episodes of 24 steps that ended in success, seen by two cameras."""
    return demos(task_file(tmp_path), episodes=3, steps=STEPS)


@pytest.fixture
def window(root):
    """The window without a display."""
    return LabelWindow(Labelling(root), CLASSES)


def typed(window, *keys, far=False):
    """Press keys; whether the last one left the window open."""
    return [window.press(ord(key) if isinstance(key, str) else key, far=far) for key in keys][-1]


def said(root):
    return [f"{c.episode}: {c}" for c in read_corrections(root)]


def test_keys_that_look(window, root):
    """Arrows move by an observation, with shift by ten, and stay within the episode; up and down change it."""
    typed(window, RIGHT, RIGHT, LEFT)
    assert (window.number, window.index) == (0, 1)
    typed(window, RIGHT, RIGHT, RIGHT, far=True)
    assert window.index == STEPS
    typed(window, DOWN, DOWN, DOWN, UP, RIGHT)
    assert (window.number, window.index) == (1, 1)
    typed(window, LEFT, LEFT, UP, UP)
    assert (window.number, window.index) == (0, 0)
    assert typed(window, "q") is typed(window, "w") is False
    assert not said(root)
    with pytest.raises(EpisodesAbsentError):
        LabelWindow(Labelling(root), CLASSES, 3)


def test_keys_that_correct(window, root):
    """Each correction is in the dataset once its key was pressed; a span begins where its digit was first pressed."""
    typed(window, RIGHT, "2", RIGHT, RIGHT, "2")
    assert said(root) == ["0: 1:4 = grasped"]
    typed(window, "1", "3", LEFT, "3")
    assert said(root)[1:] == ["0: 2:4 = success"]
    typed(window, "2", "u", "u", "s", DOWN, "f", "9")
    assert said(root)[2:] == ["0: undo", "0: success from 2", "1: failure"]
    assert typed(window, DOWN, "u")
    assert "episode 2 has no correction that could be undone" in window._line()
    assert len(said(root)) == 5
    assert [e.records[-1].success for e in open_dataset(root)] == [True, False, True]


def test_what_is_drawn(window):
    """The border has the colour of the observation's class, the line below that of each; no picture is shown early."""
    typed(window, RIGHT, "2", RIGHT, "2", RIGHT, RIGHT, "s", LEFT, LEFT)
    picture = np.full((HEIGHT, WIDTH, 3), 7, np.uint8)
    drawn = window.drawn(picture)
    assert drawn.shape[0] == LINE_Y + 10 + 2 * BAR
    assert {tuple(drawn[y, x]) for y, x in ((0, 0), (BORDER - 1, 500), (200, WIDTH + BORDER))} == {GRASPED}
    assert (drawn[BORDER : BORDER + HEIGHT, BORDER : BORDER + WIDTH] == 7).all()
    width = drawn.shape[1] / (STEPS + 1)
    line = [tuple(drawn[LINE_Y, int((i + 0.5) * width)]) for i in range(STEPS + 1)]
    assert line == [NOTHING, GRASPED, CURSOR, NOTHING] + [REWARDED] * (STEPS - 3)
    blank = window.drawn(None)
    assert blank.shape == drawn.shape
    assert not blank[BORDER : BORDER + HEIGHT, BORDER : BORDER + WIDTH].any()


def waited(condition):
    deadline = time.monotonic() + WATCHDOG_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "watchdog"
        time.sleep(0.01)
    return found


def test_reel_is_ahead(root):
    """What comes next is there before it is asked for, that of the next episode too, each its own picture."""
    dataset = open_dataset(root)
    with Reel(dataset) as reel:
        assert waited(lambda: reel.look(0, 0) is not None)
        waited(lambda: (1, 0) in reel._pictures)
        assert {(0, i) for i in range(min(AHEAD, STEPS) + 1)} <= set(reel._pictures)
        for number, index in ((0, 0), (0, STEPS), (1, 0), (2, 7), (0, 3)):
            shown = waited(lambda place=(number, index): _some(reel.look(*place)))[0]
            images = dataset.episode(number, frames=True).images(index)
            assert (shown == side_by_side(list(images.values()))).all()


def _some(picture):
    return [] if picture is None else [picture]


def test_damaged_pictures_are_named(root):
    """A file that cannot be read ends the window with its name."""
    data = root / "data/chunk-000/file-000.parquet"
    whole = bytearray(data.read_bytes())
    whole[len(whole) // 8 : len(whole) // 8 + 20000] = bytes(20000)
    data.write_bytes(whole)
    with Reel(open_dataset(root)) as reel, pytest.raises(DatasetDamagedError, match=r"file-000\.parquet"):
        waited(lambda: reel.look(0, STEPS) is not None)


class Person:
    """At the window that `hilrt label` opens: keys by xdotool, eyes by the screen."""

    def __init__(self, display, root):
        self._display = display
        self._env = {**os.environ, "DISPLAY": display.name}
        words = ["label", str(root), "--classes", ",".join(CLASSES)]
        program = [sys.executable, "-c", "from hilrt.cli import main; main()", *words]
        self.program = subprocess.Popen(program, cwd=ROOT, env=self._env, stdout=subprocess.PIPE, text=True)
        self.sees(at=0, border=NOTHING)
        self.do("mousemove", 50, 50)

    def do(self, *words):
        subprocess.run(["xdotool", *map(str, words)], env=self._env, check=True, timeout=WATCHDOG_S)

    def sees(self, *, at=None, border=None):
        """Wait for the white place in the line of classes, and the colour around the pictures."""
        waited(lambda: border is None or tuple(self._display.screenshot()[2, 100]) == border)
        waited(lambda: at is None or self._at() == at)

    def block(self):
        """Of which observation the picture is: the block's way down is even."""
        column = (
            self._display.screenshot()[BORDER : BORDER + HEIGHT, BORDER : WIDTH // 2] == (250, 20, 10)
        ).all(2)
        top = column.any(axis=1).argmax() / 5  # of 96 rows, enlarged to 480
        return round((top - ROWS[0]) / (ROWS[1] - BLOCK - ROWS[0]) * STEPS)

    def _at(self):
        white = np.flatnonzero((self._display.screenshot()[LINE_Y] == CURSOR).all(axis=1))
        return round(white[0] / ((WIDTH + 2 * BORDER) / (STEPS + 1))) if white.size else None


@pytest.fixture
def person(display, root):
    """Sits down; the program ends with the test."""
    if not shutil.which("xdotool"):
        pytest.skip("xdotool is not installed")
    person = Person(display, root)
    yield person
    person.program.kill()
    person.program.communicate()


def test_a_person_at_the_window(person, root):
    """She leafs, with shift by tens, says from where on it was success, corrects that, plays an episode, and quits."""
    person.do("key", "Right")
    person.sees(at=1)
    person.do("keydown", "shift", "key", "Right")
    person.sees(at=11)
    person.do("keyup", "shift", "key", "Left")
    person.sees(at=10)
    assert person.block() == 10
    person.do("key", "s")
    person.sees(border=REWARDED)
    assert said(root) == ["0: success from 10"]
    person.do("key", "u")
    person.sees(border=NOTHING)
    person.do("key", "2")
    person.do("key", "Left")
    person.sees(at=9)
    person.do("key", "2")
    person.sees(border=GRASPED)
    person.do("key", "Down")
    person.sees(at=0, border=NOTHING)
    person.do("key", "space")
    person.sees(border=REWARDED)  # at its end
    person.do("key", "f")
    person.sees(border=NOTHING)
    person.do("key", "q")
    told = person.program.communicate(timeout=WATCHDOG_S)[0]
    assert re.search("4 corrections and undos were written into", " ".join(told.split()))
    assert said(root) == ["0: success from 10", "0: undo", "0: 9:11 = grasped", "1: failure"]


def test_a_closed_window_keeps_what_was_said(person, display, root):
    """Whoever closes the window has quit."""
    person.do("key", "f")
    waited(lambda: said(root))
    display.close_window("hilrt label")
    assert person.program.wait(WATCHDOG_S) == 0
    assert said(root) == ["0: failure"]
