"""Which button of which controller is where: the layouts of gamepads.toml, applied to the kernel's codes."""

import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec
import tomlkit
from evdev import AbsInfo, ecodes

from hilrt.devices.inputdevice import Entry
from hilrt.errors import GamepadLayoutsError
from hilrt.errors.plain import plain

Code = tuple[int, int]
"""Type and code of an event."""
PRESS, RELEASE = 0.5, 0.4
"""Share of its way at which a trigger counts as pressed, and as released: between them it stays what it was."""


HEADINGS = {"BTN_JOYSTICK", "BTN_GAMEPAD", "BTN_TRIGGER_HAPPY"}
"""What the kernel's header calls the first code of a group, beside the code's own name."""


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
    start: tuple[str, ...] = ("BTN_START",)
    dpad_up: tuple[str, ...] = ("ABS_HAT0Y-", "BTN_DPAD_UP")
    dpad_down: tuple[str, ...] = ("ABS_HAT0Y+", "BTN_DPAD_DOWN")
    dpad_left: tuple[str, ...] = ("ABS_HAT0X-", "BTN_DPAD_LEFT")
    dpad_right: tuple[str, ...] = ("ABS_HAT0X+", "BTN_DPAD_RIGHT")

    @property
    def sources(self) -> tuple[str, ...]:
        """Every control that it names."""
        about = {"name", "driver", "ids"}
        told = [value for field, value in msgspec.structs.asdict(self).items() if field not in about]
        return tuple(
            name for value in told for name in ((value,) if isinstance(value, str) else value) if name
        )

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
    """All that are known: the user's own, then special ones, then general ones.

    Raises:
        GamepadLayoutsError: the user's own cannot be read.
    """
    text = (resources.files("hilrt.devices") / "gamepads.toml").read_bytes()
    return (*_own(), *msgspec.toml.decode(text, type=_File).gamepad)


def own_file() -> Path:
    """Where the layouts are that `hilrt doctor --show` makes."""
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(folder).expanduser() / "hilrt" / "gamepads.toml"


def _own() -> tuple[Layout, ...]:
    path = own_file()
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=_File).gamepad
        wrong = [name for layout in found for name in layout.sources if not _exists(name)]
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise GamepadLayoutsError(str(path), f"cannot be read: {plain(error)}") from None
    if wrong:
        raise GamepadLayoutsError(str(path), f"names a control that does not exist: {wrong[0]}")
    return found


def keep_layout(layout: Layout) -> Path:
    """Add a layout to the user's own, in place of one for the same ids; returns the file.

    Raises:
        GamepadLayoutsError: the file cannot be read or written.
    """
    path = own_file()
    kept = _File((layout, *(other for other in _own() if other.ids != layout.ids)))
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(tomlkit.dumps(msgspec.to_builtins(kept)), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise GamepadLayoutsError(str(path), f"cannot be written: {error.strerror}") from None
    layouts.cache_clear()
    return path


def looks_like_pad(entry: Entry) -> bool:
    """Whether a device has a stick and a pad's or joystick's buttons, known or not."""
    buttons = range(ecodes.BTN_JOYSTICK, ecodes.BTN_DIGI)
    return {ecodes.ABS_X, ecodes.ABS_Y} <= entry.axes and any(code in entry.keys for code in buttons)


def layout_of(entry: Entry) -> Layout | None:
    """A device's layout; None when it is no gamepad."""
    return next((layout for layout in layouts() if layout.fits(entry)), None)


def code_of(source: str) -> Code:
    """Type and code of a button or an axis by its name, with or without a direction."""
    name = source.rstrip("+-")
    kind = ecodes.EV_ABS if name.startswith("ABS_") else ecodes.EV_KEY
    return kind, ecodes.ecodes[name]


def name_of(kind: int, code: int) -> str:
    """Inverse of `code_of`: of a code's names the one for its place (BTN_WEST, not BTN_Y); empty where it has none."""
    names = ecodes.bytype[kind].get(code, "")
    return names if isinstance(names, str) else max((n for n in names if n not in HEADINGS), key=len)


def _exists(source: str) -> bool:
    return source.rstrip("+-") in ecodes.ecodes


def offered(entry: Entry, source: str) -> bool:
    """Whether a device has such a button or axis; none has one without a name."""
    if not source:
        return False
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
