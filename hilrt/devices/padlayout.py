"""Which button of which controller is where: the layouts of gamepads.toml, applied to the kernel's codes."""

from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec
from evdev import AbsInfo, ecodes

from hilrt.devices.inputdevice import Entry

Code = tuple[int, int]
"""Type and code of an event."""
PRESS, RELEASE = 0.5, 0.4
"""Share of its way at which a trigger counts as pressed, and as released: between them it stays what it was."""


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of controller; buttons are named for their place. Defaults are the kernel's gamepad specification."""

    name: str
    driver: str = ""
    ids: tuple[str, ...] = ()
    has: tuple[str, ...] = ()
    left_x: str = "ABS_X"
    left_y: str = "ABS_Y"
    right_y: str = "ABS_RY"
    left_trigger: tuple[str, ...] = ("ABS_Z", "BTN_TL2")
    right_trigger: tuple[str, ...] = ("ABS_RZ", "BTN_TR2")
    left_bumper: tuple[str, ...] = ("BTN_TL",)
    right_bumper: tuple[str, ...] = ("BTN_TR",)
    top: tuple[str, ...] = ("BTN_NORTH",)
    bottom: tuple[str, ...] = ("BTN_SOUTH",)
    left: tuple[str, ...] = ("BTN_WEST",)
    back: tuple[str, ...] = ("BTN_SELECT",)
    dpad_up: tuple[str, ...] = ("ABS_HAT0Y-", "BTN_DPAD_UP")
    dpad_down: tuple[str, ...] = ("ABS_HAT0Y+", "BTN_DPAD_DOWN")
    dpad_left: tuple[str, ...] = ("ABS_HAT0X-", "BTN_DPAD_LEFT")
    dpad_right: tuple[str, ...] = ("ABS_HAT0X+", "BTN_DPAD_RIGHT")

    def fits(self, entry: Entry) -> bool:
        """Whether a device is of this kind."""
        ids = {f"{entry.vendor:04x}:{entry.product:04x}", f"{entry.vendor:04x}:*"}
        return (
            self.driver in {"", entry.driver}
            and (not self.ids or not ids.isdisjoint(self.ids))
            and all(offered(entry, name) for name in self.has)
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gamepad: tuple[Layout, ...]


@cache
def layouts() -> tuple[Layout, ...]:
    """All that are known, special ones first."""
    text = (resources.files("hilrt.devices") / "gamepads.toml").read_bytes()
    return msgspec.toml.decode(text, type=_File).gamepad


def layout_of(entry: Entry) -> Layout | None:
    """A device's layout; None when it is no gamepad."""
    return next((layout for layout in layouts() if layout.fits(entry)), None)


def code_of(source: str) -> Code:
    """Type and code of a button or an axis by its name, with or without a direction."""
    name = source.rstrip("+-")
    kind = ecodes.EV_ABS if name.startswith("ABS_") else ecodes.EV_KEY
    return kind, ecodes.ecodes[name]


def offered(entry: Entry, source: str) -> bool:
    """Whether a device has such a button or axis."""
    kind, code = code_of(source)
    return code in (entry.axes if kind == ecodes.EV_ABS else entry.keys)


class Control(NamedTuple):
    """A button, trigger or direction of one device: what it is, and from which share of its way on it is pressed."""

    source: str
    span: AbsInfo | None
    """Of its axis, if it is one."""

    def pressed(self, value: int, before: bool) -> bool:
        """Whether a value of its code means that it is pressed."""
        if self.span is None:
            return value != 0
        low, high = self.span.min, self.span.max
        share = (value - low) / max(1, high - low)
        if self.source[-1] in "+-":
            share = (2 * share - 1) * (1 if self.source[-1] == "+" else -1)
        return share > (RELEASE if before else PRESS)
