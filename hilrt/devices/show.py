"""What an input device sends, live and in words, for `hilrt doctor --show`."""

import select
from collections.abc import Iterator

from hilrt.devices.evdev_keyboard import KeyWords, is_keyboard
from hilrt.devices.hotplug import find, refused
from hilrt.devices.inputdevice import Entry, InputDevice
from hilrt.devices.keyboard import Key
from hilrt.devices.pad import BUTTONS, STICKS, Pad
from hilrt.devices.padlayout import layout_of


def show(device: str, dead_zone: float) -> Iterator[str]:
    """A line on the device, then one at each change, until it is unplugged.

    Args:
        device: part of its name, or its path; empty: the first gamepad, or else keyboard.
        dead_zone: of the sticks, as in `teleop.dead_zone`.

    Raises:
        InputDeviceAbsentError, InputDeviceRefusedError: there is none, or it may not be opened.
    """
    entry = find("gamepad or keyboard", device, lambda one: layout_of(one) is not None or is_keyboard(one))
    try:
        opened = InputDevice(entry)
    except OSError as error:
        raise refused(entry, error) from None
    try:
        yield _about(entry)
        yield from _follow(opened, dead_zone)
    except OSError:
        yield f"{entry.name} is gone"
    finally:
        opened.close()


def _about(entry: Entry) -> str:
    layout = layout_of(entry)
    kind = layout.name if layout else "keyboard"
    driver = f", driver {entry.driver}" if entry.driver else ""
    return f"{entry.name} at {entry.path}, {entry.vendor:04x}:{entry.product:04x}{driver}: {kind}"


def _follow(device: InputDevice, dead_zone: float) -> Iterator[str]:
    """Raises OSError when the device goes."""
    pad = Pad(_nothing, dead_zone)
    words = KeyWords(_nothing, _nothing)
    listener = pad if layout_of(device.entry) else words
    listener.attached(device)
    before = ""
    while True:
        select.select([device.fd], [], [])
        for event in device.changes():
            listener.event(event)
        line = _pad_line(pad) if listener is pad else _keys_line(words)
        if line != before:
            before = line
            yield line


def _nothing() -> None:
    """Stop is only shown."""


def _pad_line(pad: Pad) -> str:
    sticks = [f"{name} {pad.stick(name):+.2f}" for name in STICKS]
    return "  ".join(
        sticks + [f"{BUTTONS[key]} ({_word(key)})" for key, switch in pad.switches.items() if switch.on()]
    )


def _keys_line(words: KeyWords) -> str:
    return "  ".join(_word(key) for key in words.meant()) or "-"


def _word(key: Key) -> str:
    return key.name.lower().replace("_", " ")
