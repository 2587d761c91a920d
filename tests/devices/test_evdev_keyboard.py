"""A keyboard of the kernel's as the operator's."""

from pathlib import Path

from devices.virtual import run_virtual

from hilrt.devices.evdev_keyboard import CHORDS
from hilrt.devices.keyboard import SEQUENCES


def test_on_virtual_devices():
    """Everything the keyboard does, from the kernel's events to the operator's input."""
    run_virtual(Path(__file__).with_name("virtual_keyboard.py"))


def test_the_terminals_keys():
    """It has the keys that the terminal has, but the go-ahead after a crash, and no others."""
    assert sorted(CHORDS.values()) == sorted({*SEQUENCES.values()})
