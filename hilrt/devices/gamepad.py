"""A gamepad as the operator's device: its sticks drive, its right bumper takes over while it is held."""

from collections.abc import Callable, Sequence

import numpy as np
from evdev import AbsInfo, InputEvent, ecodes

from hilrt.devices.hotplug import Plugged
from hilrt.devices.inputdevice import Entry, InputDevice
from hilrt.devices.keyboard import AXES, Key
from hilrt.devices.operator import Motionless, OperatorInput, Scene
from hilrt.devices.padlayout import Code, Control, Layout, code_of, layout_of, offered
from hilrt.step.record import GripperCommand, Mode

STICKS = ("left_x", "left_y", "right_y")
BUTTONS = {
    Key.INTERVENE: "right_bumper",
    Key.OTHER_ARM: "left_bumper",
    Key.SUCCESS: "top",
    Key.FAILURE: "bottom",
    Key.RERECORD: "left",
    Key.STOP: "back",
    Key.CLOSE: "left_trigger",
    Key.OPEN: "right_trigger",
    Key.TILT_UP: "dpad_up",
    Key.TILT_DOWN: "dpad_down",
    Key.ROLL_LEFT: "dpad_left",
    Key.ROLL_RIGHT: "dpad_right",
}
"""What each button means; the names are those of `Layout`."""
DIRECTIONS = {
    Key.FORWARD: ("left_y", -1.0),
    Key.BACK: ("left_y", 1.0),
    Key.LEFT: ("left_x", -1.0),
    Key.RIGHT: ("left_x", 1.0),
    Key.UP: ("right_y", -1.0),
    Key.DOWN: ("right_y", 1.0),
}
"""Where each stick points; the kernel's axes grow to the right and downwards."""


class Switch:
    """A button: whether it is held, and how often it was pressed since somebody asked."""

    def __init__(self, meaning: Key) -> None:
        self.meaning = meaning
        self.held = False
        self._presses = 0

    def set(self, held: bool) -> bool:
        """The button's new state; returns whether this is a press."""
        press = held and not self.held
        self._presses += press
        self.held = held
        return press

    def taken(self) -> int:
        """Presses since last asked."""
        presses, self._presses = self._presses, 0
        return presses

    def on(self) -> bool:
        """Whether it is held, or was for a moment since last asked."""
        return self.taken() > 0 or self.held


class Pad:
    """What a gamepad's controls are doing; keeps up with its events.

    Attributes:
        layout: of the device that is attached, or was last.
    """

    def __init__(self, on_stop: Callable[[], None]) -> None:
        self._on_stop = on_stop
        self.layout: Layout | None = None
        self.switches = {key: Switch(key) for key in BUTTONS}
        self._controls: list[tuple[Code, Control, Switch]] = []
        self._spans: dict[str, AbsInfo] = {}
        self._values: dict[Code, int] = {}

    def attached(self, device: InputDevice) -> None:
        """Sticks are where they are; a button that is held now counts from its next press on."""
        layout = layout_of(device.entry)
        assert layout is not None, "only gamepads are attached"
        sticks = [name for name in STICKS if offered(device.entry, getattr(layout, name))]
        self._spans = {name: device.absinfo(code_of(getattr(layout, name))[1]) for name in sticks}
        self._values = {code_of(getattr(layout, name)): span.value for name, span in self._spans.items()}
        self._controls = [
            (code_of(source), Control(source, _span(device, source)), self.switches[key])
            for key, place in BUTTONS.items()
            if (source := _first_offered(device.entry, getattr(layout, place)))
        ]
        self.layout = layout

    def event(self, event: InputEvent) -> None:
        """Something moved."""
        moved = event.type, event.code
        self._values[moved] = event.value
        for code, control, switch in self._controls:
            if code == moved:
                press = switch.set(control.pressed(event.value, switch.held))
                if press and switch.meaning is Key.STOP:
                    self._on_stop()

    def detached(self) -> None:
        """The pad has gone: nothing is held, and nobody takes over any more."""
        self._controls, self._spans = [], {}
        for switch in self.switches.values():
            switch.set(held=False)
        self.switches[Key.INTERVENE].taken()

    def stick(self, name: str, dead_zone: float) -> float:
        """Where a stick points, -1..1; it leaves its dead zone without a jump."""
        span = self._spans.get(name)
        if span is None or self.layout is None:
            return 0.0
        value = self._values[code_of(getattr(self.layout, name))]
        share = 2.0 * (value - span.min) / max(1, span.max - span.min) - 1.0
        beyond = max(0.0, abs(share) - dead_zone) / (1.0 - dead_zone)
        return float(np.sign(share) * min(1.0, beyond)) + 0.0  # no minus zero


def _span(device: InputDevice, source: str) -> AbsInfo | None:
    kind, code = code_of(source)
    return device.absinfo(code) if kind == ecodes.EV_ABS else None


def _first_offered(entry: Entry, sources: Sequence[str]) -> str:
    return next((source for source in sources if offered(entry, source)), "")


class Gamepad(Motionless):
    """`teleop.type = "gamepad"`; in a running event loop.

    Demonstrations are the operator's from beginning to end, evaluations the policy's.
    """

    def __init__(
        self,
        device: str,
        axes: Sequence[str],
        arms: int,
        *,
        intervene: bool,
        dead_zone: float,
        on_stop: Callable[[], None],
    ) -> None:
        """Find it and open it.

        Args:
            device: part of its name, or its path; empty: the first there is.
            axes: of one arm's action. With two arms the pad moves one at a time.
            arms: how many.
            intervene: whether training may be interrupted.
            dead_zone: share of a stick's way around its middle that means nothing.
            on_stop: called at the stop button's press, at once, also while an arm is reset.

        Raises:
            InputDeviceAbsentError, InputDeviceRefusedError: there is none, or it may not be opened.
        """
        self._pad = Pad(on_stop)
        self._plugged = Plugged("gamepad", device, lambda entry: layout_of(entry) is not None, self._pad)
        self._axes, self._arms = [AXES[name][0] for name in axes], arms
        self._may_intervene, self._dead_zone = intervene, dead_zone
        self._mode = Mode.DEMO
        self._arm = 0

    @property
    def message(self) -> str:
        """What the operator should know; empty while all is well."""
        return self._plugged.message

    def begin(self, mode: Mode, seed: int) -> None:  # noqa: ARG002 - a person needs no seed
        """A new episode; what was pressed before it does not count in it."""
        self._mode = mode
        for key, switch in self._pad.switches.items():
            if key is not Key.STOP:
                switch.taken()

    def sense(self, scene: Scene) -> OperatorInput:  # noqa: ARG002 - a person looks with her own eyes
        """Presses since the last call, sticks and triggers now."""
        self._plugged.look()
        switches = self._pad.switches
        taking_over = switches[Key.INTERVENE].on() and self._may_intervene
        self._arm = (self._arm + switches[Key.OTHER_ARM].taken()) % self._arms
        action = np.zeros((self._arms, len(self._axes)))
        action[self._arm] = self._motion()
        gripper = [GripperCommand.STAY] * self._arms
        gripper[self._arm] = GripperCommand(1 + switches[Key.OPEN].on() - switches[Key.CLOSE].on())
        return OperatorInput(
            intervening=self._mode is Mode.DEMO or (self._mode is Mode.TRAIN and taking_over),
            action=tuple(action.ravel().tolist()),
            gripper=tuple(gripper),
            arm=self._arm,
            success=switches[Key.SUCCESS].taken() > 0,
            failure=switches[Key.FAILURE].taken() > 0,
            rerecord=switches[Key.RERECORD].taken() > 0,
            stop=switches[Key.STOP].taken() > 0,
        )

    def close(self) -> None:
        """Idempotent."""
        self._plugged.close()

    def _motion(self) -> list[float]:
        """Along each axis of the action, -1..1."""
        on = {key: float(self._pad.switches[key].on()) for key in BUTTONS if key.held}
        tilt = on[Key.TILT_UP] - on[Key.TILT_DOWN]
        roll = on[Key.ROLL_RIGHT] - on[Key.ROLL_LEFT]
        way = {Key.TILT_UP: tilt, Key.TILT_DOWN: -tilt, Key.ROLL_RIGHT: roll, Key.ROLL_LEFT: -roll}
        for key, (stick, sign) in DIRECTIONS.items():
            way[key] = sign * self._pad.stick(stick, self._dead_zone) + 0.0  # no minus zero
        return [way[key] for key in self._axes]
