"""A gamepad's controls by what they mean: which are held, and where the sticks point."""

from collections.abc import Callable

import numpy as np
from evdev import AbsInfo, InputEvent, ecodes

from hilrt.devices.inputdevice import InputDevice
from hilrt.devices.keyboard import Key
from hilrt.devices.padlayout import Code, Control, Layout, code_of, layout_of, offered

STICKS = ("left_x", "left_y", "right_y")
BUTTONS = {
    Key.INTERVENE: "right_bumper",
    Key.OTHER_ARM: "left_bumper",
    Key.SUCCESS: "top",
    Key.FAILURE: "bottom",
    Key.RERECORD: "left",
    Key.STOP: "back",
    Key.GO: "start",
    Key.CLOSE: "left_trigger",
    Key.OPEN: "right_trigger",
    Key.TILT_UP: "dpad_up",
    Key.TILT_DOWN: "dpad_down",
    Key.ROLL_LEFT: "dpad_left",
    Key.ROLL_RIGHT: "dpad_right",
}
"""What each button means; the names are those of `Layout`."""
REST = 0.25
"""Share of its way around the middle within which a stick is at rest; its dead zone, where that is larger."""


class Switch:
    """A button: whether it is held, and how often it was pressed since somebody asked."""

    def __init__(self, meaning: Key) -> None:
        self.meaning = meaning
        self.held = False
        self._down: set[str] = set()
        """Which of the controls that it may be."""
        self._presses = 0
        self._stale = False

    def set(self, source: str, *, down: bool) -> bool:
        """The new state of one of its controls; returns whether this is a press."""
        (self._down.add if down else self._down.discard)(source)
        press = bool(self._down) and not self.held
        self._presses += press
        self.held = bool(self._down)
        self._stale &= self.held
        return press

    def down(self, source: str) -> bool:
        """Whether one of its controls is held."""
        return source in self._down

    def found_held(self, source: str) -> None:
        """One of its controls was held before anybody looked: it must be let go first."""
        self._down.add(source)
        self.held = self._stale = True

    def begin(self) -> None:
        """What it did until now counts no more; where it is a direction and held, it must be let go first."""
        self._presses = 0
        self._stale = self.held and self.meaning.held

    def release(self) -> None:
        """It has gone."""
        self._down.clear()
        self.held = self._stale = False

    def taken(self) -> int:
        """Presses since last asked."""
        presses, self._presses = self._presses, 0
        return presses

    def on(self) -> bool:
        """Whether it is held, or was for a moment since last asked."""
        return self.taken() > 0 or (self.held and not self._stale)


class Stick:
    """One axis of a stick. It points nowhere until it was seen at rest.

    Until a pad is first moved the kernel reports 0 for each of its axes, which for most pads is one of their ends.
    """

    def __init__(self, source: str, span: AbsInfo, dead_zone: float) -> None:
        self._sign = -1.0 if source.endswith("-") else 1.0
        self._span, self._dead_zone = span, dead_zone
        self._rested = False
        self.move(span.value)

    def move(self, value: int) -> None:
        """Where it is now."""
        low, high = self._span.min, self._span.max
        self._share = self._sign * (2.0 * (value - low) / max(1, high - low) - 1.0)
        self._rested |= self._at_rest

    def begin(self) -> None:
        """From now on it must be seen at rest first, where it is not."""
        self._rested = self._at_rest

    @property
    def _at_rest(self) -> bool:
        return abs(self._share) < max(REST, self._dead_zone)

    def points(self) -> float:
        """Where to, -1..1; it leaves its dead zone without a jump."""
        if not self._rested:
            return 0.0
        beyond = max(0.0, abs(self._share) - self._dead_zone) / (1.0 - self._dead_zone)
        return float(np.sign(self._share) * min(1.0, beyond)) + 0.0  # no minus zero


class Pad:
    """What a gamepad's controls are doing; keeps up with its events.

    Attributes:
        layout: of the device that is attached, or was last.
        moves: how often a button was pressed, or a stick moved away from its middle.
    """

    def __init__(self, on_stop: Callable[[], None], dead_zone: float) -> None:
        """`dead_zone`: share of a stick's way around its middle that means nothing."""
        self._on_stop, self._dead_zone = on_stop, dead_zone
        self.layout: Layout | None = None
        self.moves = 0
        self.switches = {key: Switch(key) for key in BUTTONS}
        self._controls: list[tuple[Code, Control, Switch]] = []
        self._sticks: dict[str, Stick] = {}
        self._moved: dict[Code, Stick] = {}

    def attached(self, device: InputDevice) -> None:
        """Sticks are where they are; a button that is held now counts from its next press on."""
        layout = layout_of(device.entry)
        assert layout is not None, "only gamepads are attached"
        sources = {name: str(getattr(layout, name)) for name in STICKS}
        self._sticks = {
            name: Stick(source, device.absinfo(code_of(source)[1]), self._dead_zone)
            for name, source in sources.items()
            if offered(device.entry, source)
        }
        self._moved = {code_of(sources[name]): stick for name, stick in self._sticks.items()}
        self._controls = [
            (code_of(source), Control(source, _span(device, source)), self.switches[key])
            for key, place in BUTTONS.items()
            for source in getattr(layout, place)
            if offered(device.entry, source)
        ]
        for _, control, switch in self._controls:
            if control.span and control.pressed(control.span.value, before=False):
                switch.found_held(control.source)
        self.layout = layout

    def event(self, event: InputEvent) -> None:
        """Something moved."""
        moved = event.type, event.code
        if stick := self._moved.get(moved):
            stick.move(event.value)
            self.moves += stick.points() != 0.0
        for code, control, switch in self._controls:
            if code == moved:
                down = control.pressed(event.value, switch.down(control.source))
                press = switch.set(control.source, down=down)
                self.moves += press
                if press and switch.meaning is Key.STOP:
                    self._on_stop()

    def begin(self) -> None:
        """A new episode: what is not at rest must be seen at rest before it counts; a stop counts at any time."""
        for stick in self._sticks.values():
            stick.begin()
        for key, switch in self.switches.items():
            if key is not Key.STOP:
                switch.begin()

    def detached(self) -> None:
        """The pad has gone: nothing is held, and nobody takes over any more."""
        self._controls, self._sticks, self._moved = [], {}, {}
        for switch in self.switches.values():
            switch.release()
        self.switches[Key.INTERVENE].taken()

    def stick(self, name: str) -> float:
        """Where a stick points, -1..1."""
        stick = self._sticks.get(name)
        return stick.points() if stick else 0.0


def _span(device: InputDevice, source: str) -> AbsInfo | None:
    kind, code = code_of(source)
    return device.absinfo(code) if kind == ecodes.EV_ABS else None
