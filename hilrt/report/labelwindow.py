"""A window to correct labels in: an episode's pictures, the class of each observation, and keys."""

import time
from collections.abc import Sequence
from itertools import count

import numpy as np

from hilrt.data.labelling import Labelling, outcome
from hilrt.errors import HilrtError
from hilrt.report.reel import HEIGHT, WIDTH, Reel
from hilrt.report.window import SETTLED, bar, is_open, opencv
from hilrt.report.x11 import Xlib, repeat_mapped
from hilrt.shm.pictures import Picture

TITLE = "hilrt label"
LEFT, UP, RIGHT, DOWN, ESCAPE = 0xFF51, 0xFF52, 0xFF53, 0xFF54, 0x1B
"""Key codes as OpenCV's windows give them."""
FAR = 10
"""Observations that shift and an arrow go."""
INTERVAL_MS = 10
BORDER, LINE = 8, 20
"""Around the pictures, and height of the line of classes [pixels]."""
REWARDED, NOTHING, CURSOR = (60, 230, 60), (110, 110, 110), (255, 255, 255)
OTHERS = (
    (255, 190, 0),
    (0, 170, 255),
    (230, 80, 200),
    (240, 90, 60),
    (120, 110, 255),
    (0, 210, 200),
    (200, 200, 90),
)
KEYS = (
    "left, right: look (shift: 10)   up, down: episode   space: play   s: success from here   f: failure   "
    "1-9: class, at its start and its end   u: undo   q: quit"
)

Colour = tuple[int, int, int]


class LabelWindow:
    """What is looked at, and what a key does."""

    def __init__(self, labelling: Labelling, classes: Sequence[str], number: int = 0) -> None:
        """`classes`: of the keys 1 to 9; `number`: of the episode to begin with."""
        labelling.recorded(number)  # or there is no such episode
        self._labelling = labelling
        self._classes = classes
        self.number, self.index = number, 0
        self.playing = False
        self._mark: tuple[str, int] | None = None
        self._said = ""
        self._due_s = 0.0

    @property
    def last(self) -> int:
        """The last observation of the episode that is looked at."""
        return len(self._labelling.recorded(self.number)) - 1

    def run(self) -> None:
        """Until the user quits or closes the window.

        Raises:
            DisplayAbsentError: there is no display.
            DatasetError: a picture, or a file, cannot be read.
        """
        cv2, xlib = opencv(), Xlib()
        cv2.namedWindow(TITLE, cv2.WINDOW_AUTOSIZE | cv2.WINDOW_GUI_NORMAL)
        before: object = None
        with Reel(self._labelling.dataset) as reel:
            for turn in count():
                if turn == SETTLED:
                    repeat_mapped(TITLE)
                picture = reel.look(self.number, self.index)
                shown = (self.number, self.index, id(picture), self._line())
                if shown != before or turn <= SETTLED:
                    cv2.imshow(TITLE, self.drawn(picture)[:, :, ::-1])
                    before = shown
                key = cv2.waitKeyEx(INTERVAL_MS)
                if not is_open(TITLE) or (key != -1 and not self.press(key, far=xlib.shift_held())):
                    break
                if picture is not None:
                    self._play()
        if is_open(TITLE):
            cv2.destroyWindow(TITLE)
        xlib.close()

    def press(self, key: int, *, far: bool = False) -> bool:
        """Do what a key says; whether to go on. `far`: shift is held."""
        if key in {ord("q"), ord("w"), ESCAPE}:
            return False
        self._said = ""
        steps = {LEFT: -1, RIGHT: 1}
        if key in steps:
            self.playing = False
            self.index = min(max(self.index + steps[key] * (FAR if far else 1), 0), self.last)
        elif key in {UP, DOWN}:
            self._turn_to(self.number + (1 if key == DOWN else -1))
        elif key == ord(" "):
            self.playing, self._due_s = not self.playing, time.monotonic()
            self.index = 0 if self.index == self.last else self.index
        else:
            self._correct(key)
        return True

    def _turn_to(self, number: int) -> None:
        if 0 <= number < len(self._labelling):
            self.number, self.index, self.playing, self._mark = number, 0, False, None

    def _correct(self, key: int) -> None:
        labelling, at = self._labelling, (self.number, self.index)
        try:
            if key == ord("s"):
                labelling.success(*at)
            elif key == ord("f"):
                labelling.failure(self.number)
            elif key == ord("u") and self._mark:
                self._mark = None
            elif key == ord("u"):
                self._said = f"taken back: {labelling.undo(self.number)}"
            elif 0 <= (place := key - ord("1")) < len(self._classes):
                self._span(self._classes[place])
        except HilrtError as error:
            self._said = str(error)

    def _span(self, name: str) -> None:
        mark, self._mark = self._mark, None
        if mark is None or mark[0] != name:
            self._mark = (name, self.index)
        else:
            first, last = sorted((mark[1], self.index))
            self._labelling.span(self.number, first, last + 1, name)

    def _play(self) -> None:
        """Go on by one, once it is time for that; the picture of now has been shown."""
        now_s, period_s = time.monotonic(), 1.0 / self._labelling.dataset.info.fps
        if self.playing and now_s >= self._due_s + period_s:
            self._due_s = max(self._due_s + period_s, now_s - period_s)
            self.index = min(self.index + 1, self.last)
            self.playing = self.index < self.last

    # --- drawing ---------------------------------------------------------------------------------

    def drawn(self, picture: Picture | None) -> Picture:
        """The whole window; without a picture while that is on its way, never with another's."""
        names = self._labelling.classes(self.number)
        if picture is None:
            picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        sides = ((BORDER, BORDER), (BORDER, BORDER), (0, 0))
        framed = np.pad(picture, sides)
        colour = self.colour(names[self.index])
        framed[:BORDER] = framed[-BORDER:] = framed[:, :BORDER] = framed[:, -BORDER:] = colour
        width = framed.shape[1]
        return np.vstack(
            [framed, self._classes_line(names, width), bar(width, self._line()), bar(width, KEYS)]
        )

    def colour(self, name: str) -> Colour:
        """Of a class."""
        if name == self._labelling.reward_class:
            return REWARDED
        if name not in self._classes[1:]:
            return NOTHING
        return OTHERS[self._classes.index(name) % len(OTHERS)]

    def _classes_line(self, names: Sequence[str], width: int) -> Picture:
        """A piece for each observation in its class's colour; the one that is looked at, and a mark, in white."""
        line = np.zeros((LINE, width, 3), np.uint8)
        edges = np.linspace(0, width, len(names) + 1).astype(int)
        for name, left, right in zip(names, edges[:-1], edges[1:], strict=True):
            line[4:-4, left:right] = self.colour(name)
        for at in (self.index, *([self._mark[1]] if self._mark else [])):
            line[:, edges[at] : max(edges[at + 1], edges[at] + 2)] = CURSOR
        return line

    def _line(self) -> str:
        labelling, number = self._labelling, self.number
        recorded, now = outcome(labelling.recorded(number)), outcome(labelling.corrected(number))
        name = labelling.classes(number)[self.index]
        parts = [
            f"episode {number} of {len(labelling)}",
            f"{self.index} of {self.last}: {name}",
            f"{now} (recorded: {recorded})" if labelling.of(number) else now,
            f"{self._mark[0]} from {self._mark[1]} to ..." if self._mark else "",
            self._said or " ".join(f"{i}: {each}" for i, each in enumerate(self._classes, 1)),
        ]
        return "   ".join(filter(None, parts))
