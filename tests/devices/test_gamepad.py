"""Gamepads: their layouts, and their way to the operator's input on virtual devices."""

from pathlib import Path

import pytest
from devices.virtual import run_virtual
from evdev import ecodes

from hilrt.devices.inputdevice import Entry, describe, entries
from hilrt.devices.pad import BUTTONS, STICKS
from hilrt.devices.padlayout import code_of, layout_of, layouts


def test_on_virtual_devices():
    """Everything a gamepad does, from the kernel's events to the operator's input."""
    run_virtual(Path(__file__).with_name("virtual_gamepad.py"))


@pytest.mark.parametrize("layout", layouts(), ids=lambda layout: layout.name)
def test_layouts_name_real_controls(layout):
    """Every control of every layout is an axis or a button that exists."""
    places = [(getattr(layout, stick),) for stick in STICKS]
    places += [getattr(layout, place) for place in BUTTONS.values()]
    assert all(code_of(source) for sources in [*places, layout.has] for source in sources)


@pytest.mark.parametrize(
    ("name", "vendor", "keys", "axes"),
    [
        ("Wireless Controller Motion Sensors", 0x054C, (), (ecodes.ABS_X, ecodes.ABS_Y, ecodes.ABS_RY)),
        ("Wireless Controller Touchpad", 0x054C, (0x110,), (ecodes.ABS_X, ecodes.ABS_Y)),
        ("Microsoft Mouse", 0x045E, (0x110, 0x111), ()),
        ("AT Keyboard", 1, range(1, 120), ()),
    ],
)
def test_what_is_no_gamepad(name, vendor, keys, axes):
    """A controller's other devices, mice and keyboards are not taken for gamepads."""
    assert (
        layout_of(Entry("/dev/input/event0", name, vendor, 1, "", frozenset(keys), frozenset(axes))) is None
    )


def test_a_device_that_has_just_gone():
    """A device that vanishes between listing and looking is passed over."""
    assert describe("/dev/input/event999") is None
    assert all(entry.name for entry in entries())
