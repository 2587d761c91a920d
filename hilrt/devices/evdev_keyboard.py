"""A keyboard of this computer as the operator's device: the terminal's keys, but with real press and release.

It hears every key, whatever window is in front; so it is used only when the task file names it.
"""

import time
from collections.abc import Callable, Sequence

from evdev import InputEvent, ecodes

from hilrt.devices.hotplug import Plugged
from hilrt.devices.inputdevice import Entry, InputDevice
from hilrt.devices.keyboard import Key, TerminalKeyboard, press
from hilrt.devices.operator import Motionless, OperatorInput, Scene
from hilrt.step.record import Mode

SHIFT = frozenset({ecodes.KEY_LEFTSHIFT, ecodes.KEY_RIGHTSHIFT})
CTRL = frozenset({ecodes.KEY_LEFTCTRL, ecodes.KEY_RIGHTCTRL})
OTHER = frozenset({ecodes.KEY_LEFTALT, ecodes.KEY_RIGHTALT, ecodes.KEY_LEFTMETA, ecodes.KEY_RIGHTMETA})
MODIFIERS = SHIFT | CTRL | OTHER

Chord = tuple[int, frozenset[int]]
_PLAIN: frozenset[int] = frozenset()
CHORDS: dict[Chord, Key] = {
    (ecodes.KEY_UP, _PLAIN): Key.FORWARD,
    (ecodes.KEY_DOWN, _PLAIN): Key.BACK,
    (ecodes.KEY_LEFT, _PLAIN): Key.LEFT,
    (ecodes.KEY_RIGHT, _PLAIN): Key.RIGHT,
    (ecodes.KEY_UP, SHIFT): Key.UP,
    (ecodes.KEY_DOWN, SHIFT): Key.DOWN,
    (ecodes.KEY_RIGHT, CTRL): Key.OPEN,
    (ecodes.KEY_LEFT, CTRL): Key.CLOSE,
    (ecodes.KEY_I, _PLAIN): Key.TILT_UP,
    (ecodes.KEY_K, _PLAIN): Key.TILT_DOWN,
    (ecodes.KEY_J, _PLAIN): Key.ROLL_LEFT,
    (ecodes.KEY_L, _PLAIN): Key.ROLL_RIGHT,
    (ecodes.KEY_TAB, _PLAIN): Key.OTHER_ARM,
    (ecodes.KEY_SPACE, _PLAIN): Key.INTERVENE,
    (ecodes.KEY_S, _PLAIN): Key.SUCCESS,
    (ecodes.KEY_ESC, _PLAIN): Key.FAILURE,
    (ecodes.KEY_R, _PLAIN): Key.RERECORD,
    (ecodes.KEY_Q, _PLAIN): Key.STOP,
    (ecodes.KEY_ENTER, _PLAIN): Key.GO,
}
"""The terminal's keys, by the kernel's codes and the modifiers held with them."""
FOR_EVER = 1 << 62


def is_keyboard(entry: Entry) -> bool:
    """Whether a device has all the keys that mean something."""
    return entry.keys >= {code for code, _ in CHORDS} | {ecodes.KEY_LEFTSHIFT, ecodes.KEY_LEFTCTRL}


class KeyWords:
    """The words of `hilrt.devices.keyboard.Keys`, kept by a keyboard's own presses and releases."""

    def __init__(self, on_stop: Callable[[], None], on_gone: Callable[[], None]) -> None:
        self._on_stop, self._on_gone = on_stop, on_gone
        self._down: set[int] = set()
        self._held: dict[Key, int] = {}
        self.key_intervene = self.key_success = self.key_failure = self.key_rerecord = self.key_other_arm = 0
        self.stop = self.key_go = 0
        self.presses = 0
        self.key_forward_ns = self.key_back_ns = self.key_left_ns = self.key_right_ns = 0
        self.key_up_ns = self.key_down_ns = self.key_open_ns = self.key_close_ns = 0
        self.key_tilt_up_ns = self.key_tilt_down_ns = self.key_roll_left_ns = self.key_roll_right_ns = 0

    def attached(self, device: InputDevice) -> None:
        """A key that is held now counts from its next press on."""

    def event(self, event: InputEvent) -> None:
        """A key went down or up; repeats are passed over."""
        if event.type != ecodes.EV_KEY or event.value == (event.code in self._down) or event.value > 1:
            return
        if event.value:
            self._down.add(event.code)
            if key := CHORDS.get((event.code, self._modifiers())):
                self._press(key)
        else:
            self._down.discard(event.code)
        self._hold()

    def detached(self) -> None:
        """The keyboard has gone, and with it all that was held."""
        self._down.clear()
        self._hold()
        self._on_gone()

    def meant(self) -> list[Key]:
        """What the keys mean that are down now."""
        modifiers = self._modifiers()
        return [CHORDS[chord] for code in self._down if (chord := (code, modifiers)) in CHORDS]

    def _modifiers(self) -> frozenset[int]:
        """Both of a pair, whichever is held; alt and the like keep every key from meaning anything."""
        held = [group for group in (SHIFT, CTRL, OTHER) if not group.isdisjoint(self._down)]
        return _PLAIN.union(*held)

    def _press(self, key: Key) -> None:
        self.presses += 1
        press(self, key)
        if key is Key.STOP:
            self._on_stop()

    def _hold(self) -> None:
        """Directions held now keep on; one that was let go has the time of its press, so that a tap counts once."""
        held, now = self.meant(), time.monotonic_ns()
        for key in Key:
            if key.held and key in held and key not in self._held:
                self._held[key] = now
                setattr(self, key, FOR_EVER)
            elif key in self._held and key not in held:
                setattr(self, key, self._held.pop(key))


class EvdevKeyboard(Motionless):
    """`teleop.type = "keyboard"` with `teleop.device`; in a running event loop."""

    def __init__(
        self, device: str, axes: Sequence[str], arms: int, *, intervene: bool, on_stop: Callable[[], None]
    ) -> None:
        """Find it and open it.

        Args:
            device: part of its name, or its path.
            axes: of one arm's action. With two arms the keys move one at a time.
            arms: how many.
            intervene: whether training may be interrupted.
            on_stop: called at the stop key's press, at once, also while an arm is reset.

        Raises:
            InputDeviceAbsentError, InputDeviceRefusedError: there is none, or it may not be opened.
        """
        self._words = KeyWords(on_stop, self._gone)
        self._keyboard = TerminalKeyboard(self._words, axes, arms, intervene=intervene, held_ns=0)
        self._plugged = Plugged("keyboard", device, is_keyboard, self._words)
        self._stops = self._goes = self._presses = self._failures = 0

    @property
    def message(self) -> str:
        """What the operator should know; empty while all is well."""
        return self._plugged.message

    def begin(self, mode: Mode, seed: int) -> None:
        """A new episode; what was pressed before it does not count in it."""
        self._keyboard.begin(mode, seed)

    def ready(self) -> bool:
        """Whether Enter was pressed since last asked."""
        self._plugged.look()
        before, self._goes = self._goes, self._words.key_go
        return self._goes > before

    def active(self) -> bool:
        """Whether a key that means something was pressed since last asked."""
        self._plugged.look()
        before, self._presses = self._presses, self._words.presses
        return self._presses > before

    def refuses(self) -> bool:
        """Whether Escape was pressed since last asked."""
        self._plugged.look()
        before, self._failures = self._failures, self._words.key_failure
        return self._failures > before

    def sense(self, scene: Scene) -> OperatorInput:
        """Presses since the last call, directions held now."""
        self._plugged.look()
        before, self._stops = self._stops, self._words.stop
        return self._keyboard.sense(scene)._replace(stop=self._stops > before)

    def close(self) -> None:
        """Idempotent."""
        self._plugged.close()

    def _gone(self) -> None:
        self._keyboard.release()
