"""The terminal hilrt runs in, as an operator's keyboard.

The supervisor owns the terminal and counts key presses in the status block; control reads the counts, so a
press between two ticks is never lost. A terminal tells of presses and repeats, not of releases: a direction
is held while its presses keep coming.
"""

import re
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np

from hilrt.devices.operator import Motionless, OperatorInput, Scene
from hilrt.step.record import GripperCommand, Mode

HELD_NS = 150_000_000
"""A direction counts as held this long after its last press; key repeat comes every 30-40 ms."""


class Key(StrEnum):
    """What a key means; the value names its word in the supervisor's status.

    STOP has none: the terminal's owner ends the run itself. GO is no business of who drives: it ends a wait.
    """

    INTERVENE = "key_intervene"
    SUCCESS = "key_success"
    FAILURE = "key_failure"
    RERECORD = "key_rerecord"
    OTHER_ARM = "key_other_arm"
    STOP = "stop"
    GO = "key_go"
    FORWARD = "key_forward_ns"
    BACK = "key_back_ns"
    LEFT = "key_left_ns"
    RIGHT = "key_right_ns"
    UP = "key_up_ns"
    DOWN = "key_down_ns"
    TILT_UP = "key_tilt_up_ns"
    TILT_DOWN = "key_tilt_down_ns"
    ROLL_LEFT = "key_roll_left_ns"
    ROLL_RIGHT = "key_roll_right_ns"
    OPEN = "key_open_ns"
    CLOSE = "key_close_ns"

    @property
    def held(self) -> bool:
        """Whether its word is the time of the last press, not a count."""
        return self.value.endswith("_ns")

    @property
    def counted(self) -> bool:
        """Whether its word counts presses."""
        return not self.held and self not in {Key.STOP, Key.GO}


SEQUENCES = {
    b"\x1b[A": Key.FORWARD,
    b"\x1b[B": Key.BACK,
    b"\x1b[D": Key.LEFT,
    b"\x1b[C": Key.RIGHT,
    b"\x1b[1;2A": Key.UP,
    b"\x1b[1;2B": Key.DOWN,
    b"\x1b[1;5C": Key.OPEN,
    b"\x1b[1;5D": Key.CLOSE,
    b"i": Key.TILT_UP,
    b"k": Key.TILT_DOWN,
    b"j": Key.ROLL_LEFT,
    b"l": Key.ROLL_RIGHT,
    b"\t": Key.OTHER_ARM,
    b" ": Key.INTERVENE,
    b"s": Key.SUCCESS,
    b"\x1b": Key.FAILURE,
    b"r": Key.RERECORD,
    b"q": Key.STOP,
    b"\r": Key.GO,
    b"\n": Key.GO,
}
"""What a terminal sends for each."""

AXES = {
    "dx": (Key.FORWARD, Key.BACK),
    "dy": (Key.LEFT, Key.RIGHT),
    "dz": (Key.UP, Key.DOWN),
    "dpitch": (Key.TILT_UP, Key.TILT_DOWN),
    "droll": (Key.ROLL_RIGHT, Key.ROLL_LEFT),
    "shoulder_pan.delta": (Key.RIGHT, Key.LEFT),
    "shoulder_lift.delta": (Key.FORWARD, Key.BACK),
    "elbow_flex.delta": (Key.DOWN, Key.UP),
    "wrist_flex.delta": (Key.TILT_DOWN, Key.TILT_UP),
    "wrist_roll.delta": (Key.ROLL_LEFT, Key.ROLL_RIGHT),
}
"""Keys that move an axis of the action up and down; with joint control the tool goes about where they point."""

STROKE = re.compile(rb"\x1b\[[0-9;]*[ -/]*[@-~]|\x1bO.|\x1b(?!.)|[^\x1b]", re.DOTALL)
"""One stroke: a control sequence, a lone escape at the end, or a byte. An escape with anything else behind it is
none: half a sequence must not count as a declared failure."""


def decode_keys(data: bytes) -> list[Key]:
    """Keys in what one read of the terminal gave; all else is passed over."""
    return [SEQUENCES[stroke] for stroke in STROKE.findall(data) if stroke in SEQUENCES]


class Counts(Protocol):
    """Words that count presses."""

    key_intervene: int
    key_success: int
    key_failure: int
    key_rerecord: int
    key_other_arm: int


class Keys(Counts, Protocol):
    """The words the terminal's owner writes: counts of presses, and times of presses [ns]."""

    key_forward_ns: int
    key_back_ns: int
    key_left_ns: int
    key_right_ns: int
    key_up_ns: int
    key_down_ns: int
    key_tilt_up_ns: int
    key_tilt_down_ns: int
    key_roll_left_ns: int
    key_roll_right_ns: int
    key_open_ns: int
    key_close_ns: int


def press(keys: object, key: Key) -> None:
    """Note one press in the words."""
    value = time.monotonic_ns() if key.held else getattr(keys, key) + 1
    setattr(keys, key, value)


class Presses:
    """Presses of the counted keys, each taken once."""

    def __init__(self, words: Counts) -> None:
        self._words = words
        self._seen: dict[Key, int] = {key: getattr(words, key) for key in Key if key.counted}

    def taken(self, key: Key) -> int:
        """Since last asked."""
        before, self._seen[key] = self._seen[key], int(getattr(self._words, key))
        return self._seen[key] - before

    def forget(self) -> None:
        """Those until now count no more."""
        for key in self._seen:
            self.taken(key)


class TerminalKeyboard(Motionless):
    """`teleop.type = "keyboard"`."""

    def __init__(
        self, keys: Keys, axes: Sequence[str], arms: int, *, intervene: bool, held_ns: int = HELD_NS
    ) -> None:
        """`axes`: of one arm's action; `intervene`: whether training may be interrupted.

        Demonstrations are the operator's from beginning to end. With two arms the keys move one at a time.
        """
        self._keys, self._axes, self._arms = keys, [AXES[name] for name in axes], arms
        self._may_intervene, self._held_ns = intervene, held_ns
        self._presses = Presses(keys)
        self._intervening = False
        self._mode = Mode.DEMO
        self._arm = 0
        self._sensed_ns = self._begun_ns = 0
        self._rested = self._at_rest(time.monotonic_ns())
        """Directions that were seen at rest since the episode began; the others do not drive yet."""

    message = ""

    def close(self) -> None:
        """Nothing is open."""

    def begin(self, mode: Mode, seed: int) -> None:  # noqa: ARG002 - a person needs no seed
        """A new episode: demonstrations start in the operator's hands, all else in the policy's.

        What was pressed before does not count in it, and what is held must be let go first.
        """
        self._mode = mode
        self._intervening = mode is Mode.DEMO
        self._presses.forget()
        self._begun_ns = time.monotonic_ns()
        self._rested = self._at_rest(self._begun_ns)

    def release(self) -> None:
        """Nobody is at the keys any more: what was taken over goes back to the policy."""
        self._presses.taken(Key.INTERVENE)
        self._intervening = self._mode is Mode.DEMO

    def sense(self, scene: Scene) -> OperatorInput:  # noqa: ARG002 - a person looks with her own eyes
        """Presses since the last call, directions held now."""
        taken = self._presses.taken
        if taken(Key.INTERVENE) % 2 and self._mode is Mode.TRAIN and self._may_intervene:
            self._intervening = not self._intervening
        self._arm = (self._arm + taken(Key.OTHER_ARM)) % self._arms
        action = np.zeros((self._arms, len(self._axes)))
        action[self._arm] = [self._axis(plus, minus) for plus, minus in self._axes]
        gripper = [GripperCommand.STAY] * self._arms
        gripper[self._arm] = GripperCommand(1 + round(self._axis(Key.OPEN, Key.CLOSE)))
        self._sensed_ns = time.monotonic_ns()
        return OperatorInput(
            intervening=self._intervening,
            action=tuple(action.ravel().tolist()),
            gripper=tuple(gripper),
            arm=self._arm,
            success=taken(Key.SUCCESS) > 0,
            failure=taken(Key.FAILURE) > 0,
            rerecord=taken(Key.RERECORD) > 0,
        )

    def _axis(self, plus: Key, minus: Key) -> float:
        return float(self._drives(plus)) - float(self._drives(minus))

    def _drives(self, key: Key) -> bool:
        """Whether a direction is held, or was for a moment since last asked."""
        now = time.monotonic_ns()
        if key not in self._rested:
            if not self._down(key, now):
                self._rested.add(key)
            return False
        since = min(now - self._held_ns, self._sensed_ns)  # a tap between two slow ticks counts too
        return int(getattr(self._keys, key)) > max(since, self._begun_ns)

    def _at_rest(self, now_ns: int) -> set[Key]:
        return {key for key in Key if key.held and not self._down(key, now_ns)}

    def _down(self, key: Key, now_ns: int) -> bool:
        return int(getattr(self._keys, key)) > now_ns - self._held_ns
